"""Give a box a new epoch when a reader left, and open boxes to write in them. What is written is `boxes`' to seal."""

from uuid import UUID

from sqlalchemy.orm import Session

from counsel.core.errors import TamperError, UnreadableError
from counsel.crypto.blob import Kind
from counsel.crypto.context import NOBODY, Place
from counsel.crypto.derive import new_key
from counsel.keys.boxes import GRANTS_OF_EPOCH, OpenBox, open_box
from counsel.keys.bundle import Keyring
from counsel.keys.grants import Reader, check_key, make_grant, verify_grant
from counsel.keys.models import Box, BoxEpoch, Grant
from counsel.keys.trust import check_recipient, holder_row

GIVEN_ONCE = ("client", "code")  # proven, or made, when they were granted; nobody vouches for their keys


def rotate(db: Session, keyring: Keyring, box_id: UUID) -> OpenBox:
    """Give a box a new epoch for its present readers; protects what is written afterwards, and only that.

    :raises UnreadableError: the present key is not at hand, only an earlier one.
    """
    return _renewed(db, keyring, open_box(db, keyring, box_id, for_writing=True))


def _renewed(db: Session, keyring: Keyring, opened: OpenBox) -> OpenBox:
    box_id = opened.box_id
    box = db.get_one(Box, box_id)
    if opened.epoch < box.epoch:
        raise UnreadableError("an earlier epoch")
    present = GRANTS_OF_EPOCH.all(db, box=box_id, epoch=box.epoch)
    readers = [_still_valid(db, grant, opened.keys[grant.epoch]) for grant in present]
    new_epoch, key = box.epoch + 1, new_key()
    opened.keys[new_epoch], opened.epoch, opened.stale = key, new_epoch, False
    place = Place("box_epochs", box_id, new_epoch, NOBODY)
    previous = opened.seal(opened.keys[new_epoch - 1], Kind.KEY, place)
    db.add(BoxEpoch(box_id=box_id, epoch=new_epoch, previous_sealed=previous))
    for reader in readers:
        if reader is not None:
            make_grant(db, box_id=box_id, epoch=new_epoch, key=key, reader=reader, granter=keyring)
    box.epoch, box.stale = new_epoch, False
    if box.parent_id is not None:  # whoever opens it through its parent finds the new key there
        parent = open_for_writing(db, keyring, box.parent_id)
        wrap = parent.seal(key, Kind.KEY, Place("boxes", box_id, new_epoch, NOBODY))
        box.parent_epoch, box.parent_wrap = parent.epoch, wrap
    return opened


def _still_valid(db: Session, grant: Grant, key: bytes) -> Reader | None:
    """Return the reader of a present grant with the newest keys, or None when the reader has left or it expired.

    :raises TamperError: a grant whose granter did not know this box's key: planted, and never carried over.
    """
    then = holder_row(db, grant.holder_id, grant.holder_version)
    newest = holder_row(db, grant.holder_id)
    if then is None or newest is None or newest.revoked:
        return None
    try:
        check_key(grant, verify_grant(db, grant, then), key)
    except UnreadableError as error:
        if isinstance(error, TamperError):
            raise
        return None
    if newest.kind in GIVEN_ONCE:
        return Reader(then, grant.purpose, grant.not_after)  # proven when it was granted; new keys need a new proof
    check_recipient(db, newest)
    return Reader(newest, grant.purpose, grant.not_after)


def open_for_writing(db: Session, keyring: Keyring, box_id: UUID) -> OpenBox:
    """Open a box to write in it, giving it a new epoch first when a reader left since."""
    opened = open_box(db, keyring, box_id, for_writing=True)
    return _renewed(db, keyring, opened) if opened.stale else opened


def open_to_add(db: Session, keyring: Keyring, box_id: UUID, *, clients: bool = False) -> OpenBox:
    """Open a box to add one text to it that is owed: a receipt, a verdict, an answer.

    When a reader left since it gets a new epoch first, if whoever adds can give it one. Whoever holds a key to this box and
    none to the case it opens through cannot, and adds under the key at hand: what is owed waits for nobody else.

    :param clients: the client has made the box and granted it; then it keeps the client's key.
    """
    opened = open_box(db, keyring, box_id, for_writing=not clients)
    if opened.stale and not clients and _can_rotate(db, keyring, opened):
        return _renewed(db, keyring, opened)
    opened.stale = False
    return opened


def _can_rotate(db: Session, keyring: Keyring, opened: OpenBox) -> bool:
    box, me = db.get_one(Box, opened.box_id), holder_row(db, keyring.holder_id)
    if me is None or me.kind != "staff" or opened.epoch < box.epoch:
        return False
    try:
        return box.parent_id is None or _can_rotate(db, keyring, open_box(db, keyring, box.parent_id, for_writing=True))
    except UnreadableError:
        return False
