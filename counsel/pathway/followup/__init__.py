"""回访 (篇10 六): the contact agreed at closing, what was found, and the quiet end; a declined one is respected."""
