"""Open many boxes for reading with a handful of statements, for lists and searches; `boxes.open_box` opens one."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.core.database import house_of, writing
from counsel.core.errors import UnreadableError
from counsel.keys.boxes import OpenBox, keyring_for, open_box, open_child
from counsel.keys.bundle import Keyring
from counsel.keys.grants import open_own
from counsel.keys.locks import read_locks
from counsel.keys.models import Box, Grant


def open_boxes(db: Session, keyring: Keyring, box_ids: Iterable[UUID], *, keep: bool = True) -> dict[UUID, OpenBox]:
    """Open boxes by box id. One that does not open, whatever the reason, is absent and hides no other.

    Most have been opened before and open by the holder's own wrap; for the others `open_box` does all its work.

    :param keep: as in `boxes.open_box`.
    """
    ids = list(dict.fromkeys(box_ids))
    boxes = {box.box_id: box for box in db.scalars(select(Box).where(Box.box_id.in_(ids)))}
    locks, grants = read_locks(house_of(db), ids), _grants(db, keyring, ids)
    opened: dict[UUID, OpenBox] = {}
    for box_id in sorted(boxes, key=lambda box_id: boxes[box_id].parent_id is not None):  # parents first
        box, lock = boxes[box_id], locks.get(box_id)
        try:
            found = _at_once(db, keyring, box, grants.get(box_id), lock, opened)
            opened[box_id] = found or open_box(db, keyring, box_id, keep=keep)
        except UnreadableError:
            continue
    return opened


def open_boxes_again(db: Session, keyring: Keyring, box_ids: Iterable[UUID]) -> dict[UUID, OpenBox]:
    """Open boxes as `open_boxes`; those that never left an own wrap leave one now, in a write transaction of their own.

    What was read before in this session is read anew afterwards: callers hold rows, no objects.
    """
    ids = list(dict.fromkeys(box_ids))
    new = select(Grant.box_id).where(Grant.box_id.in_(ids), Grant.holder_id == keyring.holder_id, Grant.own_wrap.is_(None))
    first = db.scalars(new).all()
    if first:
        with writing(db):
            open_boxes(db, keyring, first)
    return open_boxes(db, keyring, ids)


def _grants(db: Session, keyring: Keyring, ids: list[UUID]) -> dict[UUID, Grant]:
    """Return each box's newest grant that has left an own wrap with the holder or with one of the groups at hand."""
    query = select(Grant).where(Grant.box_id.in_(ids), Grant.holder_id.in_([keyring.holder_id, *keyring.groups]))
    rows = db.scalars(query.where(Grant.own_wrap.is_not(None)).order_by(Grant.epoch))
    return {grant.box_id: grant for grant in rows}


def _at_once(
    db: Session, keyring: Keyring, box: Box, grant: Grant | None, lock: bytes | None, opened: dict[UUID, OpenBox]
) -> OpenBox | None:
    """Return the box when it has had one epoch only and needs no further statement, else None."""
    if lock is None or box.epoch != 1 or box.shut:
        return None
    parent = opened.get(box.parent_id) if box.parent_id is not None else None
    own = keyring_for(keyring, grant) if grant is not None else None
    if grant is not None and own is not None:
        key = open_own(house_of(db), grant, own[1])
    elif parent is not None:
        key = open_child(parent, box)
    else:
        return None
    return OpenBox(house_of(db), box.box_id, 1, {1: key}, lock, stale=box.stale, reader=keyring)
