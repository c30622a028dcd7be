"""What is overdue in a caseload: notes, feedback, ends of pauses, follow-ups, homework. Dates only, nothing is opened."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.core.clock import now
from counsel.pathway.cases.models import Case
from counsel.pathway.closing.services import overdue_follow_ups
from counsel.pathway.referral.models import Referral
from counsel.pathway.sessions.homework import overdue_homework
from counsel.pathway.sessions.services import unsigned_notes

KINDS = ("note", "feedback", "resume", "follow_up", "homework")


def overdue_in(db: Session, *, holder_id: UUID | None, cases: Iterable[Case], day: date) -> dict[UUID, list[str]]:
    """Return for each case what is overdue on a day, as codes of `KINDS`; cases without anything overdue are absent."""
    found: dict[UUID, list[str]] = defaultdict(list)
    own = {case.case_id: case for case in cases}
    for note in unsigned_notes(db, holder_id):
        if note.note_due_at < now():
            found[note.case_id].append("note")
    waiting = select(Referral.case_id).where(Referral.answered_on.is_(None), Referral.feedback_due_on < day)
    for case_id in db.scalars(waiting.where(Referral.case_id.in_(list(own)))):
        found[case_id].append("feedback")
    for case in own.values():
        if case.state == "on_hold" and case.resume_on is not None and case.resume_on <= day:
            found[case.case_id].append("resume")
    for case, _row in overdue_follow_ups(db, holder_id, day):
        found[case.case_id].append("follow_up")
    for case_id in overdue_homework(db, own, day):
        found[case_id].append("homework")
    return dict(found)
