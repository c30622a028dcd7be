"""Data that ships with the product: clauses, rules, the visibility matrix, vectors."""
