"""Whose names stand in a text: before something leaves the room, other people in it are pointed out (domain §3.4)."""

import json
from collections.abc import Iterable
from contextlib import suppress
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import names_of
from counsel.access.gate import keys_of
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.core.database import house_of
from counsel.core.errors import UnreadableError
from counsel.crypto.blob import Kind
from counsel.crypto.context import Place
from counsel.keys.bundle import Keyring
from counsel.keys.many import open_boxes
from counsel.keys.trust import group_id
from counsel.people.models import Student

SHORTEST = 2


def other_names_in(db: Session, *, actor: SignedIn, texts: Iterable[str], but: Iterable[str] = ()) -> list[str]:
    """Return the names of students, guardians and colleagues that occur in some texts, except those in `but`.

    Every card of the roll is opened for it, n openings in one go; nothing of them is returned but what stands in the texts.

    Records: ``people:names:compared``.
    """
    whole, known = "\n".join(texts), set(but)
    if not whole.strip():
        return []
    with recording(db) as record:
        names = _staff_names(db) | _roll_names(db, actor)
        record.by(actor, "people:names:compared")
    return sorted(name for name in names - known if len(name) >= SHORTEST and name in whole)


def sees_the_roll(db: Session, *, actor: SignedIn) -> bool:
    """Return whether the actor's keys open the roll's cards; without them pupils' names cannot be looked for."""
    keyring = keys_of(db, actor)
    _find_groups(keyring)
    return group_id(house_of(db), "office") in keyring.groups


def _find_groups(keyring: Keyring) -> None:
    """Have the groups' keys at hand: cards open through `office`, never by an own grant."""
    if keyring.find_groups is not None:
        find, keyring.find_groups = keyring.find_groups, None
        find()


def _staff_names(db: Session) -> set[str]:
    found = set()
    for row in db.scalars(select(Account).where(Account.kind == "staff", Account.status != "dismissed")):
        with suppress(UnreadableError):
            found.add(names_of(house_of(db), row).display)
    return found


def _roll_names(db: Session, actor: SignedIn) -> set[str]:
    keyring = keys_of(db, actor)
    _find_groups(keyring)
    students = db.scalars(select(Student)).all()
    sealed: list[tuple[UUID | None, bytes | None, str, Student]] = []
    for row in students:
        sealed.append((row.card_box_id, row.card_sealed, "students", row))
        sealed.append((row.news_box_id, row.news_sealed, "students/news", row))
        sealed.append((row.guardians_box_id, row.guardians_sealed, "students/guardians", row))
    boxes = open_boxes(db, keyring, [box_id for box_id, *_rest in sealed if box_id is not None], keep=False)
    found: set[str] = set()
    for box_id, blob, table, row in sealed:
        with suppress(UnreadableError):  # one spoilt card holds up nobody's alarm
            if box_id in boxes and blob is not None:
                plain = boxes[box_id].unseal(blob, Kind.IDENTITY, Place(table, row.student_id, 0, row.student_id))
                found |= _names(json.loads(plain))
    return found


def _names(card: dict[str, object] | list[dict[str, str]]) -> set[str]:
    """Return the names of a card, or of a list of guardians."""
    people = card if isinstance(card, list) else [card, *card.get("contacts", [])]  # type: ignore[misc]
    return {str(person.get("name", "")).strip() for person in people} - {""}
