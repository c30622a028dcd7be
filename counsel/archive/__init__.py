"""The sealed archive: hand-over, catalogue (篇4 二, 三; 篇8 六)."""
