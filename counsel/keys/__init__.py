"""Who holds which key. Five nouns: holder, box, grant, lock, blob. Six verbs: unlock, grant, open, write, revoke, destroy.

`bundle` unlock · `grants` grant · `boxes` open, write, rotate · `leaving` revoke · `locks` destroy · `groups` office, duty,
archive · `trust` whose public key may be used. A second way to do any of these is a bug (design §2).
"""
