"""What a closed case still lacks before it can be handed in: forms, open matters, what its counsellor would tell others (G13)."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.pathway.cases.models import Case
from counsel.pathway.closing.volume import missing_parts
from counsel.risk.reports import owed_in
from counsel.safeguarding.disclosure.models import Disclosure
from counsel.tasks.models import Task

UNSENT = ("draft", "submitted", "approved")


def lacking(db: Session, *, actor: SignedIn, case: Case) -> list[str]:
    """Return codes of forms and of open matters, as `missing_parts`, then ``disclosure`` and ``report``; empty when complete.

    Only the counsellor's own disclosures count: what others tell about the client, and perhaps about them, leaves no trace here.
    """
    own = select(Disclosure.disclosure_id).where(Disclosure.case_id == case.case_id, Disclosure.sender_id == actor.holder_id)
    unsent = db.scalar(own.where(Disclosure.state.in_(UNSENT)).limit(1))
    waiting = db.scalar(select(Task.task_id).where(Task.object_id.in_(own), Task.ended_on.is_(None)).limit(1))
    found = missing_parts(db, actor=actor, case=case)
    found += ["disclosure"] if unsent is not None or waiting is not None else []
    return found + (["report"] if owed_in(db, case.case_id) is not None else [])
