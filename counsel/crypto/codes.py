"""Printed codes of 120 bits: 24 letters and digits in six groups, without the four that look like others."""

import secrets

from counsel.crypto.derive import subkey

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
LENGTH = 24
_LOOKS_LIKE = str.maketrans("OIL", "011")


def new_code() -> str:
    """Return a new code such as ``7K3M-…`` with 120 random bits."""
    text = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(text[at : at + 4] for at in range(0, LENGTH, 4))


def normalise_code(text: str) -> str | None:
    """Return the 24 characters of a typed code, or None when it cannot be one."""
    plain = "".join(ch for ch in text.upper() if ch.isalnum()).translate(_LOOKS_LIKE)
    return plain if len(plain) == LENGTH and set(plain) <= set(ALPHABET) else None


def code_keys(code: str) -> tuple[bytes, bytes]:
    """Return (finder, key) of a code: the finder may be stored, the key opens what the code seals. 32 bytes each.

    :raises ValueError: when `code` is not a code.
    """
    plain = normalise_code(code)
    if plain is None:
        raise ValueError("not a code")
    derived = subkey(plain.encode(), "code", length=64)
    return derived[:32], derived[32:]
