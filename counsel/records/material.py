"""Parts of long material: sealed while they arrive, read from any place, told apart from what was signed, erased.

Nothing of them is ever on a disk in clear. A part is written to the store before its row is, so that a row always has its
bytes; bytes without a row are swept. Callers have passed the gate and have the audit line.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from counsel.core.clock import now, today
from counsel.core.database import house_of, writing
from counsel.core.errors import ConflictError, InvalidError, TamperError, UnreadableError
from counsel.core.ids import new_id
from counsel.core.rows import Prepared
from counsel.crypto.blob import BODY_AT, Kind
from counsel.crypto.context import Place
from counsel.crypto.derive import digest, same
from counsel.crypto.stream import CHUNK_BYTES, SEALED_CHUNK, Read, StreamOpener, chunk_at, read_full, sealed_length
from counsel.keys.boxes import OpenBox
from counsel.keys.locks import erase_lock
from counsel.records.models import Material, Part
from counsel.records.store import Store, store_of

PART_BYTES = 4 * 1024 * 1024  # below the largest request
RECORDED = ("audio", "video")
ROUND_TO, RECORDING_ROUND_TO = 4096, 1024 * 1024
ORPHAN_HOURS, GIVEN_UP_DAYS = 24, 7
READ_AT_ONCE = 16  # chunks: a whole part
OF_MATERIAL = Part.material_id == bindparam("material")
PARTS = Prepared(select(Part).where(OF_MATERIAL, Part.number.between(bindparam("first"), bindparam("last"))))


def parts_of(size: int) -> int:
    """Return how many parts so many bytes have; nothing has one, which is empty."""
    return max(1, -(-size // PART_BYTES))


def length_of_part(size: int, number: int) -> int:
    """Return how many bytes of a material of `size` bytes are in part `number`, from 0."""
    return min(PART_BYTES, size - number * PART_BYTES)


def padded_length(size: int, number: int, kind: str) -> int:
    """Return how long a part is once its last bytes are rounded up, so that its length says little."""
    return _rounded(length_of_part(size, number), kind)


def _rounded(length: int, kind: str) -> int:
    step = RECORDING_ROUND_TO if kind in RECORDED else ROUND_TO
    return -(-length // step) * step


def add_part(db: Session, *, box: OpenBox, material: Material, number: int, length: int, read: Read) -> Part:
    """Seal one part as it arrives and put it into the store, then its row; one that is there already stays as it is.

    :param length: of this part, bytes; `read`: gives them and no others.
    :raises InvalidError: fewer bytes than the part has; :raises BusyError: the store cannot take it; nothing is kept.
    """
    there = db.get(Part, (material.material_id, number))
    if there is not None:
        return there
    store, part_id = store_of(house_of(db).settings), new_id()
    place = Place("parts", part_id, number, material.author_id)
    kind = Kind.RECORDING if material.kind in RECORDED else Kind.FILE
    source = _Rounded(read, length, _rounded(length, material.kind))
    written, hashed = store.write(part_id, box.seal_part(source.read, kind, place))
    try:
        with writing(db):
            db.refresh(material, with_for_update=True)
            if material.state != "coming":
                raise ConflictError("signed")
            part = Part(material_id=material.material_id, number=number, part_id=part_id, size=written, digest=hashed)
            db.add(part)
            db.flush()
    except Exception:
        store.delete(part_id)
        raise
    return part


class Peeked:
    """A source whose first bytes have been looked at."""

    def __init__(self, read: Read) -> None:
        self._read, self._first = read, b""

    def peek(self, length: int) -> bytes:
        """Return the first bytes and keep them for the reader."""
        self._first = read_full(self._read, length)
        return self._first

    def read(self, most: int) -> bytes:
        """Return the next bytes, those looked at first."""
        if self._first:
            piece, self._first = self._first[:most], self._first[most:]
            return piece
        return self._read(most)


class _Rounded:
    """Reads exactly so many bytes of a source, then zeros up to a length."""

    def __init__(self, read: Read, length: int, padded: int) -> None:
        self._read, self._left, self._zeros = read, length, padded - length

    def read(self, most: int) -> bytes:
        """Return the next bytes.

        :raises InvalidError: the source ended before its time.
        """
        if self._left:
            piece = read_full(self._read, min(most, self._left))
            if not piece:
                raise InvalidError(file="cut_off")
            self._left -= len(piece)
            return piece
        zeros = min(most, self._zeros)
        self._zeros -= zeros
        return bytes(zeros)


def parts_in(db: Session, material: Material) -> list[Part]:
    """Return the parts that have arrived, in order."""
    return list(db.scalars(select(Part).where(Part.material_id == material.material_id).order_by(Part.number)))


def parts_for(db: Session, material: Material, start: int, length: int) -> dict[int, Part]:
    """Return the parts that hold `length` bytes from byte `start` on, by number: the long cost no more than the short."""
    first, last = start // PART_BYTES, (start + max(length, 1) - 1) // PART_BYTES
    found = PARTS.all(db, material=material.material_id, first=first, last=last)
    return {part.number: part for part in found}


def digest_of(parts: Sequence[Part]) -> str:
    """Return one digest for all parts: which they are, in which order, and every sealed byte of them, as hex."""
    return digest(b"parts/1", *(piece for part in parts for piece in (part.part_id.bytes, part.digest))).hex()


def check_parts(parts: Sequence[Part], material: Material, size: int, signed: str) -> None:
    """Make sure the parts are those that were signed for.

    :raises TamperError: one is missing, changed, or another's.
    """
    whole = [part.number for part in parts] == list(range(parts_of(size)))
    lengths = all(part.size == sealed_length(padded_length(size, part.number, material.kind)) for part in parts)
    if not (whole and lengths and same(digest_of(parts).encode(), signed.encode())):
        raise TamperError("parts")


def read_range(
    db: Session, *, box: OpenBox, material: Material, parts: Mapping[int, Part], size: int, start: int, length: int
) -> Iterator[bytes]:
    """Yield `length` bytes from byte `start` on, one part at most in memory; only the chunks that hold them are opened.

    :raises UnreadableError: a part was changed, cut or is missing; what came before it was whole.
    """
    store = store_of(house_of(db).settings)
    left, at = min(length, size - start), start
    while left > 0:
        number, inside = divmod(at, PART_BYTES)
        take = min(left, length_of_part(size, number) - inside)
        if number not in parts:
            raise UnreadableError("missing")
        yield from _from_part(store, box, material, parts[number], inside, take)
        left, at = left - take, at + take


def _from_part(store: Store, box: OpenBox, material: Material, part: Part, start: int, length: int) -> Iterator[bytes]:
    kind = Kind.RECORDING if material.kind in RECORDED else Kind.FILE
    head = store.read(part.part_id, 0, BODY_AT)
    if len(head) < BODY_AT:
        raise UnreadableError("missing")
    opener = box.part(head, kind, Place("parts", part.part_id, part.number, material.author_id))
    first, last = start // CHUNK_BYTES, (start + length - 1) // CHUNK_BYTES
    skip, left = start - first * CHUNK_BYTES, length
    for number in range(first, last + 1, READ_AT_ONCE):
        for piece in _chunks(store, opener, part, number, min(last, number + READ_AT_ONCE - 1)):
            wanted = piece[skip : skip + left]
            skip, left = 0, left - len(wanted)
            yield wanted
    if left:
        raise UnreadableError("cut")


def _chunks(store: Store, opener: StreamOpener, part: Part, first: int, last: int) -> Iterator[bytes]:
    sealed = memoryview(store.read(part.part_id, chunk_at(first), (last - first + 1) * SEALED_CHUNK))
    for number in range(first, last + 1):
        at = (number - first) * SEALED_CHUNK
        yield opener.open(number, sealed[at : at + SEALED_CHUNK])


def damaged_parts(db: Session, parts: Sequence[Part]) -> list[Part]:
    """Return the parts whose bytes in the store are not those that were written; needs no key."""
    store, found = store_of(house_of(db).settings), []
    for part in parts:
        sealed = store.read(part.part_id, 0, part.size + 1)
        if len(sealed) != part.size or not same(hashlib.sha256(sealed).digest(), part.digest):
            found.append(part)
    return found


def erase(db: Session, material: Material) -> None:
    """Destroy a material for good: its lock first, then rows and bytes; a crash in between is finished by the sweep.

    Outside of any transaction of the caller's.
    """
    erase_lock(house_of(db), material.box_id)
    lying = [part.part_id for part in parts_in(db, material)]
    with writing(db):
        db.refresh(material, with_for_update=True)
        material.state, material.erased_on = "erased", today(house_of(db).settings.time_zone)
        db.flush()
        db.execute(delete(Part).where(Part.material_id == material.material_id))
    for part_id in lying:
        store_of(house_of(db).settings).delete(part_id)


def sweep_parts(db: Session) -> int:
    """Destroy uploads nobody went on with, and delete what lies in the store without a row; return how many parts went."""
    given_up = today(house_of(db).settings.time_zone) - timedelta(days=GIVEN_UP_DAYS)
    for row in db.scalars(select(Material).where(Material.state == "coming", Material.on_day < given_up)).all():
        erase(db, row)
    store, count = store_of(house_of(db).settings), 0
    before = now() - timedelta(hours=ORPHAN_HOURS)
    known = set(db.scalars(select(Part.part_id)))
    for part_id, written_at in list(store.all()):
        if part_id not in known and written_at < before:
            store.delete(part_id)
            count += 1
    return count
