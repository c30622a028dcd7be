"""The report the law demands when a minor is harmed: what opens it, and what stands still until it is made (domain §3.6)."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.core.ids import new_id
from counsel.risk.models import Report
from counsel.tasks.services import open_task

MANDATORY, EVENT = "mandatory", "event"
ABUSE = "P18"  # suspected abuse among the problems of an assessment
ASKED = "q11"  # somebody hits, frightens, touches or forces
ENDS_HERE = ("closed", "follow_up")
ADULT = 18


def oblige(db: Session, *, actor: SignedIn, client_id: UUID, case_id: UUID | None, age: int | None) -> Report | None:
    """Have somebody owe the report about a minor, inside the caller's transaction; one that is owed already stays.

    The task names no client: whoever is suspected must not meet it as something about their own case.

    :param case_id: when the case's own counsellor owes it; `age`: in years, None counts as a minor (篇8 二: the stricter rule).
    :return: the report that is owed, or None for somebody of age.

    Records: ``risk:report:owed``.
    """
    if age is not None and age >= ADULT:
        return None
    assert actor.holder_id is not None
    owed = [row for row in owed_about(db, client_id) if row.case_id == case_id and (case_id or row.sender_id == actor.holder_id)]
    if owed:
        return owed[0]
    settings = house_of(db).settings
    row = Report(report_id=new_id(), kind=MANDATORY, client_id=client_id, case_id=case_id, sender_id=actor.holder_id)
    row.opened_on = today(settings.time_zone)
    row.due_at = now() + timedelta(hours=settings.report_clock_hours)
    row.stop_at = now() + timedelta(hours=settings.report_stop_hours)
    with recording(db) as record:
        db.add(row)
        open_task(db, kind="report", due_at=row.due_at, object_id=row.report_id)
        record.by(actor, "risk:report:owed", subject_id=client_id, object_id=row.report_id)
        db.flush()
    return row


def owed_about(db: Session, client_id: UUID) -> list[Report]:
    """Return the reports about a client that have not been made."""
    query = select(Report).where(Report.client_id == client_id, Report.kind == MANDATORY, Report.ended_on.is_(None))
    return list(db.scalars(query.order_by(Report.due_at)))


def owed_in(db: Session, case_id: UUID) -> Report | None:
    """Return the report that a case's counsellor owes, or None."""
    query = select(Report).where(Report.case_id == case_id, Report.kind == MANDATORY, Report.ended_on.is_(None))
    return db.scalars(query.limit(1)).first()


def is_stopped(db: Session, case_id: UUID, to: str) -> bool:
    """Return whether a case may not go on to a state: past the hard stop nowhere, before it not to an end.

    The wish to end is the client's own and is never held up; only the end itself is.
    """
    row = owed_in(db, case_id)
    return row is not None and (to in ENDS_HERE or (to != "closing" and row.stop_at <= now()))


def reports_told(db: Session, client_id: UUID | None) -> list[Report]:
    """Return the reports that a client knows of, the newest first; nothing is opened."""
    query = select(Report).where(Report.client_id == client_id, Report.told_on.is_not(None), Report.outcome == "reported")
    return list(db.scalars(query.order_by(Report.ended_on.desc(), Report.report_id)))
