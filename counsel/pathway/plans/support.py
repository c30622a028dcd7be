"""Support contacts: teachers, parents and others who join by name, each with the client's own yes and a scope (篇9 一6; R9-06).

What stands here is also the written release behind a disclosure the client wishes (EX5): named recipient, purpose, parts, end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from counsel.access.gate import keys_of
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.telling import CEILING, To
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, UnreadableError
from counsel.keys.boxes import open_box
from counsel.pathway.cases.agreement import GUARDIAN, agreed_to
from counsel.pathway.cases.dossier import SUPPORT, write_form
from counsel.pathway.cases.models import Case
from counsel.pathway.intake.consent import CHILD, age_of
from counsel.people.cards import client_cards
from counsel.people.exclusions import excluded_for
from counsel.records.models import Item
from counsel.records.services import items_in, newest_number, open_bodies

SCOPE = tuple(str(part) for part in CEILING[To.NAMED])
RELATIONS = ("class_teacher", "teacher", "parent", "relative", "friend", "professional", "other")


@dataclass(frozen=True)
class Supporter:
    """One support contact. `stands` while the client, and by age a guardian, stand by it and its end has not come."""

    item: Item
    content: Mapping[str, Any]
    agreed: bool
    guardian_due: bool
    stands: bool


def write_supporter(
    db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int, sign: bool, number: int
) -> None:
    """Save the draft of a support contact, or sign it for the client to answer; nothing is shared by it alone.

    :raises InvalidError: an unknown part or relation, an end that has passed, somebody who must hear nothing.

    Records: ``pathway:support:drafted`` or ``:signed``. Rule: 篇9 一6; R9-06.
    """
    if sign:
        _check(db, actor, case, content)
    place = {"content": {**content, "until": str(content.get("until") or "")}, "seen_version": seen_version, "sign": sign}
    write_form(db, actor=actor, case=case, kind=SUPPORT, number=number, **place)  # type: ignore[arg-type]


def _check(db: Session, actor: SignedIn, case: Case, content: Mapping[str, Any]) -> None:
    problems = {}
    if not set(content.get("scope") or ()) <= set(SCOPE):
        problems["scope"] = "unknown"
    if content.get("relation") not in RELATIONS:
        problems["relation"] = "unknown"
    until = content.get("until")
    if not isinstance(until, date) or until < today(house_of(db).settings.time_zone):
        problems["until"] = "past"
    excluded = excluded_for(db, actor=actor, client_id=case.client_id)
    if any(person.is_meant(str(content.get("name") or "")) for person in excluded):
        problems["name"] = "excluded"
    if problems:
        raise InvalidError(**problems)


def newest_supporter(db: Session, case: Case) -> int:
    """Return the highest number of a case's support contacts, drafts included; 0 without any."""
    return newest_number(db, case.shared_box_id, SUPPORT.code)


def supporters(db: Session, *, actor: SignedIn, case: Case) -> list[Supporter]:
    """Open a case's support contacts, the newest first; the caller has passed the gate.

    Records: ``pathway:support:read``.
    """
    items = [item for item in items_in(db, [case.shared_box_id]) if item.kind == SUPPORT.code and item.state == "signed"]
    with recording(db) as record:
        found = [_supporter(db, actor, case, item) for item in items]
        record.by(actor, "pathway:support:read", subject_id=case.client_id, object_id=case.case_id)
    return sorted(found, key=lambda one: -one.item.number)


def _supporter(db: Session, actor: SignedIn, case: Case, item: Item) -> Supporter:
    content = open_bodies(db, box=open_box(db, keys_of(db, actor), case.shared_box_id), item=item)[0]
    agreed = agreed_to(db, actor=actor, case=case, item=item) is not None
    child = _is_child(db, actor, case)
    guardian = not child or agreed_to(db, actor=actor, case=case, item=item, party=GUARDIAN) is not None
    ended = date.fromisoformat(content["until"]) < today(house_of(db).settings.time_zone)
    excluded = any(one.is_meant(content["name"]) for one in excluded_for(db, actor=actor, client_id=case.client_id))
    return Supporter(item, content, agreed, not guardian, agreed and guardian and not ended and not excluded)


def _is_child(db: Session, actor: SignedIn, case: Case) -> bool:
    """Return whether a guardian must agree too: below 14, or when the birth date is unknown (PIPL 31)."""
    try:
        age = age_of(db, client_cards(db, keys_of(db, actor), [case.client_id])[case.client_id])
    except UnreadableError:
        return True
    return age is None or age < CHILD


def released(db: Session, *, actor: SignedIn, case: Case, item_id: UUID | None) -> Mapping[str, Any] | None:
    """Return what the client has released to a named person, as long as everybody stands by it, else None."""
    item = db.get(Item, item_id) if item_id is not None else None
    if item is None or (item.box_id, item.kind, item.state) != (case.shared_box_id, SUPPORT.code, "signed"):
        return None
    found = _supporter(db, actor, case, item)
    return found.content if found.stands else None
