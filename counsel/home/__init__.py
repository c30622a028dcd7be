"""Each role's first page: asks every domain what waits today. Decides nothing and writes nothing."""
