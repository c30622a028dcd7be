"""Who may read what, and the limits of secrecy: pure tables and predicates, no database, no framework.

`roles` who exists · `limits` the closed list EX1–EX6 · `facts` what a rule may ask · `predicates` · `rules` THE table ·
`telling` what may leave the room · `decide` the evaluator, which refuses whatever it does not know.
"""
