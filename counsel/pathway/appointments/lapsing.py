"""What time alone does to appointments: offers nobody answered and requests nobody triaged lapse; the job needs no key."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.audit.chain import recording
from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.core.errors import TransitionError
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.requests import change_state
from counsel.tasks.services import open_task

MISSED = ("no_show", "forfeited")
WELFARE_HOURS = 2


def lapse_unanswered(db: Session) -> str:
    """Let offers and requests whose time is over lapse and give their times back; twice changes nothing.

    A request that was not triaged is told to the director by a neutral task: somebody asked and nobody answered.

    Records: ``pathway:appointment:lapsed``. Rule: 篇10 一.
    """
    over = (Appointment.answer_by <= now()) | (Appointment.starts_at <= now())
    query = select(Appointment).where(Appointment.state.in_(("requested", "offered")), over)
    with recording(db) as record:
        count = 0
        for row in db.scalars(query).all():
            try:
                was = row.state
                change_state(db, row, "lapsed")
            except TransitionError:  # answered between the look and the lock
                continue
            count += 1
            if was == "requested":
                _tell_director(db, row)
            record.line("pathway:appointment:lapsed", subject_id=row.client_id, object_id=row.appointment_id, detail=was)
    return f"{count} appointments"


def _tell_director(db: Session, row: Appointment) -> None:
    due = now() + timedelta(hours=WELFARE_HOURS)
    open_task(db, kind="contact", due_at=due, client_id=row.client_id, object_id=row.appointment_id, owner_role="director")


def missed_in_a_row(db: Session, client_id: UUID) -> int:
    """Return how often a client stayed away or cancelled late since the last time they came.

    A time at which duty was to be called never counts: worry is no offence (domain §1.1).
    """
    query = select(Appointment).where(Appointment.client_id == client_id)
    count = 0
    for row in db.scalars(query.order_by(Appointment.starts_at.desc(), Appointment.state == "completed")):
        if row.state == "completed":
            break
        count += (row.state in MISSED or row.late_cancel) and not row.call_duty
    return count


def queues_again(db: Session, client_id: UUID) -> bool:
    """Return whether a known client's next wish goes through triage again, after three times missed."""
    return missed_in_a_row(db, client_id) >= house_of(db).settings.no_show_limit


def is_late_request(db: Session, row: Appointment) -> bool:
    """Return whether a request was not triaged on the working day it came in."""
    return row.state == "requested" and row.asked_on < today(house_of(db).settings.time_zone)
