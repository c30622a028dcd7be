"""篇10: a client's way from the first booking to follow-up. Rooms in the regulation's own order, cases underneath."""
