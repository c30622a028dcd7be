"""One file per step; names begin with their number."""
