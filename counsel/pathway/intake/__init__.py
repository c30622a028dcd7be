"""初诊接待 (篇10 二, 篇4 一): receive the client, explain the limits and have the consent given, ask, screen, decide."""
