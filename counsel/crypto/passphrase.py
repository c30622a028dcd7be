"""From a passphrase to two keys: Argon2id 64 MiB t=3 p=1, then HKDF peppered by the server secret (design §2)."""

import threading
import unicodedata
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from counsel.crypto.derive import mac

SALT_BYTES, MEMORY_KIB, PASSES, LONGEST = 16, 64 * 1024, 3, 128
_AT_ONCE = threading.BoundedSemaphore(2)  # 64 MiB each: sign-ins queue instead of filling the memory


def normalise(passphrase: str) -> str:
    """Return the passphrase in NFKC with single spaces, so that every keyboard types the same one."""
    return " ".join(unicodedata.normalize("NFKC", passphrase).split())


def stretch(passphrase: str, salt: bytes, account: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """Return (stored verifier, unlock key), 32 bytes each. The stored verifier is a SHA-256: it opens nothing.

    :param account: bytes that name the account; the same passphrase gives every account other keys.
    :param secret: the server secret; without it a stolen sign-in table cannot be guessed against.
    """
    with _AT_ONCE:
        kdf = Argon2id(salt=salt, length=32, iterations=PASSES, lanes=1, memory_cost=MEMORY_KIB)
        stretched = kdf.derive(normalise(passphrase).encode())
    pepper = mac(secret, b"pepper", account)
    keys = HKDF(hashes.SHA256(), 64, pepper, b"counsel/1/passphrase").derive(stretched)
    return sha256(keys[:32]).digest(), keys[32:]
