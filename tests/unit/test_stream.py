"""Long sealed bytes in parts: any chunk opens by itself, and nothing that was touched, cut or moved opens at all."""

import io
from uuid import UUID

import pytest

from counsel.core.errors import UnreadableError
from counsel.crypto.blob import BODY_AT, TAG_BYTES, Kind
from counsel.crypto.stream import CHUNK_BYTES, SEALED_CHUNK, StreamOpener, chunk_at, read_full, seal_stream, sealed_length

KEY, PLACE = bytes(range(32)), b"here"


def sealed(data: bytes, context: bytes = PLACE) -> bytes:
    """Seal bytes as a part."""
    return b"".join(
        bytes(piece) for piece in seal_stream(KEY, io.BytesIO(data).read, Kind.FILE, context, key_id=UUID(int=7), epoch=3)
    )


def opened(blob: bytes, number: int, context: bytes = PLACE, kind: Kind = Kind.FILE, key: bytes = KEY) -> bytes:
    """Open one chunk."""
    at = chunk_at(number)
    return StreamOpener(key, blob[:BODY_AT], kind, context).open(number, blob[at : at + SEALED_CHUNK])


@pytest.mark.parametrize("length", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_every_chunk_opens_by_itself(length: int) -> None:
    """Also at the border of a chunk, where the last one is empty; the length is known beforehand."""
    data = bytes(n % 251 for n in range(length))
    blob = sealed(data)
    assert len(blob) == sealed_length(length)
    for number in reversed(range(length // CHUNK_BYTES + 1)):
        assert opened(blob, number) == data[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]


def test_twice_the_same_is_never_the_same_bytes() -> None:
    """A part that is sent again has a salt, and therefore keys, of its own: no nonce comes twice."""
    assert sealed(b"x")[BODY_AT:] != sealed(b"x")[BODY_AT:]


@pytest.mark.parametrize("at", [30, 60, BODY_AT, BODY_AT + 100, BODY_AT + SEALED_CHUNK - 1])
def test_one_bit_is_enough(at: int) -> None:
    """In the salt, the commitment, the words or the tag."""
    blob = bytearray(sealed(bytes(CHUNK_BYTES + 5)))
    blob[at] ^= 1
    with pytest.raises(UnreadableError):
        opened(bytes(blob), 0)


def test_chunks_open_only_where_they_were() -> None:
    """Not in another's place, not cut, not with another key, kind or context."""
    blob = sealed(bytes(2 * CHUNK_BYTES + 5))
    opener = StreamOpener(KEY, blob[:BODY_AT], Kind.FILE, PLACE)
    first = blob[BODY_AT : BODY_AT + SEALED_CHUNK]
    for number, piece in ((1, first), (0, first[:-1]), (0, first[: TAG_BYTES - 1]), (0, b"")):
        with pytest.raises(UnreadableError):
            opener.open(number, piece)
    for place in ({"context": b"there"}, {"kind": Kind.RECORDING}, {"key": bytes(32)}):
        with pytest.raises(UnreadableError):
            opened(blob, 0, **place)  # type: ignore[arg-type]
    with pytest.raises(UnreadableError):
        StreamOpener(KEY, b"no header of ours".ljust(BODY_AT, b"."), Kind.FILE, PLACE)


def test_a_network_gives_pieces_of_any_size() -> None:
    """What arrives by the spoonful is read whole."""
    spoons = iter([b"ab", b"c", b"defg"])
    assert read_full(lambda _most: next(spoons, b""), 100) == b"abcdefg"
