"""心理咨询 (篇10 五): sessions held, and the one signed note of each, within its deadline (篇6 5)."""
