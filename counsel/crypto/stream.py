"""Long sealed bytes, piece by piece: the header of `blob` with suite 2, whose chunks are 256 KiB; one buffer, no plaintext kept.

Suite 2 is suite 1 with longer chunks. Whoever keeps the parts of something long knows from elsewhere how long each is, and
asks for chunks by number; a part that is cut or extended lacks a chunk or has one too many.
"""

import secrets
from collections.abc import Callable, Iterator
from uuid import UUID

from cryptography.exceptions import InvalidTag

from counsel.core.errors import UnreadableError
from counsel.crypto.blob import BODY_AT, HEADER, MAGIC, SALT_BYTES, TAG_BYTES, VERSION, Kind, message_keys, nonce_of, read_header
from counsel.crypto.context import NOBODY
from counsel.crypto.derive import same

SUITE, CHUNK_BYTES = 2, 256 * 1024
SEALED_CHUNK = CHUNK_BYTES + TAG_BYTES
Read = Callable[[int], bytes]  # as a file's `read`: at most so many bytes, none at the end


def seal_stream(
    key: bytes, read: Read, kind: Kind, context: bytes, *, key_id: UUID = NOBODY, epoch: int = 0
) -> Iterator[bytes | memoryview]:
    """Seal what `read` gives, under a 32-byte key, and yield the sealed pieces in order.

    Each piece is to be used before the next is asked for: all chunks share one buffer. Nothing is padded here.
    """
    header = HEADER.pack(MAGIC, VERSION, SUITE, kind, 0, key_id.bytes, epoch)
    salt = secrets.token_bytes(SALT_BYTES)
    cipher, base_nonce, commitment = message_keys(key, salt, context + header)
    yield header + salt + commitment
    buffer, number, piece = memoryview(bytearray(SEALED_CHUNK)), 0, bytes(CHUNK_BYTES)
    while len(piece) == CHUNK_BYTES:
        piece = read_full(read, CHUNK_BYTES)
        sealed = buffer[: len(piece) + TAG_BYTES]
        cipher.encrypt_into(nonce_of(base_nonce, number), piece, None, sealed)
        yield sealed
        number += 1


def read_full(read: Read, length: int) -> bytes:
    """Return the next `length` bytes, fewer only at the end; a network gives them in pieces of any size."""
    pieces, left = [], length
    while left and (piece := read(left)):
        pieces.append(piece)
        left -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def sealed_length(length: int) -> int:
    """Return how many bytes `length` bytes are once sealed; the last chunk is always shorter, and may be empty."""
    return BODY_AT + length + (length // CHUNK_BYTES + 1) * TAG_BYTES


def chunk_at(number: int) -> int:
    """Return at which byte of a sealed part a chunk begins."""
    return BODY_AT + number * SEALED_CHUNK


class StreamOpener:
    """Opens chunks of one sealed part in any order.

    :param head: the first `BODY_AT` bytes of the part.
    :raises UnreadableError: another key, kind or place than it was sealed for.
    """

    def __init__(self, key: bytes, head: bytes, kind: Kind, context: bytes) -> None:
        if read_header(head + bytes(TAG_BYTES), SUITE).kind != kind:
            raise UnreadableError("does not open")
        salt, commitment = head[HEADER.size : HEADER.size + SALT_BYTES], head[HEADER.size + SALT_BYTES : BODY_AT]
        self._cipher, self._base, expected = message_keys(key, salt, context + head[: HEADER.size])
        if not same(commitment, expected):
            raise UnreadableError("does not open")

    def open(self, number: int, sealed: bytes | memoryview) -> bytes:
        """Return the plaintext of one chunk.

        :raises UnreadableError: altered, moved or cut.
        """
        try:
            return self._cipher.decrypt(nonce_of(self._base, number), sealed, None)
        except InvalidTag as error:
            raise UnreadableError("does not open") from error
