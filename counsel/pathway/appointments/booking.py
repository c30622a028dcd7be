"""Book: what the client wishes, with what the past says about it: a talk that was offered, times missed in a row."""

from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.pathway.appointments.lapsing import queues_again
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.requests import Wish, request_appointment
from counsel.pathway.appointments.talks import accepted_talks


def book(db: Session, *, actor: SignedIn, wish: Wish) -> Appointment:
    """Ask for a time, as `requests.request_appointment`, from whatever brought the client here. Rule: 篇10 一."""
    require(db, actor, Permission.APPOINTMENT_REQUEST)
    assert actor.client_id is not None
    source = "teacher" if accepted_talks(db, actor.client_id) else "self"
    again = queues_again(db, actor.client_id)
    with recording(db):
        return request_appointment(db, actor=actor, wish=wish, source=source, queues_again=again)
