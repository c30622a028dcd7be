"""Notices on the own pages: what waits, how many are unread. They ride in the transaction of what they tell about."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from counsel.core.clock import today
from counsel.core.database import house_of, writing
from counsel.core.ids import new_id
from counsel.core.rows import Prepared
from counsel.outbox.models import NOTICES, Notice

SHOWN, KEPT_DAYS = 30, 30
UNREAD = Prepared(select(func.count()).where(Notice.reader_id == bindparam("reader"), Notice.read_on.is_(None)))


def notify(db: Session, *, reader_id: UUID | None, kind: str, object_id: UUID | None = None) -> None:
    """Tell somebody, inside the caller's transaction; the same unread notice is not given twice.

    Two transactions that tell the same person never wait for each other: what they tell about may be a life.

    :param reader_id: the holder; nobody when None, such as a client who has no keys yet.
    """
    assert db.info.get("writing") and kind in NOTICES
    if reader_id is None:
        return
    same = select(Notice.notice_id).where(Notice.reader_id == reader_id, Notice.kind == kind, Notice.read_on.is_(None))
    if db.scalar(same.where(Notice.object_id == object_id).limit(1)) is not None:
        return
    last = db.scalar(select(func.max(Notice.number)).where(Notice.reader_id == reader_id)) or 0
    notice = Notice(notice_id=new_id(), reader_id=reader_id, number=last + 1, kind=kind, object_id=object_id)
    notice.made_on = today(house_of(db).settings.time_zone)
    db.add(notice)
    db.flush()


def forget_old_notices(db: Session) -> int:
    """Delete what was read long ago; return how many."""
    oldest = today(house_of(db).settings.time_zone) - timedelta(days=KEPT_DAYS)
    with writing(db):
        return db.execute(delete(Notice).where(Notice.read_on < oldest)).rowcount  # type: ignore[attr-defined]


def unread(db: Session, reader_id: UUID | None) -> int:
    """Return how many notices somebody has not read."""
    if reader_id is None:
        return 0
    return int(UNREAD.value(db, reader=reader_id))


def notices_of(db: Session, reader_id: UUID | None) -> Sequence[Notice]:
    """Return somebody's newest notices, newest first."""
    query = select(Notice).where(Notice.reader_id == reader_id).order_by(Notice.number.desc(), Notice.notice_id)
    return db.scalars(query.limit(SHOWN)).all()


def mark_read(db: Session, reader_id: UUID | None, up_to: int) -> None:
    """Mark somebody's notices as read, up to the newest that the page showed."""
    waiting = update(Notice).where(Notice.reader_id == reader_id, Notice.number <= up_to, Notice.read_on.is_(None))
    with writing(db):
        db.execute(waiting.values(read_on=today(house_of(db).settings.time_zone)))
