"""Risk: the questions, the level function, and nothing that a script or a stylesheet repeats (domain §3; 篇4 五)."""
