"""Somebody registered by name turns out to be on the roll: both ids go into one card, and the client's card points back.

Two transactions, because none may write both worlds; between them the student's card already knows both ids, and doing it
again completes it.
"""

from dataclasses import asdict
from uuid import UUID

from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import ConflictError
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.requests import appointment_facts
from counsel.people.cards import ClientCard, client_cards, rewrite_client, student_card
from counsel.people.exclusions import share_bars
from counsel.people.guests import join_ids
from counsel.people.models import Student


def link_client(db: Session, *, actor: SignedIn, appointment_id: UUID | None, student_no: str) -> None:
    """Say that the client of an appointment, registered by name, is the student with this number.

    :raises InvalidError: ``student_no``, not on the roll;
    :raises ConflictError: ``linked``, when the client is known as somebody on the roll already.

    Records: ``people:ids:joined``, ``people:client:linked``. Rule: 篇7 五; R7-05.
    """
    appointment = db.get(Appointment, appointment_id) if appointment_id else None
    require(db, actor, Permission.APPOINTMENT_RECEIVE, appointment_facts(db, appointment), object_id=appointment_id)
    assert appointment is not None
    client_id = appointment.client_id
    keyring = keys_of(db, actor)
    card = client_cards(db, keyring, [client_id])[client_id]
    if card.student_id:
        raise ConflictError("linked")
    student_id = join_ids(db, actor=actor, student_no=student_no, client_id=client_id)
    known = student_card(db, keyring, db.get_one(Student, student_id))
    fields = {"name": known.name, "student_no": known.student_no, "birth_date": known.birth_date, "class_name": known.class_name}
    with recording(db) as record:
        share_bars(db, [UUID(one) for one in known.client_ids])
        rewrite_client(db, keyring, client_id, ClientCard(**{**asdict(card), **fields, "student_id": student_id.hex}))
        record.by(actor, "people:client:linked", subject_id=client_id)
