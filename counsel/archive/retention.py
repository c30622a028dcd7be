"""How long a volume is kept, and by when it must have been handed in (domain §5.2; 篇4 二; R4-05)."""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.keys.models import Box, Grant
from counsel.pathway.cases.dossier import CRISIS
from counsel.pathway.cases.models import Case
from counsel.pathway.closing.models import FollowUp
from counsel.records.services import items_in
from counsel.risk.models import Report
from counsel.safeguarding.disclosure.models import Disclosure

SHORT, LONG = "D10", "D30"
YEARS = {SHORT: 10, LONG: 30}
NEVER_FILED = "void"
UNFILED = select(Case).where(Case.state == "closed", Case.close_reason != NEVER_FILED, Case.handed_in.is_(False))


def proposed(db: Session, case: Case) -> str:
    """Return the shortest period the case may have: thirty years after danger, a report, or anything that left the room.

    An aid from what stands in clear: whoever hands it in may choose the longer one.
    """
    danger = any(item.kind == CRISIS.code for item in items_in(db, [case.box_id]))
    reported = db.scalar(select(Report.report_id).where(Report.case_id == case.case_id).limit(1))
    told = select(Disclosure.disclosure_id).where(Disclosure.case_id == case.case_id, Disclosure.state == "sent").limit(1)
    return LONG if danger or reported is not None or db.scalar(told) is not None else SHORT


def keep_until(closed_on: date, retention: str, born: date | None, adult_age: int = 21) -> date:
    """Return the last day of a period: whole years after the closing, and never before the client is twenty-one."""
    end = _later(closed_on, YEARS[retention])
    return max(end, _later(born, adult_age)) if born is not None else end


def _later(day: date, years: int) -> date:
    leap = (day.month, day.day) == (2, 29)
    return date(day.year + years, 2, 28) if leap else day.replace(year=day.year + years)


def due_on(db: Session, closed_on: date) -> date:
    """Return by when a closed case must have been handed in: so many days, and never past the end of the term (R4-05)."""
    settings = house_of(db).settings
    ends = [date(year, *month_day) for year in (closed_on.year, closed_on.year + 1) for month_day in _terms(settings.term_ends)]
    return min([closed_on + timedelta(days=settings.hand_over_days), *(end for end in ends if end >= closed_on)])


def due_of(db: Session, case: Case) -> date:
    """Return by when a closed case is to be handed in: never before what was agreed for afterwards is settled (R10-14)."""
    assert case.closed_on is not None
    planned = select(func.max(FollowUp.planned_on)).where(FollowUp.case_id == case.case_id, FollowUp.state == "planned")
    return max(due_on(db, case.closed_on), db.scalar(planned) or case.closed_on)


def _terms(text: str) -> list[tuple[int, int]]:
    pairs = (part.strip().split("-") for part in text.split(",") if part.strip())
    return [(int(month), int(day)) for month, day in pairs]


def _opens(db: Session) -> ColumnElement[bool]:
    """Whether somebody's key still opens a case: of its present epoch, and not run out."""
    still = or_(Grant.not_after.is_(None), Grant.not_after > now())
    present = select(Box.epoch).where(Box.box_id == Grant.box_id).scalar_subquery()
    return exists().where(Grant.box_id == Case.box_id, Grant.epoch == present, still).correlate(Case)


def unfiled(db: Session, holder_id: UUID | None = None) -> list[tuple[Case, date]]:
    """Return closed cases that were not handed in yet, one counsellor's or all, each with its day, the oldest first."""
    closed = UNFILED.where(_opens(db))
    if holder_id is not None:
        closed = closed.where(Case.counsellor_id == holder_id)
    rows = db.scalars(closed.order_by(Case.closed_on, Case.case_no)).all()
    return [(case, due_of(db, case)) for case in rows]


def without_key(db: Session) -> list[Case]:
    """Return closed cases whose last key went before they were handed in: nobody can any more, so nobody is late."""
    return list(db.scalars(UNFILED.where(~_opens(db)).order_by(Case.case_no)))


def overdue(db: Session, holder_id: UUID | None = None) -> list[tuple[Case, date]]:
    """Return those of them whose day has passed (R4-05); nothing is opened."""
    day = today(house_of(db).settings.time_zone)
    return [(case, due) for case, due in unfiled(db, holder_id) if due < day]
