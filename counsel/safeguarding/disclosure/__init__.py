"""Disclosures: what leaves the room, for whom, why and until when; F09 with its packages (篇4 五六; 篇9 二5)."""
