"""People who are not on the roll but may be clients: a colleague, a parent; and making one person of two cards (design §2)."""

import secrets
from dataclasses import replace
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import login_tag
from counsel.access.gate import keys_of, require
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError
from counsel.core.ids import new_id
from counsel.keys.groups import group_reader
from counsel.keys.locks import make_locks
from counsel.people.cards import find_student, new_card, rewrite_student, student_card, write_student
from counsel.people.models import Student

GUEST_KINDS = ("parent", "colleague", "other")
STAYS_YEARS = 2


def register_guest(db: Session, *, actor: SignedIn, name: str, born: date, kind: str) -> tuple[Student, str]:
    """Put somebody beside the roll, with a number of their own to sign in with; return the row and that number.

    From here on they are invited, activate and book like a student. Age decides as for everybody.

    :raises InvalidError: a kind that does not exist, or a birth date that cannot be.

    Records: ``people:guest:registered`` without saying whom. Rule: 篇7 五; R7-05.
    """
    require(db, actor, Permission.STUDENT_INVITE)
    day = today(house_of(db).settings.time_zone)
    if kind not in GUEST_KINDS:
        raise InvalidError(kind="unknown")
    if not date(1900, 1, 1) < born < day:
        raise InvalidError(born="no_birth_date")
    house = house_of(db)
    number = _free_number(db)
    box_id, lock = next(iter(make_locks(house, [new_id()]).items()))
    card = new_card(name, number, born, kind)
    with recording(db) as record:
        place = {"leaves_month": date(day.year + STAYS_YEARS, 7, 1), "office": group_reader(db, "office", "card")}
        row = write_student(db, tag=login_tag(house, number), card=card, lock=lock, box_id=box_id, **place)  # type: ignore[arg-type]
        record.by(actor, "people:guest:registered")
    return row, number


def _free_number(db: Session) -> str:
    """Return a number no student has: G and seven digits, drawn at random."""
    while True:
        number = f"G{secrets.randbelow(9_000_000) + 1_000_000}"
        if db.scalar(select(Student.student_id).where(Student.login_tag == login_tag(house_of(db), number))) is None:
            return number


def join_ids(db: Session, *, actor: SignedIn, student_no: str, client_id: UUID) -> UUID:
    """Put a second `client_id` of the same person into the student's card; return the row. Account world only.

    While the student has not activated, the id that has made contact becomes the current one, so that the later account
    finds what was begun without it; afterwards the account's own id stays current.

    :raises InvalidError: ``student_no``, not on the roll.

    Records: ``people:ids:joined`` without saying whose.
    """
    require(db, actor, Permission.NAME_REVEAL)
    keyring = keys_of(db, actor)
    tag = login_tag(house_of(db), student_no)
    with recording(db) as record:
        row = db.scalar(select(Student).where(Student.login_tag == tag))
        if row is None:
            raise InvalidError(student_no="not_on_roll")
        card = student_card(db, keyring, row)
        others = tuple(known for known in card.client_ids if known != client_id.hex)
        active = db.scalar(select(Account.status).where(Account.login_tag == tag)) == "active"
        joined = (*others, client_id.hex) if active else (client_id.hex, *others)
        if joined != card.client_ids:
            rewrite_student(db, keyring, row, replace(card, client_ids=joined))
        record.by(actor, "people:ids:joined")
    return row.student_id


def ids_of_person(db: Session, *, actor: SignedIn, student_id: str) -> tuple[UUID, ...]:
    """Return every `client_id` of the person a client's card points to; empty for a guest without a row."""
    if not student_id:
        return ()
    _row, card = find_student(db, keys_of(db, actor), UUID(student_id))
    return tuple(UUID(known) for known in card.client_ids)
