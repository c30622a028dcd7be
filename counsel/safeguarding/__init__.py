"""Where the secrecy yields, and what it owes: disclosures, reports, answers about the own file (篇4 五六; 篇9 二5)."""
