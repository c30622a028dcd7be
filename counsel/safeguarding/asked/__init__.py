"""Somebody asks about a person: everyone gets the same answer, whoever it is about (篇4 三; domain §3.5)."""
