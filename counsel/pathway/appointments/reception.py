"""What the centre does: triage and confirm, offer another time, check in, note lateness and absence, walk-ins."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import login_tag
from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import Recorder, recording
from counsel.confidentiality.decide import role_may
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import at_local, local, now, today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError, NotFoundError, TamperError, TransitionError
from counsel.core.ids import new_id
from counsel.keys.boxes import add_reader, open_box, revoke
from counsel.keys.grants import Reader
from counsel.keys.trust import group_id, holder_row
from counsel.outbox.notices import notify
from counsel.pathway.appointments.lapsing import WELFARE_HOURS
from counsel.pathway.appointments.lifecycle import allowed
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.requests import add_appointment, answer_by, appointment_facts, change_state, open_case_for
from counsel.people.cards import ClientCard, client_cards, student_card, write_client
from counsel.people.conflicts import barred_by, check_free, closed_to
from counsel.people.models import Student
from counsel.records.services import item_of, open_bodies
from counsel.roster.queries import find_slot, rooms
from counsel.tasks.services import open_task

CENTRE_REASONS = ("counsellor_away", "room", "closed")


def _find(db: Session, actor: SignedIn, appointment_id: UUID | None, permission: Permission) -> Appointment:
    found = db.get(Appointment, appointment_id) if appointment_id else None
    require(db, actor, permission, appointment_facts(db, found), object_id=appointment_id)
    assert found is not None
    return found


def waiting_requests(db: Session, *, actor: SignedIn) -> list[Appointment]:
    """Return requests without a counsellor, the most urgent and then the earliest first."""
    require(db, actor, Permission.APPOINTMENT_TRIAGE)
    query = select(Appointment).where(Appointment.state == "requested", Appointment.assigned.is_(False))
    query = query.where(Appointment.client_id.not_in(closed_to(db, actor.holder_id)))
    return list(db.scalars(query.order_by(Appointment.queue_rank.desc(), Appointment.starts_at)))


def read_request(db: Session, *, actor: SignedIn, appointment_id: UUID | None) -> tuple[Appointment, dict[str, Any]]:
    """Open the words a client wrote when booking.

    Records: ``pathway:request:read``. Rule: 篇4 三.
    """
    appointment = _find(db, actor, appointment_id, Permission.REQUEST_READ)
    if appointment.box_id is None:
        return appointment, {}
    keyring = keys_of(db, actor)
    with recording(db) as record:
        item = item_of(db, appointment.box_id, "F01")
        if item is not None and item.author_id != appointment.client_id:
            raise TamperError("request")
        words = open_bodies(db, box=open_box(db, keyring, appointment.box_id), item=item)[0] if item else {}
        _line(record, actor, appointment, "pathway:request:read")
    return appointment, words


def _line(record: Recorder, actor: SignedIn, appointment: Appointment, tag: str) -> None:
    record.by(actor, tag, subject_id=appointment.client_id, object_id=appointment.appointment_id)


def confirm_request(db: Session, *, actor: SignedIn, appointment_id: UUID | None, queue_rank: int = 0) -> Appointment:
    """Triage done: the asked counsellor is assigned and gets the key to the request; `duty` loses it.

    Records: ``pathway:appointment:confirmed``. Rule: 篇10 一.
    """
    appointment = _find(db, actor, appointment_id, Permission.APPOINTMENT_TRIAGE)
    keyring = keys_of(db, actor)
    with recording(db) as record:
        check_free(db, actor, appointment.client_id, appointment.counsellor_id)
        change_state(db, appointment, "confirmed")
        appointment.assigned, appointment.queue_rank = True, queue_rank
        if appointment.box_id is not None:
            reader = holder_row(db, appointment.counsellor_id)
            if reader is None:
                raise NotFoundError("counsellor")
            opened = open_box(db, keyring, appointment.box_id)
            add_reader(db, opened, reader=Reader(reader, "assigned"), granter=keyring)
            revoke(db, appointment.box_id, group_id(house_of(db), "duty"))
        appointment.answer_by = None
        notify(db, reader_id=appointment.client_id, kind="time_confirmed", object_id=appointment.appointment_id)
        _line(record, actor, appointment, "pathway:appointment:confirmed")
    return appointment


def offer_time(db: Session, *, actor: SignedIn, appointment_id: UUID | None, slot_key: str) -> Appointment:
    """Offer another time; the old one stands until the client says yes.

    Records: ``pathway:appointment:offered``. Rule: 篇10 一.
    """
    old = _find(db, actor, appointment_id, Permission.APPOINTMENT_RECEIVE)
    if old.state not in ("confirmed", "requested"):
        raise TransitionError("NO_STEP")
    with recording(db) as record:
        slot = find_slot(db, slot_key, client_id=old.client_id, without=barred_by(db, actor, old.client_id))
        if slot is None or slot.holder_id != old.counsellor_id:
            raise ConflictError("slot_taken")
        offer = add_appointment(db, old.client_id, slot, "offered", old.mode, old.source)
        offer.assigned, offer.box_id, offer.case_id = old.assigned, old.box_id, old.case_id
        offer.replaces_id, offer.answer_by = old.appointment_id, answer_by(db, house_of(db).settings.offer_hours)
        notify(db, reader_id=offer.client_id, kind="time_offered", object_id=offer.appointment_id)
        _line(record, actor, offer, "pathway:appointment:offered")
    return offer


def standing_appointment(db: Session, *, actor: SignedIn, appointment_id: UUID | None) -> Appointment:
    """Return an appointment that can still be changed, or refuse as if it were absent."""
    found = _find(db, actor, appointment_id, Permission.APPOINTMENT_RECEIVE)
    if found.state not in ("confirmed", "requested"):
        raise TransitionError("NO_STEP")
    return found


def check_in(db: Session, *, actor: SignedIn, appointment_id: UUID | None) -> Appointment:
    """Note that the client has come: up to 30 minutes late counts as present, later the time is forfeited.

    :raises TransitionError: ``TOO_EARLY`` before the day itself; ``ELSEWHERE`` when the counsellor has another relationship.

    Records: ``pathway:appointment:checked_in`` or ``:forfeited``. Rule: 篇9 二4.
    """
    appointment = _find(db, actor, appointment_id, Permission.APPOINTMENT_RECEIVE)
    zone = house_of(db).settings.time_zone
    if local(appointment.starts_at, zone).date() > today(zone):
        raise TransitionError("TOO_EARLY")
    late = max(0, int((now() - appointment.starts_at).total_seconds() // 60))
    to = "checked_in" if late <= house_of(db).settings.late_forfeit_minutes else "forfeited"
    with recording(db) as record:
        if actor.keyring is not None:  # a desk whose vault is shut still checks in; the counsellor who receives looks again
            check_free(db, actor, appointment.client_id, appointment.counsellor_id)
        change_state(db, appointment, to)
        appointment.minutes_late = late
        _line(record, actor, appointment, f"pathway:appointment:{to}")
    return appointment


def note_absence(db: Session, *, actor: SignedIn, appointment_id: UUID | None) -> Appointment:
    """Note that the client did not come, at the earliest when the time is forfeited.

    :raises TransitionError: ``TOO_EARLY`` before that.

    Records: ``pathway:appointment:no_show``. Rule: 篇9 二4.
    """
    appointment = _find(db, actor, appointment_id, Permission.APPOINTMENT_RECEIVE)
    if now() < appointment.starts_at + timedelta(minutes=house_of(db).settings.late_forfeit_minutes):
        raise TransitionError("TOO_EARLY")
    with recording(db) as record:
        change_state(db, appointment, "no_show")
        if appointment.call_duty:  # whoever knows the level set this bit: somebody looks how the client is
            due = now() + timedelta(hours=WELFARE_HOURS)
            open_task(db, kind="contact", due_at=due, client_id=appointment.client_id, object_id=appointment.appointment_id)
        _line(record, actor, appointment, "pathway:appointment:no_show")
    return appointment


def cancel_for_centre(db: Session, *, actor: SignedIn, appointment_id: UUID | None, reason: str) -> Appointment:
    """Cancel for the centre, with a reason; never counted against the client.

    Records: ``pathway:appointment:cancelled_by_centre``.
    """
    appointment = _find(db, actor, appointment_id, Permission.APPOINTMENT_RECEIVE)
    if reason not in CENTRE_REASONS:
        raise InvalidError(reason="unknown")
    with recording(db) as record:
        change_state(db, appointment, "cancelled_by_centre")
        appointment.reason = reason
        notify(db, reader_id=appointment.client_id, kind="time_cancelled", object_id=appointment.appointment_id)
        _line(record, actor, appointment, "pathway:appointment:cancelled_by_centre")
    return appointment


def let_go_times(db: Session, *, actor: SignedIn, client_id: UUID, holder_id: UUID | None = None, told: bool = True) -> None:
    """Cancel for the centre what a client still has to come, inside the caller's transaction; never counted against the client.

    :param holder_id: only times with this counsellor, who no longer counsels the client.
    :param told: whether the client is told; not after a death.
    """
    query = select(Appointment).where(Appointment.client_id == client_id, Appointment.starts_at > now())
    if holder_id is not None:
        query = query.where(Appointment.counsellor_id == holder_id)
    with recording(db) as record:
        for appointment in db.scalars(query.order_by(Appointment.starts_at)).all():
            if not allowed(appointment.state, "cancelled_by_centre"):
                continue
            change_state(db, appointment, "cancelled_by_centre")
            appointment.reason = "counsellor_away" if holder_id is not None else "closed"
            if told:
                notify(db, reader_id=client_id, kind="time_cancelled", object_id=appointment.appointment_id)
            _line(record, actor, appointment, "pathway:appointment:cancelled_by_centre")


@dataclass(frozen=True)
class SheetRow:
    """A line of a working list. `name` only after *show names*; without it number and initial are all there is."""

    appointment: Appointment
    room: str
    initial: str
    name: str = ""
    guest: bool = False


def day_sheet(db: Session, *, actor: SignedIn, day: date, holder_id: UUID | None = None, names: bool = False) -> list[SheetRow]:
    """Return the day's appointments in order of time.

    :param holder_id: one counsellor's day only.
    :param names: show names for this page; one audit line, and no topic stands beside them.

    Records: ``people:names:revealed`` with the number of names. Rule: 篇1 3.4, 篇8 二.
    """
    require(db, actor, Permission.APPOINTMENT_SHEET)
    if names:
        require(db, actor, Permission.NAME_REVEAL)
    zone = house_of(db).settings.time_zone
    query = select(Appointment).where(
        Appointment.starts_at >= at_local(day, 0, zone), Appointment.starts_at < at_local(day, 1440, zone)
    )
    if holder_id is not None:
        query = query.where(Appointment.counsellor_id == holder_id)
    rows = list(db.scalars(query.where(Appointment.state != "moved").order_by(Appointment.starts_at)))
    cards = _cards(db, actor, rows, names)
    known = rooms(db)
    return [_row(appointment, known, cards.get(appointment.client_id), names) for appointment in rows]


def _cards(db: Session, actor: SignedIn, rows: list[Appointment], names: bool) -> dict[UUID, ClientCard]:
    if actor.keyring is None or not rows or not role_may(actor, Permission.NAME_REVEAL):
        return {}
    keyring = keys_of(db, actor)
    with recording(db) as record:
        cards = client_cards(db, keyring, [row.client_id for row in rows])
        tag = "people:names:revealed" if names else "people:initials:read"
        record.by(actor, tag, detail=str(len(cards)))
    return cards


def _row(appointment: Appointment, known: dict[UUID, Any], card: ClientCard | None, names: bool) -> SheetRow:
    room = known[appointment.room_id].name if appointment.room_id in known else ""
    guest = card is not None and names and not card.student_id
    return SheetRow(appointment, room, card.initial if card else "", card.name if card and names else "", guest)


def register_walk_in(
    db: Session, *, actor: SignedIn, student_no: str, name: str, slot_key: str, mode: str = "in_person"
) -> Appointment:
    """Desk or counsellor books for somebody who stands there: on the roll by number, or a guest by name.

    The person is present and says yes, so the time is agreed by both; whoever has no account lacks only the online view.

    :raises InvalidError: ``student_no`` unknown and no name given; :raises ConflictError: ``slot_taken``.

    Records: ``pathway:appointment:registered``. Rule: 篇9 二4.
    """
    require(db, actor, Permission.APPOINTMENT_RECEIVE)
    with recording(db) as record:
        client_id, card = person_present(db, actor, student_no.strip(), name.strip())
        write_client(db, client_id=client_id, card=card)
        slot = find_slot(db, slot_key, client_id=client_id, without=barred_by(db, actor, client_id))
        if slot is None:
            raise ConflictError("slot_taken")
        case = open_case_for(db, client_id)
        appointment = add_appointment(db, client_id, slot, "confirmed", mode, "walk_in")
        appointment.assigned = True
        appointment.case_id = case.case_id if case is not None and case.counsellor_id == slot.holder_id else None
        _line(record, actor, appointment, "pathway:appointment:registered")
    return appointment


def person_present(db: Session, actor: SignedIn, student_no: str, name: str) -> tuple[UUID, ClientCard]:
    """Return the pseudonym and the card of somebody on the roll, or of a guest by name.

    :raises InvalidError: no such number, or neither number nor name.
    """
    if student_no:
        student = db.scalar(select(Student).where(Student.login_tag == login_tag(house_of(db), student_no)))
        if student is None:
            raise InvalidError(student_no="not_on_roll")
        card = student_card(db, keys_of(db, actor), student)
        snapshot = ClientCard(card.name, card.student_no, card.birth_date, card.class_name, student.student_id.hex)
        return card.client_id, snapshot
    if not name:
        raise InvalidError(name="empty")
    return new_id(), ClientCard(name)
