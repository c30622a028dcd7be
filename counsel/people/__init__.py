"""Everybody: staff and their credentials, students on the roll, invitations, acknowledgements of codes and rules.

Carries out 篇5 2, 4, 8, 19; 篇6 2; 篇8 十一; 篇9 一1. What a person may read is not decided here but in
`confidentiality`; which keys they hold, in `keys`.
"""
