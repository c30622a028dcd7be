"""Revoke everything of one holder in one transaction, without any key: grants go, every box they opened turns stale."""

from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from counsel.core.clock import now
from counsel.keys.models import Box, Grant, Holder


def sole_boxes(db: Session, holder_id: UUID) -> int:
    """Return how many cases only this holder can open, alone or as the last of a group: with the last grant gone, nobody can."""
    theirs = [holder_id, *_alone_in(db, holder_id)]
    query = select(func.count(Grant.box_id.distinct())).join(Box, Box.box_id == Grant.box_id)
    return db.scalar(query.where(Grant.holder_id.in_(theirs), Box.kind == "case", _nobody_but(theirs))) or 0


def _alone_in(db: Session, holder_id: UUID) -> list[UUID]:
    """Return the groups of which this holder is the last member."""
    query = select(Grant.box_id).join(Box, Box.box_id == Grant.box_id)
    return list(db.scalars(query.where(Grant.holder_id == holder_id, Box.kind == "group", _nobody_but([holder_id]))))


def _nobody_but(holders: list[UUID]) -> ColumnElement[bool]:
    others = aliased(Grant)
    still = or_(others.not_after.is_(None), others.not_after > now())
    return ~exists().where(others.box_id == Grant.box_id, others.holder_id.not_in(holders), still)


def revoke_holder(db: Session, holder_id: UUID) -> int:
    """Take all grants of a leaver and mark the boxes and groups stale; return how many grants went.

    The next writer or unlocking member gives them new epochs (`boxes.open_for_writing`, `groups.renew_stale_groups`).
    """
    opened = select(Grant.box_id).where(Grant.holder_id == holder_id)
    db.execute(update(Box).where(Box.box_id.in_(opened)).values(stale=True))
    db.execute(update(Holder).where(Holder.holder_id == holder_id).values(revoked=True))
    return int(db.execute(delete(Grant).where(Grant.holder_id == holder_id)).rowcount)  # type: ignore[attr-defined]
