"""Key derivation: HMAC-SHA-256 over unambiguous parts, HKDF, and the one formula of every blob key (design §2)."""

import hashlib
import hmac
import secrets
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

KEY_BYTES, SHA512 = 32, hashes.SHA512()


def new_key() -> bytes:
    """Return 32 random bytes."""
    return secrets.token_bytes(KEY_BYTES)


def mac(key: bytes, *parts: bytes) -> bytes:
    """Return the 32-byte HMAC-SHA-256 of `parts`, each preceded by its length so that they cannot run together."""
    return hmac.digest(key, _apart(parts), "sha256")


def same(left: bytes, right: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(left, right)


def digest(*parts: bytes) -> bytes:
    """Return the 32-byte SHA-256 of `parts`, each preceded by its length."""
    return hashlib.sha256(_apart(parts)).digest()


def _apart(parts: tuple[bytes, ...]) -> bytes:
    return b"".join([piece for part in parts for piece in (len(part).to_bytes(4, "big"), part)])


def subkey(key: bytes, label: str, *, salt: bytes = b"", length: int = KEY_BYTES) -> bytes:
    """Return `length` bytes for the purpose `label`: HKDF-SHA-512 of `key`."""
    return HKDF(SHA512, length, salt or None, b"counsel/1/" + label.encode()).derive(key)


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """Return HKDF-Expand-SHA-512 of a uniformly random `key`."""
    return HKDFExpand(SHA512, length, info).derive(key)


def blob_key(box_key: bytes, lock: bytes, item: UUID, revision: int, context: bytes) -> bytes:
    """Return the 32-byte key of one sealed blob: HKDF( HMAC(box key, item ‖ revision), salt = lock, info = context ).

    The lock is part of every derivation, so nothing that survives elsewhere opens a blob whose lock is erased.
    """
    item_key = mac(box_key, item.bytes, revision.to_bytes(8, "big"))
    return HKDF(SHA512, KEY_BYTES, lock, context).derive(item_key)
