"""The one format of sealed bytes: header, salt, commitment, chunks of AES-256-GCM.

Layout: magic ``CNE1`` 4 · version 1 · suite 1 · kind 1 · flags 1 · key id 16 · epoch u32 · salt 24 · commitment 32 ·
chunks. Suite 1 is C2SP chunked encryption with HKDF-SHA-512 and AES-256-GCM, 16 KiB chunks, the last always shorter
(c2sp.org/chunked-encryption; vectors in `tests/vectors` are ours, the source has none).
"""

import secrets
import struct
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from counsel.core.errors import UnreadableError
from counsel.crypto.context import NOBODY
from counsel.crypto.derive import expand, same

HEADER = struct.Struct(">4sBBBB16sI")
MAGIC, VERSION, SUITE, PADDED = b"CNE1", 1, 1, 1
SALT_BYTES, COMMITMENT_BYTES, TAG_BYTES, CHUNK_BYTES = 24, 32, 16, 16 * 1024
EPOCH_AT = HEADER.size - 4
BODY_AT = HEADER.size + SALT_BYTES + COMMITMENT_BYTES
SMALLEST_BYTES = 512


class Kind(IntEnum):
    """What a blob holds; part of its header and therefore of its context."""

    NOTE = 1  # a session note or another clinical text
    FORM = 2  # a structured form
    FILE = 3  # material that was brought in: a scan, a test, a letter
    RECORDING = 4  # sound or pictures of a session
    DISCLOSURE = 6  # a package for a named recipient
    IDENTITY = 8  # a person's card
    COVER = 9  # initial, level and next step of a case
    KEY = 16  # a box key, a group's private half, an own wrap
    SECRET = 17  # an account's bundle
    SIGN_IN = 18  # the two blobs of a sign-in
    HOUSE = 19  # house data under the server secret


KINDS = {kind.value: kind for kind in Kind}


class Header(NamedTuple):
    """The readable beginning of a blob; which key sealed it is bound, and never asked of the blob itself."""

    kind: Kind
    padded: bool
    epoch: int


def read_header(blob: bytes, written_in: int = SUITE) -> Header:
    """Return the header of a blob.

    :param written_in: the suite it must be of.

    :raises UnreadableError: when these are not bytes of ours.
    """
    if len(blob) < BODY_AT + TAG_BYTES:
        raise UnreadableError("too short")
    magic, version, suite, kind, flags, _key_id, epoch = HEADER.unpack_from(blob)
    known = KINDS.get(kind)
    if (magic, version, suite) != (MAGIC, VERSION, written_in) or flags & ~PADDED or known is None:
        raise UnreadableError("unknown format")
    return Header(known, bool(flags & PADDED), epoch)


def epoch_of(blob: bytes) -> int:
    """Return the epoch a blob says it was sealed in; whether it is a blob at all is seen when it is opened."""
    return int.from_bytes(blob[EPOCH_AT : HEADER.size], "big")


def seal(key: bytes, plaintext: bytes, kind: Kind, context: bytes, *, key_id: UUID = NOBODY, epoch: int = 0) -> bytes:
    """Seal `plaintext` under a 32-byte key that is used for nothing else.

    :param context: encoded `Context`; the same bytes are needed to open.
    :returns: header, salt, commitment and chunks; the length tells only the Padmé bucket, at least 512 bytes.
    """
    header = HEADER.pack(MAGIC, VERSION, SUITE, kind, PADDED, key_id.bytes, epoch)
    salt = secrets.token_bytes(SALT_BYTES)
    cipher, base_nonce, commitment = message_keys(key, salt, context + header)
    body = pad(plaintext)
    count = len(body) // CHUNK_BYTES + 1
    chunks = (cipher.encrypt(nonce_of(base_nonce, n), body[n * CHUNK_BYTES : (n + 1) * CHUNK_BYTES], None) for n in range(count))
    return b"".join((header, salt, commitment, *chunks))


def unseal(key: bytes, blob: bytes, kind: Kind, context: bytes) -> bytes:
    """Open what `seal` made, with the same key, kind and context.

    :raises UnreadableError: wrong key or context, moved, altered, cut or extended; never says which.
    """
    header = read_header(blob)
    if header.kind != kind:
        raise UnreadableError("does not open")
    salt, commitment = blob[HEADER.size : HEADER.size + SALT_BYTES], blob[HEADER.size + SALT_BYTES : BODY_AT]
    cipher, base_nonce, expected = message_keys(key, salt, context + blob[: HEADER.size])
    if not same(commitment, expected):
        raise UnreadableError("does not open")
    try:
        body = b"".join(cipher.decrypt(nonce_of(base_nonce, n), chunk, None) for n, chunk in enumerate(_chunks(blob)))
    except InvalidTag as error:
        raise UnreadableError("does not open") from error
    return unpad(body) if header.padded else body


def _chunks(blob: bytes) -> list[bytes]:
    step = CHUNK_BYTES + TAG_BYTES
    chunks = [blob[at : at + step] for at in range(BODY_AT, len(blob), step)]
    if not TAG_BYTES <= len(chunks[-1]) < step:
        raise UnreadableError("cut")
    return chunks


def message_keys(key: bytes, salt: bytes, context: bytes) -> tuple[AESGCM, bytes, bytes]:
    """Return (cipher, base nonce, commitment) of one message: C2SP chunked encryption."""
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
    derived = expand(key, info, 76)
    return AESGCM(derived[:32]), derived[32:44], derived[44:]


def nonce_of(base: bytes, number: int) -> bytes:
    """Return the nonce of a chunk."""
    return (int.from_bytes(base, "big") ^ number).to_bytes(12, "big")


def padme(length: int) -> int:
    """Return the padded length for `length` bytes: at most 12 % more, few distinct sizes, never below 512."""
    length = max(length, SMALLEST_BYTES)
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


def pad(plaintext: bytes) -> bytes:
    """Append 0x80 and zeros up to the Padmé length."""
    size = padme(len(plaintext) + 1)
    return plaintext + b"\x80" + bytes(size - len(plaintext) - 1)


def unpad(body: bytes) -> bytes:
    """Return what `pad` was given.

    :raises UnreadableError: when there is no padding, which no honest writer produces.
    """
    text = body.rstrip(b"\0")
    if not text.endswith(b"\x80"):
        raise UnreadableError("does not open")
    return text[:-1]
