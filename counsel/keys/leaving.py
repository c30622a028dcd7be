"""Revoke everything of one holder in one transaction, without any key: grants go, every box they opened turns stale."""

from uuid import UUID

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from counsel.keys.models import Box, Grant, Holder


def sole_boxes(db: Session, holder_id: UUID) -> int:
    """Return how many cases only this holder can open: with the last grant gone, nobody can."""
    others = aliased(Grant)
    alone = ~exists().where(others.box_id == Grant.box_id, others.holder_id != holder_id)
    query = select(func.count(Grant.box_id.distinct())).join(Box, Box.box_id == Grant.box_id)
    return db.scalar(query.where(Grant.holder_id == holder_id, Box.kind == "case", alone)) or 0


def revoke_holder(db: Session, holder_id: UUID) -> int:
    """Take all grants of a leaver and mark the boxes and groups stale; return how many grants went.

    The next writer or unlocking member gives them new epochs (`boxes.open_for_writing`, `groups.renew_stale_groups`).
    """
    opened = select(Grant.box_id).where(Grant.holder_id == holder_id)
    db.execute(update(Box).where(Box.box_id.in_(opened)).values(stale=True))
    db.execute(update(Holder).where(Holder.holder_id == holder_id).values(revoked=True))
    return int(db.execute(delete(Grant).where(Grant.holder_id == holder_id)).rowcount)  # type: ignore[attr-defined]
