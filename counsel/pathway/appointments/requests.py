"""What a client does: ask for a time with sealed words, answer the safety questions, change, cancel, accept an offer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import Recorder, recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError, TransitionError
from counsel.core.ids import new_id
from counsel.pathway.appointments.alarms import is_alarming, raise_alarm, request_box
from counsel.pathway.appointments.lifecycle import OCCUPYING, allowed
from counsel.pathway.appointments.models import MODES, REASON_LENGTH, Appointment
from counsel.pathway.appointments.reminders import carry_reminder, take_reminder
from counsel.pathway.cases.lifecycle import ACTIVE
from counsel.pathway.cases.models import Case
from counsel.people.cards import publish_client
from counsel.people.conflicts import barred_for_oneself, barred_now
from counsel.records.services import start_item
from counsel.risk.questions import ANSWERS, BOOKING
from counsel.roster.occupancy import free, take
from counsel.roster.queries import Slot, find_slot, working_deadline

CONTACT_WAYS = ("phone", "in_page")


@dataclass(frozen=True)
class Wish:
    """What a client asks for. `answers`: q1, q2, q7 and urgent → yes, no or refused."""

    slot: str
    mode: str = "in_person"
    answers: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    contact_way: str = "in_page"
    phone: str = ""
    who_answers: str = ""
    notice_version: int = 0


def open_case_for(db: Session, client_id: UUID) -> Case | None:
    """Return a client's running case, or None; one at a time. In follow-up or closed, a new one begins (T24)."""
    query = select(Case).where(Case.client_id == client_id, Case.state.in_(ACTIVE))
    return db.scalars(query.order_by(Case.case_no.desc())).first()


def request_appointment(
    db: Session, *, actor: SignedIn, wish: Wish, source: str = "self", queues_again: bool = False
) -> Appointment:
    """Ask for a published time: a first visit holds it until triage, a known client of that counsellor has it at once.

    :param source: how the client came here, see `booking.book`, which knows.
    :param queues_again: a known client who stayed away too often waits for triage as at the first visit.
    :raises ConflictError: ``slot_taken``; :raises InvalidError: a field that cannot be.

    Records: ``pathway:appointment:requested``. Rule: 篇10 一, 篇9 二4.
    """
    require(db, actor, Permission.APPOINTMENT_REQUEST)
    _check(wish)
    keyring = keys_of(db, actor)
    with recording(db) as record:
        barred = barred_for_oneself(db, actor)
        if find_slot(db, wish.slot, without=barred) is None:  # whoever came too late makes no keys first
            raise ConflictError("slot_taken")
        client_id = publish_client(db, actor=actor)
        slot = find_slot(db, wish.slot, client_id=client_id, without=barred)
        if slot is None:
            raise ConflictError("slot_taken")
        if _waiting_request(db, client_id):
            raise ConflictError("already_waiting")
        raise_alarm(db, actor=actor, answers=wish.answers, phone=wish.phone)
        case = open_case_for(db, client_id)
        known = case is not None and case.counsellor_id == slot.holder_id and not queues_again
        watched = known and case is not None and _call_duty_last(db, case)
        box = request_box(db, keyring, "request", slot.holder_id if known else None)
        start_item(db, box=box, kind="F01", author=keyring.holder_id, content=_words(wish))
        appointment = add_appointment(db, client_id, slot, "confirmed" if known else "requested", wish.mode, source)
        appointment.answer_by = None if known else answer_by(db, house_of(db).settings.request_hours)
        appointment.box_id, appointment.assigned = box.box_id, known
        appointment.case_id = case.case_id if known and case else None
        alarming = is_alarming(wish.answers)
        appointment.call_duty, appointment.queue_rank = alarming or watched, 2 if alarming else 0
        record.line(
            "pathway:appointment:requested",
            role=actor.role,
            actor_id=client_id,
            subject_id=client_id,
            object_id=appointment.appointment_id,
        )
    return appointment


def answer_by(db: Session, hours: int) -> datetime:
    """Return until when an offer or a request waits for its answer, in working time."""
    return working_deadline(now(), hours, house_of(db).settings.time_zone)


def _call_duty_last(db: Session, case: Case) -> bool:
    """Return the one bit that whoever knows the level set on the case's newest time; it goes on to the next one."""
    query = select(Appointment.call_duty).where(Appointment.case_id == case.case_id)
    return bool(db.scalar(query.order_by(Appointment.starts_at.desc()).limit(1)))


def _check(wish: Wish) -> None:
    problems = {}
    if wish.mode not in MODES:
        problems["mode"] = "unknown"
    if len(wish.reason) > REASON_LENGTH:
        problems["reason"] = "too_long"
    if wish.contact_way not in CONTACT_WAYS:
        problems["contact_way"] = "unknown"
    if wish.contact_way == "phone" and not 5 <= sum(ch.isdigit() for ch in wish.phone) <= 15:
        problems["phone"] = "no_phone"
    if any(wish.answers.get(code) not in ANSWERS for code in (*BOOKING, "urgent")):
        problems["answers"] = "unanswered"
    if wish.notice_version < 1:
        problems["notice"] = "unread"
    if problems:
        raise InvalidError(**problems)


def _words(wish: Wish) -> dict[str, object]:
    return {
        "reason": wish.reason,
        "answers": dict(wish.answers),
        "contact_way": wish.contact_way,
        "phone": wish.phone,
        "who_answers": wish.who_answers,
        "notice_version": wish.notice_version,
    }


def _waiting_request(db: Session, client_id: UUID) -> bool:
    query = select(Appointment.appointment_id).where(Appointment.client_id == client_id, Appointment.state == "requested")
    return db.scalar(query) is not None


def add_appointment(db: Session, client_id: UUID, slot: Slot, state: str, mode: str, source: str) -> Appointment:
    """Add an appointment and occupy its counsellor, room and client."""
    assert allowed(None, state)
    appointment = Appointment(
        appointment_id=new_id(),
        client_id=client_id,
        counsellor_id=slot.holder_id,
        room_id=slot.room_id,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        state=state,
        mode=mode,
        source=source,
        asked_on=today(house_of(db).settings.time_zone),
    )
    resources = (slot.holder_id, slot.room_id, client_id)
    place = {"starts_at": slot.starts_at, "ends_at": slot.ends_at, "appointment_id": appointment.appointment_id}
    take(db, resources=resources, **place)  # type: ignore[arg-type]
    db.add(appointment)
    return appointment


def change_state(db: Session, appointment: Appointment, to: str) -> None:
    """Take an appointment one arrow further and give its time back when it ends.

    :raises TransitionError: when the table has no such arrow, because somebody was faster or the page was stale.
    """
    db.refresh(appointment, with_for_update=True)
    if not allowed(appointment.state, to):
        raise TransitionError("NO_STEP")
    appointment.state = to
    db.flush()
    if to not in OCCUPYING:
        free(db, appointment.appointment_id)
        take_reminder(db, appointment)


def times_of_case(db: Session, case_id: UUID) -> list[Appointment]:
    """Return the times of a case that are still to come or have just begun, and its newest one."""
    query = select(Appointment).where(Appointment.case_id == case_id).order_by(Appointment.starts_at.desc())
    rows = list(db.scalars(query))
    return [row for row in rows if row.state in OCCUPYING or row is rows[0]]


def next_time(db: Session, client_id: UUID, holder_id: UUID) -> datetime | None:
    """Return the next time a client has with a counsellor, or None."""
    mine = (Appointment.client_id == client_id, Appointment.counsellor_id == holder_id, Appointment.state.in_(OCCUPYING))
    return db.scalar(select(func.min(Appointment.starts_at)).where(*mine, Appointment.starts_at > now()))


def appointment_facts(db: Session, appointment: Appointment | None) -> Facts | None:
    """Return what the rules may know about an appointment."""
    if appointment is None:
        return None
    assigned = appointment.counsellor_id if appointment.assigned else None
    barred = barred_now(db, appointment.client_id)
    return Facts(client_id=appointment.client_id, assigned_to=assigned, state=appointment.state, barred=barred)


def find_own(db: Session, *, actor: SignedIn, appointment_id: UUID | None) -> Appointment:
    """Return one of the client's own appointments, or refuse as if it were absent."""
    found = db.get(Appointment, appointment_id) if appointment_id else None
    require(db, actor, Permission.APPOINTMENT_OWN, appointment_facts(db, found), object_id=appointment_id)
    assert found is not None
    return found


def my_appointments(db: Session, *, actor: SignedIn) -> list[Appointment]:
    """Return the client's own appointments, the newest first."""
    require(db, actor, Permission.APPOINTMENT_OWN, Facts(client_id=actor.client_id))
    query = select(Appointment).where(Appointment.client_id == actor.client_id)
    return list(db.scalars(query.order_by(Appointment.starts_at.desc())))


def cancel_own(db: Session, *, actor: SignedIn, appointment_id: UUID | None) -> Appointment:
    """The client cancels or declines: no reason needed; inside the cancelling time it is noted as late (篇9 二2, 二4).

    Records: ``pathway:appointment:cancelled``.
    """
    appointment = find_own(db, actor=actor, appointment_id=appointment_id)
    limit = timedelta(hours=house_of(db).settings.cancel_hours)
    with recording(db) as record:
        was = appointment.state
        change_state(db, appointment, "cancelled_by_client")
        appointment.late_cancel = was == "confirmed" and appointment.starts_at - now() < limit
        _line(record, actor, appointment, "cancelled")
    return appointment


def _line(record: Recorder, actor: SignedIn, appointment: Appointment, what: str) -> None:
    record.by(actor, f"pathway:appointment:{what}", subject_id=appointment.client_id, object_id=appointment.appointment_id)


def move_own(db: Session, *, actor: SignedIn, appointment_id: UUID | None, slot_key: str) -> Appointment:
    """The client takes another published time: the counsellor agreed to it by publishing; the old one is given back.

    :raises ConflictError: ``slot_taken``, and the old time stands.

    Records: ``pathway:appointment:moved``. Rule: 篇10 一.
    """
    old = find_own(db, actor=actor, appointment_id=appointment_id)
    with recording(db) as record:
        was, reminded = old.state, take_reminder(db, old)
        if was not in ("requested", "confirmed") or old.starts_at <= now():
            raise TransitionError("NO_STEP")
        change_state(db, old, "moved")  # first, so that the client's own old time stands in nobody's way
        slot = find_slot(db, slot_key, client_id=old.client_id, without=barred_for_oneself(db, actor))
        if slot is None or (old.assigned and slot.holder_id != old.counsellor_id):  # the words are sealed to that counsellor
            raise ConflictError("slot_taken")
        new = add_appointment(db, old.client_id, slot, was, old.mode, old.source)
        new.box_id, new.case_id, new.queue_rank, new.call_duty = old.box_id, old.case_id, old.queue_rank, old.call_duty
        new.assigned, new.answer_by = old.assigned, old.answer_by
        new.replaces_id = old.appointment_id
        carry_reminder(db, reminded, new)
        _line(record, actor, new, "moved")
    return new


def accept_offer(db: Session, *, actor: SignedIn, appointment_id: UUID | None) -> Appointment:
    """The client says yes to another time: it is confirmed and the old one given back.

    Records: ``pathway:appointment:accepted``. Rule: 篇10 一.
    """
    offer = find_own(db, actor=actor, appointment_id=appointment_id)
    if offer.starts_at <= now():
        raise TransitionError("NO_STEP")
    with recording(db) as record:
        old = db.get(Appointment, offer.replaces_id) if offer.replaces_id else None
        waits = old is not None and old.state == "requested" and not old.assigned
        if old is not None:  # what triage decided meanwhile holds for the new time as well
            offer.assigned, offer.case_id = old.assigned, old.case_id
            offer.answer_by = old.answer_by if waits else None
            offer.queue_rank, offer.call_duty = old.queue_rank, old.call_duty
            carry_reminder(db, take_reminder(db, old), offer)
            if old.state in OCCUPYING:
                change_state(db, old, "moved")
        change_state(db, offer, "requested" if waits else "confirmed")
        _line(record, actor, offer, "accepted")
    return offer
