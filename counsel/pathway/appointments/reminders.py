"""Reminders that a client asks for: a generic text the evening before, taken back with the time it is about (篇9 二4).

The address is given while the client is signed in and rides, sealed, in the message itself; nothing else keeps it.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import at_local, local, now
from counsel.core.database import house_of
from counsel.core.errors import InvalidError
from counsel.outbox.services import Address, checked, once_for, post, waiting_under, withdraw
from counsel.pathway.appointments.models import Appointment

EVENING = 18 * 60  # minutes after midnight; the same for all, so that the hour says nothing about the time itself


def reminder_time(db: Session, appointment: Appointment) -> datetime:
    """Return the evening before an appointment, where the school is."""
    zone = house_of(db).settings.time_zone
    return at_local(local(appointment.starts_at, zone).date() - timedelta(days=1), EVENING, zone)


def ask_reminder(db: Session, *, actor: SignedIn, appointment: Appointment, channel: str, address: str, language: str) -> None:
    """The client wishes to be reminded of an own time at this address; a further wish replaces the one before.

    :raises InvalidError: no address, or the evening before has passed.

    Records: ``pathway:reminder:asked``.
    """
    require(db, actor, Permission.APPOINTMENT_OWN, Facts(client_id=appointment.client_id), object_id=appointment.appointment_id)
    to = checked(channel, address, language)
    if reminder_time(db, appointment) <= now():
        raise InvalidError(address="too_late_to_remind")
    with recording(db) as record:
        take_reminder(db, appointment)
        carry_reminder(db, to, appointment)
        record.by(actor, "pathway:reminder:asked", subject_id=appointment.client_id)


def stop_reminder(db: Session, *, actor: SignedIn, appointment: Appointment) -> None:
    """The client would rather not be reminded. Records: ``pathway:reminder:stopped``."""
    require(db, actor, Permission.APPOINTMENT_OWN, Facts(client_id=appointment.client_id), object_id=appointment.appointment_id)
    with recording(db) as record:
        take_reminder(db, appointment)
        record.by(actor, "pathway:reminder:stopped", subject_id=appointment.client_id)


def _once(db: Session, appointment: Appointment) -> bytes:
    return once_for(db, "reminder", appointment.appointment_id)


def has_reminder(db: Session, appointment: Appointment) -> bool:
    """Return whether a reminder waits."""
    return waiting_under(db, _once(db, appointment)) is not None


def take_reminder(db: Session, appointment: Appointment) -> Address | None:
    """Take a reminder back that is not sent, inside the caller's transaction, and return where it would have gone."""
    return withdraw(db, _once(db, appointment))


def carry_reminder(db: Session, to: Address | None, appointment: Appointment) -> None:
    """Post a reminder of an appointment, inside the caller's transaction; not when its evening has passed."""
    due = reminder_time(db, appointment)
    if to is not None and due > now():
        place = {"once": _once(db, appointment), "due_at": due, "not_after": appointment.starts_at}
        post(db, to=to, text="reminder", **place)  # type: ignore[arg-type]
