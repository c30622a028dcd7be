"""Ed25519 signatures and the fingerprints people read aloud. Private and public keys 32 bytes, signatures 64."""

import base64
import hashlib
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def new_private() -> bytes:
    """Return a new private signing key."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_of(private: bytes) -> bytes:
    """Return the public half of a signing key."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def sign(private: bytes, message: bytes) -> bytes:
    """Return the signature of `message`."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(message)


def verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether `signature` over `message` was made with the private half of `public`."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=2048)
def verified(public: bytes, signature: bytes, message: bytes) -> bool:
    """Return what `verifies` returns and remember it: for certificates, which are read again and again. All of it is public."""
    return verifies(public, signature, message)


def fingerprint(*publics: bytes) -> bytes:
    """Return 32 bytes that stand for a set of public keys."""
    return hashlib.sha256(b"counsel/fingerprint/1" + b"".join(publics)).digest()


def spoken(print_: bytes) -> str:
    """Return the first 80 bits of a fingerprint as four groups of four letters and digits, to read aloud."""
    text = base64.b32encode(print_[:10]).decode()
    return " ".join(text[at : at + 4] for at in range(0, 16, 4))
