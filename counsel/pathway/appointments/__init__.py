"""Request → triage → confirm, the desk's day, and what may happen to a time (篇10 一, 篇9 二4, domain §1.1)."""
