"""Encrypting a key to somebody's public key: HPKE base mode with ML-KEM-768 and X25519 together (security §4.3).

Base mode does not say who sent it, so every wrap is signed by its granter (`keys.grants`).
Sizes: public key 1184 + 32 bytes, private key 64 (seed) + 32 bytes, a wrapped 32-byte key 1168 bytes.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from counsel.core.errors import UnreadableError

PUBLIC_BYTES, PRIVATE_BYTES, SEED_BYTES, MLKEM_PUBLIC_BYTES = 1216, 96, 64, 1184
_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def new_private() -> bytes:
    """Return a new private key: ML-KEM seed and X25519 scalar, 96 bytes."""
    lattice = mlkem.MLKEM768PrivateKey.generate()
    curve = x25519.X25519PrivateKey.generate()
    return lattice.private_bytes_raw() + curve.private_bytes_raw()


def public_of(private: bytes) -> bytes:
    """Return the 1216 public bytes of a private key."""
    lattice, curve = _private_parts(private)
    return lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()


def wrap(secret: bytes, public: bytes, info: bytes) -> bytes:
    """Encrypt a short `secret` to `public`, bound to `info`."""
    try:
        lattice = mlkem.MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC_BYTES])
        curve = x25519.X25519PublicKey.from_public_bytes(public[MLKEM_PUBLIC_BYTES:])
    except ValueError as error:
        raise UnreadableError("no public key") from error
    return bytes(_SUITE.encrypt(secret, hpke.MLKEM768X25519PublicKey(lattice, curve), info))


def unwrap(wrapped: bytes, private: bytes, info: bytes) -> bytes:
    """Open what `wrap` made.

    :raises UnreadableError: another key, another info, or altered bytes.
    """
    lattice, curve = _private_parts(private)
    try:
        return bytes(_SUITE.decrypt(wrapped, hpke.MLKEM768X25519PrivateKey(lattice, curve), info))
    except (InvalidTag, ValueError) as error:
        raise UnreadableError("does not open") from error


def _private_parts(private: bytes) -> tuple[mlkem.MLKEM768PrivateKey, x25519.X25519PrivateKey]:
    return (
        mlkem.MLKEM768PrivateKey.from_seed_bytes(private[:SEED_BYTES]),
        x25519.X25519PrivateKey.from_private_bytes(private[SEED_BYTES:]),
    )
