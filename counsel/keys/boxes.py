"""Open boxes, seal and open the blobs under them. Every opening mixes in the box's lock; `rotation` gives new epochs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from counsel.core.database import House, house_of
from counsel.core.errors import ConflictError, TamperError, UnreadableError
from counsel.core.ids import new_id
from counsel.core.rows import Prepared
from counsel.crypto.blob import TAG_BYTES, Kind, epoch_of, read_header, seal, unseal
from counsel.crypto.context import NOBODY, Context, Place
from counsel.crypto.derive import blob_key, new_key
from counsel.crypto.stream import SUITE as STREAM_SUITE
from counsel.crypto.stream import Read, StreamOpener, seal_stream
from counsel.keys.bundle import Keyring
from counsel.keys.grants import Reader, make_grant, open_grant, open_own
from counsel.keys.locks import make_locks, read_lock
from counsel.keys.models import Box, BoxEpoch, Grant, Holder
from counsel.keys.trust import check_recipient, holder_row

OF_BOX = select(Grant).where(Grant.box_id == bindparam("box")).order_by(Grant.epoch.desc(), Grant.grant_id)
GRANTS, GRANTS_TO = Prepared(OF_BOX), Prepared(OF_BOX.where(Grant.holder_id == bindparam("holder")))
GRANTS_OF_EPOCH = Prepared(OF_BOX.where(Grant.epoch == bindparam("epoch")))
NEWER_KEYS = Prepared(
    select(Holder.version)
    .join(Grant, (Holder.holder_id == Grant.holder_id) & (Holder.version > Grant.holder_version))
    .where(Grant.box_id == bindparam("box"), Grant.epoch == bindparam("epoch"))
    .limit(1)
)
EPOCHS = Prepared(select(BoxEpoch).where(BoxEpoch.box_id == bindparam("box")).order_by(BoxEpoch.epoch.desc()))


@dataclass
class OpenBox:
    """A box that somebody has opened for the length of one service call.

    :param keys: epoch → 32-byte key, the present epoch and those before it.
    :param reader: whose keys opened it, when somebody's did.
    """

    house: House
    box_id: UUID
    epoch: int
    keys: dict[int, bytes] = field(repr=False)
    lock: bytes = field(repr=False)
    stale: bool = False
    reader: Keyring | None = field(default=None, repr=False)

    def seal(self, plaintext: bytes, kind: Kind, place: Place) -> bytes:
        """Write: seal bytes for one revision of one item.

        :raises ConflictError: when the readers changed and the box must be given a new epoch first.
        """
        if self.stale:
            raise ConflictError("stale_box")
        context = self._context(place)
        key = blob_key(self.keys[self.epoch], self.lock, place.item, place.revision, context)
        return seal(key, plaintext, kind, context, key_id=self.box_id, epoch=self.epoch)

    def unseal(self, blob: bytes, kind: Kind, place: Place) -> bytes:
        """Open what `seal` wrote at exactly this place.

        :raises UnreadableError: moved, altered, cut, or sealed in an epoch this reader does not reach.
        """
        epoch = epoch_of(blob)
        if epoch not in self.keys:
            raise UnreadableError("does not open")
        context = self._context(place)
        key = blob_key(self.keys[epoch], self.lock, place.item, place.revision, context)
        return unseal(key, blob, kind, context)

    def seal_part(self, read: Read, kind: Kind, place: Place) -> Iterator[bytes | memoryview]:
        """Write: seal a part of something long and yield its pieces; `place.revision` is the number of the part.

        :raises ConflictError: as `seal`.
        """
        if self.stale:
            raise ConflictError("stale_box")
        context = self._context(place)
        key = blob_key(self.keys[self.epoch], self.lock, place.item, place.revision, context)
        return seal_stream(key, read, kind, context, key_id=self.box_id, epoch=self.epoch)

    def part(self, head: bytes, kind: Kind, place: Place) -> StreamOpener:
        """Return what opens the chunks of a part that `seal_part` wrote at exactly this place.

        :raises UnreadableError: as `unseal`.
        """
        epoch = read_header(head + bytes(TAG_BYTES), STREAM_SUITE).epoch
        if epoch not in self.keys:
            raise UnreadableError("does not open")
        context = self._context(place)
        return StreamOpener(blob_key(self.keys[epoch], self.lock, place.item, place.revision, context), head, kind, context)

    def _context(self, place: Place) -> bytes:
        where = (place.table, place.item, self.box_id, place.revision, place.author)
        return Context("item", self.house.installation, *where).encode()


def create_box(
    db: Session,
    *,
    kind: str,
    readers: Iterable[Reader],
    granter: Keyring | None,
    box_id: UUID | None = None,
    lock: bytes | None = None,
) -> OpenBox:
    """Make a box with its lock and first epoch and grant it to `readers`, whose keys the caller has checked.

    :param lock: when the caller has made the lock already (many boxes at once); else it is made here, before any row.
    """
    house = house_of(db)
    box_id = box_id or new_id()
    lock = lock or make_locks(house, [box_id])[box_id]
    key = new_key()
    db.add(Box(box_id=box_id, kind=kind, epoch=1))
    for reader in readers:
        make_grant(db, box_id=box_id, epoch=1, key=key, reader=reader, granter=granter)
    return OpenBox(house, box_id, 1, {1: key}, lock, reader=granter)


def open_box(db: Session, keyring: Keyring, box_id: UUID, *, for_writing: bool = False, keep: bool = True) -> OpenBox:
    """Open a box by a grant to the holder or to a group whose keys are at hand, or through its parent.

    :raises UnreadableError: no grant, an expired one, or no lock; :raises TamperError: a grant that was planted.
    """
    box = db.get(Box, box_id)
    if box is None:
        raise UnreadableError("no box")
    key, epoch, stale = _newest_key(db, keyring, box, for_writing, keep)
    lock = read_lock(house_of(db), box_id)
    keys = _read_back(db, box, epoch, key, lock)
    return OpenBox(house_of(db), box_id, epoch, keys, lock, stale=stale, reader=keyring)


def _newest_key(db: Session, keyring: Keyring, box: Box, for_writing: bool, keep: bool) -> tuple[bytes, int, bool]:
    for grant in _grants_for(db, keyring, box):
        own = keyring_for(keyring, grant) if not box.shut or grant.holder_id == keyring.holder_id else None
        if own is not None:
            key = _grant_key(db, grant, *own, for_writing=for_writing, keep=keep)
            stale = box.stale or grant.epoch < box.epoch or (for_writing and _reader_rotated(db, box))
            return key, grant.epoch, stale
    if box.parent_id is not None and box.parent_wrap is not None and box.parent_epoch is not None:
        parent = open_box(db, keyring, box.parent_id, for_writing=for_writing)
        return open_child(parent, box), box.epoch, parent.stale
    raise UnreadableError("no grant")


def _grant_key(db: Session, grant: Grant, kem_private: bytes, own_key: bytes, *, for_writing: bool, keep: bool) -> bytes:
    if grant.own_wrap is not None:
        return open_own(house_of(db), grant, own_key)
    holder = holder_row(db, grant.holder_id, grant.holder_version)
    if holder is None:
        raise TamperError("holder")
    return open_grant(db, grant, holder, kem_private, own_key, for_writing=for_writing, keep=keep)


def open_child(parent: OpenBox, box: Box) -> bytes:
    """Return the key of a box that opens through its parent."""
    assert box.parent_wrap is not None
    return parent.unseal(box.parent_wrap, Kind.KEY, Place("boxes", box.box_id, box.epoch, NOBODY))


def _grants_for(db: Session, keyring: Keyring, box: Box) -> list[Grant]:
    """Return the grants that may open a box, newest epoch first, then one's own; the groups are asked only without it."""
    if keyring.find_groups is not None:
        own: list[Grant] = GRANTS_TO.all(db, box=box.box_id, holder=keyring.holder_id)
        if own and (own[0].epoch, own[0].holder_version) == (box.epoch, keyring.version):
            return own
        find, keyring.find_groups = keyring.find_groups, None
        find()
    us = (keyring.holder_id, *keyring.groups)
    found = [grant for holder_id in us for grant in GRANTS_TO.all(db, box=box.box_id, holder=holder_id)]
    return sorted(found, key=lambda grant: (-grant.epoch, us.index(grant.holder_id) > 0, grant.grant_id))


def keyring_for(keyring: Keyring, grant: Grant) -> tuple[bytes, bytes] | None:
    """Return (private key, own key) for the holder of a grant, or None when they are not at hand."""
    if grant.holder_id == keyring.holder_id:
        same = grant.holder_version == keyring.version
        return (keyring.kem_private, keyring.own_key) if same else None
    group = keyring.groups.get(grant.holder_id, {}).get(grant.holder_version)
    return (group.kem_private, group.own_key) if group else None


def _reader_rotated(db: Session, box: Box) -> bool:
    """A reader has newer keys than this epoch was granted to (a group that somebody left): lazily stale."""
    return NEWER_KEYS.first(db, box=box.box_id, epoch=box.epoch) is not None


def _read_back(db: Session, box: Box, epoch: int, key: bytes, lock: bytes) -> dict[int, bytes]:
    keys = {epoch: key}
    if epoch > 1:
        rows = EPOCHS.all(db, box=box.box_id)
        opened = OpenBox(house_of(db), box.box_id, epoch, keys, lock)
        for row in rows:
            if row.epoch in keys:
                place = Place("box_epochs", box.box_id, row.epoch, NOBODY)
                keys[row.epoch - 1] = opened.unseal(row.previous_sealed, Kind.KEY, place)
    return keys


def add_reader(db: Session, opened: OpenBox, *, reader: Reader, granter: Keyring, link: bytes | None = None) -> None:
    """Grant an open box to one more reader, after checking that the reader's keys are theirs.

    :param link: a client's secret from the card.
    """
    check_recipient(db, reader.holder, link=link)
    place = {"box_id": opened.box_id, "epoch": opened.epoch, "key": opened.keys[opened.epoch]}
    make_grant(db, **place, reader=reader, granter=granter)  # type: ignore[arg-type]


def grant_anew(db: Session, opened: OpenBox, *, reader: Reader, granter: Keyring, link: bytes | None = None) -> None:
    """Grant an open box to a reader's newest keys in place of those they had; nobody left, so the box keeps its epoch.

    :param link: a client's secret from the card.
    """
    db.execute(delete(Grant).where(Grant.box_id == opened.box_id, Grant.holder_id == reader.holder.holder_id))
    add_reader(db, opened, reader=reader, granter=granter, link=link)


def adopt(db: Session, *, child: OpenBox, parent: OpenBox, keep: Iterable[UUID] = ()) -> None:
    """Make `child` open through `parent` from now on and drop its grants, except those of the holders in `keep`."""
    box = db.get_one(Box, child.box_id)
    place = Place("boxes", child.box_id, child.epoch, NOBODY)
    wrap = parent.seal(child.keys[child.epoch], Kind.KEY, place)
    box.parent_id, box.parent_epoch, box.parent_wrap = parent.box_id, parent.epoch, wrap
    for grant in db.scalars(select(Grant).where(Grant.box_id == child.box_id)):
        if grant.holder_id not in set(keep):
            db.delete(grant)


def revoke(db: Session, box_id: UUID, holder_id: UUID) -> int:
    """Take a reader's grants of a box and mark the box stale; needs no key. Return how many grants went."""
    grants = db.scalars(select(Grant).where(Grant.box_id == box_id, Grant.holder_id == holder_id)).all()
    for grant in grants:
        db.delete(grant)
    if grants:
        db.get_one(Box, box_id).stale = True
    return len(grants)


def readers_of(db: Session, box_id: UUID) -> list[Grant]:
    """Return the grants by which a box can be opened today, parent's included."""
    box = db.get(Box, box_id)
    if box is None:
        return []
    own: list[Grant] = GRANTS.all(db, box=box_id)
    return own + (readers_of(db, box.parent_id) if box.parent_id else [])
