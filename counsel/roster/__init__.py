"""Who is where when: rooms, weekly availability, the duty counsellor of each half-day, and what is taken (篇6 5)."""
