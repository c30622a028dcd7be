"""The only importer of `cryptography`: blob format, key derivation, hybrid encryption, signatures, passphrases, codes.

Nothing here knows the database or who may read; every output carries a version; every failure to open is one error.
"""
