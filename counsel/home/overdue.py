"""What is overdue in a caseload: notes, feedback, ends of pauses, follow-ups, homework, a talk at level 1. No text is opened."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.core.clock import now
from counsel.core.database import house_of
from counsel.pathway.cases.covers import Cover
from counsel.pathway.cases.dossier import SCREEN
from counsel.pathway.cases.models import Case
from counsel.pathway.closing.services import overdue_follow_ups
from counsel.pathway.referral.models import Referral
from counsel.pathway.sessions.homework import overdue_homework
from counsel.pathway.sessions.models import CounsellingSession as Held
from counsel.pathway.sessions.services import unsigned_notes
from counsel.records.models import Item

KINDS = ("note", "feedback", "resume", "follow_up", "homework", "contact")


def overdue_in(db: Session, *, holder_id: UUID | None, cases: Iterable[tuple[Case, Cover]], day: date) -> dict[UUID, list[str]]:
    """Return for each case what is overdue on a day, as codes of `KINDS`; cases without anything overdue are absent."""
    found: dict[UUID, list[str]] = defaultdict(list)
    covers = list(cases)
    own = {case.case_id: case for case, _cover in covers}
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
    for case_id in _unspoken(db, [case for case, cover in covers if cover.level == 1], day):
        found[case_id].append("contact")
    return dict(found)


def _unspoken(db: Session, cases: list[Case], day: date) -> list[UUID]:
    """Return the cases of level 1 whose client nobody has spoken to within its clock; it is the counsellor's own to see."""
    since = day - timedelta(hours=house_of(db).settings.level_1_contact_hours)
    ids, boxes = [case.case_id for case in cases], {case.box_id: case.case_id for case in cases}
    met = set(db.scalars(select(Held.case_id).where(Held.case_id.in_(ids), Held.held_on >= since)))
    asked = select(Item.box_id).where(Item.box_id.in_(list(boxes)), Item.kind == SCREEN.code, Item.on_day >= since)
    met |= {boxes[box_id] for box_id in db.scalars(asked)}
    return [case_id for case_id in ids if case_id not in met]
