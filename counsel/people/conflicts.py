"""Who must not counsel whom: whoever teaches or leads the class, and whoever has declared a relationship (篇9 一7; G4).

A declaration stands as a pair of ids and nothing else: what the relationship is would tell who the client is.
"""

from contextlib import suppress
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from counsel.access.accounts import roles_now
from counsel.access.gate import keys_of
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.roles import Role
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import TransitionError, UnreadableError
from counsel.core.ids import parse_id
from counsel.core.rows import Prepared
from counsel.keys.bundle import Keyring
from counsel.people.cards import client_cards, student_card
from counsel.people.models import DeclaredConflict, Student
from counsel.people.timetable import barred_for, teachers_of

DECLARED = Prepared(select(DeclaredConflict.holder_id).where(DeclaredConflict.client_id == bindparam("client")))


def declared_against(db: Session, client_id: UUID | None) -> frozenset[UUID]:
    """Return who has declared a relationship with a client."""
    return frozenset(row.holder_id for row in DECLARED.all(db, client=client_id))


def barred_now(db: Session, client_id: UUID | None) -> frozenset[UUID]:
    """Return who has no part in a client's work, as the rules ask it.

    Nobody, where that would leave no counsellor and no director at all: a life counts more.
    """
    barred = declared_against(db, client_id) if client_id is not None else frozenset()
    if not barred:
        return barred
    staff = db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active"))
    able = {row.holder_id for row in staff if {Role.COUNSELLOR, Role.DIRECTOR} & set(roles_now(db, row))}
    return barred if able - barred - {None} else frozenset()


def closed_to(db: Session, holder_id: UUID | None) -> frozenset[UUID]:
    """Return the clients somebody has no part in: lists leave them out, so that nothing shows."""
    theirs = db.scalars(select(DeclaredConflict.client_id).where(DeclaredConflict.holder_id == holder_id)).all()
    return frozenset(client_id for client_id in theirs if holder_id in barred_now(db, client_id))


def same_person(db: Session, keyring: Keyring, client_id: UUID) -> tuple[UUID, ...]:
    """Return every id of the person, the one asked for first; that one alone where a card does not open."""
    known: tuple[str, ...] = ()
    with suppress(UnreadableError):
        card = client_cards(db, keyring, [client_id]).get(client_id)
        student = db.get(Student, parse_id(card.student_id)) if card is not None and card.student_id else None
        known = student_card(db, keyring, student).client_ids if student is not None else ()
    return (client_id, *(UUID(one) for one in known if one != client_id.hex))


def barred_by(db: Session, actor: SignedIn, client_id: UUID) -> frozenset[UUID]:
    """Return the holders who must not counsel a client; the card is opened for it, nothing of it is returned.

    Records: ``people:conflict:checked``.
    """
    with recording(db) as record:
        record.by(actor, "people:conflict:checked", subject_id=client_id)
        return barred(db, keys_of(db, actor), client_id)


def barred(db: Session, keyring: Keyring, client_id: UUID) -> frozenset[UUID]:
    """Return the same for a caller with an audit line of its own, by today's class as card and newest roll have it."""
    card = client_cards(db, keyring, [client_id]).get(client_id)
    if card is None:
        return declared_against(db, client_id)
    student = db.get(Student, parse_id(card.student_id)) if card.student_id else None
    class_name = student_card(db, keyring, student).class_name if student is not None else card.class_name
    return teachers_of(db, class_name) | declared_against(db, client_id)


def barred_for_oneself(db: Session, actor: SignedIn) -> frozenset[UUID]:
    """Return whom a client who books must not be offered; the page shows them as absent and explains nothing."""
    return barred_for(db, actor) | declared_against(db, actor.client_id)


def check_free(db: Session, actor: SignedIn, client_id: UUID, holder_id: UUID | None) -> None:
    """Refuse a counsellor with another relationship, in words that tell nobody which.

    :raises TransitionError: ``ELSEWHERE``.
    """
    if holder_id in barred_by(db, actor, client_id):
        raise TransitionError("ELSEWHERE")


def declare(db: Session, holder_id: UUID, *client_ids: UUID) -> None:
    """Note a relationship for good, inside the caller's transaction; it bars every later booking and assignment.

    :param client_ids: all those of the person (`same_person`).
    """
    day = today(house_of(db).settings.time_zone)
    for client_id in client_ids:
        db.merge(DeclaredConflict(client_id=client_id, holder_id=holder_id, on_day=day))
