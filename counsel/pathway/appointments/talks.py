"""A talk offered because a teacher was concerned: inert until the student says yes, and nobody learns the answer (篇9 二2)."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import login_tag
from counsel.access.gate import keys_of, require
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError
from counsel.core.ids import new_id
from counsel.pathway.appointments.models import TalkOffer
from counsel.people.cards import student_card
from counsel.people.models import Student
from counsel.tasks.models import Task
from counsel.tasks.services import end_task

STANDS_DAYS = 60


def offer_talk(db: Session, *, actor: SignedIn, task_id: UUID | None, student_no: str) -> bool:
    """Offer a talk to the student whom a concern is about; return whether the student has an account to see it in.

    :raises InvalidError: ``student_no`` is not on the roll; :raises ConflictError: the concern was dealt with already.

    Records: ``pathway:talk:offered``. Rule: 篇9 一6, 二2; R9-11.
    """
    task = db.get(Task, task_id) if task_id else None
    stands = task is not None and task.kind == "review"
    require(db, actor, Permission.CONCERN_READ, Facts() if stands else None, object_id=task_id)
    assert task is not None
    keyring = keys_of(db, actor)
    tag = login_tag(house_of(db), student_no)
    student = db.scalar(select(Student).where(Student.login_tag == tag))
    if student is None:
        raise InvalidError(student_no="not_on_roll")
    card = student_card(db, keyring, student)
    with recording(db) as record:
        db.refresh(task, with_for_update=True)
        if task.ended_on is not None:
            raise ConflictError("task_ended")
        day = today(house_of(db).settings.time_zone)
        offer = TalkOffer(offer_id=new_id(), client_id=card.client_id, box_id=task.box_id, state="open", on_day=day)
        db.add(offer)
        end_task(task, "talk_offered")
        record.by(actor, "pathway:talk:offered", object_id=offer.offer_id)
    return db.scalar(select(Account.status).where(Account.login_tag == tag)) == "active"


def my_talk_offers(db: Session, *, actor: SignedIn) -> list[TalkOffer]:
    """Return the talks offered to this student that wait for an answer."""
    require(db, actor, Permission.APPOINTMENT_REQUEST)
    query = select(TalkOffer).where(TalkOffer.client_id == actor.client_id, TalkOffer.state == "open")
    return list(db.scalars(query))


def answer_talk(db: Session, *, actor: SignedIn, offer_id: UUID | None, accepted: bool) -> TalkOffer:
    """Say yes or no. A no changes nothing anywhere else; a yes lets the student book, as anybody does.

    Records: ``pathway:talk:accepted`` or ``:declined``. Rule: 篇9 二2.
    """
    offer = db.get(TalkOffer, offer_id) if offer_id else None
    stands = offer is not None and offer.state == "open"
    require(
        db, actor, Permission.APPOINTMENT_OWN, Facts(client_id=offer.client_id) if offer and stands else None, object_id=offer_id
    )
    assert offer is not None
    with recording(db) as record:
        db.refresh(offer, with_for_update=True)
        if offer.state != "open":
            raise ConflictError("faster")
        offer.state = "accepted" if accepted else "declined"
        record.line(f"pathway:talk:{offer.state}", role=actor.role, actor_id=actor.client_id, subject_id=actor.client_id)
    return offer


def accepted_talks(db: Session, client_id: UUID) -> list[TalkOffer]:
    """Return the offers of the last two months to which this client said yes."""
    since = today(house_of(db).settings.time_zone) - timedelta(days=STANDS_DAYS)
    query = select(TalkOffer).where(TalkOffer.client_id == client_id, TalkOffer.state == "accepted", TalkOffer.on_day >= since)
    return list(db.scalars(query))
