"""What a closed case still lacks before it can be handed in: forms, open matters, what its counsellor would tell others (G13)."""

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.keys.models import Box
from counsel.keys.trust import holder_row
from counsel.pathway.cases.models import Case
from counsel.pathway.closing.volume import missing_parts
from counsel.risk.reports import owed_in
from counsel.safeguarding.disclosure.models import Disclosure
from counsel.safeguarding.disclosure.sending import UNSENT
from counsel.tasks.models import Task


def lacking(db: Session, *, actor: SignedIn, case: Case) -> list[str]:
    """Return codes of forms and of open matters, as `missing_parts`, then ``disclosure`` and ``report``; empty when complete.

    Only what the case's counsellors told counts: what others tell about the client, and perhaps about them, leaves no trace here.
    """
    found = missing_parts(db, actor=actor, case=case)
    found += ["disclosure"] if _telling_goes_on(db, actor, case) else []
    return found + (["report"] if owed_in(db, case.case_id) is not None else [])


def _telling_goes_on(db: Session, actor: SignedIn, case: Case) -> bool:
    """Return whether something waits to be sent or looked at, or to be told to the client, whom nobody could tell afterwards."""
    inside = Disclosure.box_id.in_(select(Box.box_id).where(Box.parent_id == case.box_id))
    own = and_(Disclosure.case_id == case.case_id, or_(Disclosure.sender_id == actor.holder_id, inside))
    going_on: ColumnElement[bool] = Disclosure.state.in_(UNSENT)
    if holder_row(db, case.client_id) is not None:
        going_on = or_(going_on, and_(Disclosure.state == "sent", Disclosure.told_on.is_(None)))
    waiting = select(Task.task_id).where(Task.object_id.in_(select(Disclosure.disclosure_id).where(own)), Task.ended_on.is_(None))
    first = db.scalar(select(Disclosure.disclosure_id).where(own, going_on).limit(1))
    return first is not None or db.scalar(waiting.limit(1)) is not None
