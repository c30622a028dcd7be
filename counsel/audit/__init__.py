"""What happened, provably: coded lines without personal content in one hash chain with one head (篇4 三; R4-09).

`recording` is the write transaction of every service: whatever was recorded inside is appended as its last statement.
"""
