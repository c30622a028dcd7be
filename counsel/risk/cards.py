"""Safety cards: sealed to `duty`, so that whoever has duty can act at night; the director's watch list is the same cards.

A card is written anew as a whole. One that has ended loses its row at once and its lock at the next sweep: then no copy of
it opens any more.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now, today
from counsel.core.database import house_of, writing
from counsel.core.errors import UnreadableError
from counsel.crypto.blob import Kind
from counsel.crypto.context import Place
from counsel.keys.boxes import create_box, open_box
from counsel.keys.bundle import Keyring
from counsel.keys.groups import group_reader
from counsel.keys.locks import erase_lock
from counsel.keys.models import Box, Grant
from counsel.people.cards import ClientCard, client_cards
from counsel.people.conflicts import closed_to
from counsel.risk.models import SafetyCard
from counsel.tasks.models import Task
from counsel.tasks.services import SHOWN_DAYS, end_tasks


@dataclass(frozen=True)
class Watched:
    """A card as duty sees it: who it is and what to know; None for what does not open."""

    client_id: UUID
    client: ClientCard | None
    content: Mapping[str, Any] | None
    since: Any


def write_card(db: Session, *, actor: SignedIn, client_id: UUID, content: Mapping[str, Any]) -> None:
    """Put a client's card, in place of an earlier one, inside the caller's transaction; the caller has passed the gate.

    When `duty` has no key that may be trusted the earlier card stays: what a card tells about must be recorded all the same.

    Records: ``risk:card:written``, or ``:failed``. Rule: 篇4 五; domain §3.3.
    """
    with recording(db) as record:
        try:
            duty = group_reader(db, "duty", "safety")
        except UnreadableError:
            record.by(actor, "risk:card:failed", subject_id=client_id)
            return
        end_card(db, client_id)
        box = create_box(db, kind="safety", readers=[duty], granter=keys_of(db, actor))
        plain = json.dumps(dict(content), ensure_ascii=False).encode()
        sealed = box.seal(plain, Kind.FORM, Place("safety_cards", client_id, 1, client_id))
        day = today(house_of(db).settings.time_zone)
        db.add(SafetyCard(client_id=client_id, box_id=box.box_id, sealed=sealed, on_day=day))
        db.flush()
        record.by(actor, "risk:card:written", subject_id=client_id)


def raise_card(db: Session, *, actor: SignedIn, client_id: UUID, level: int, content: Mapping[str, Any]) -> None:
    """Put a card at once when a level rises, with what an earlier one said; the crisis record, which is due, fills it.

    Records: ``risk:card:written``.
    """
    row = db.get(SafetyCard, client_id, populate_existing=True)
    before = _opened(db, keys_of(db, actor), row) if row is not None else None
    write_card(db, actor=actor, client_id=client_id, content={**(before or {}), **content, "level": level, "due": True})


def end_card(db: Session, client_id: UUID) -> None:
    """End a client's card, inside the caller's transaction; needs no key."""
    db.execute(delete(SafetyCard).where(SafetyCard.client_id == client_id))


def has_card(db: Session, client_id: UUID) -> bool:
    """Return whether duty holds a card."""
    return db.get(SafetyCard, client_id, populate_existing=True) is not None


def is_watched(db: Session, client_id: UUID | None) -> bool:
    """Return whether duty has been told about a client: a safety card lies there, or a contact is due in the coming week."""
    if client_id is None:
        return False
    soon = now() + timedelta(days=SHOWN_DAYS)
    waiting = select(Task.task_id).where(Task.client_id == client_id, Task.kind == "contact", Task.ended_on.is_(None))
    alarms = waiting.where(Task.due_at <= soon)
    return has_card(db, client_id) or db.scalar(alarms.limit(1)) is not None


def count_cards(db: Session, *, actor: SignedIn) -> int:
    """Return how many cards there are: a figure for the duty page, nothing is opened."""
    require(db, actor, Permission.TASK_LIST)
    return len(_cards_for(db, actor))


def cards_unseen(db: Session, *, actor: SignedIn) -> int:
    """Return how many clients' cards duty or the director must still look at within their clock; nothing is opened."""
    closed = closed_to(db, actor.holder_id)
    waiting = select(Task.client_id).where(Task.kind == "inform", Task.ended_on.is_(None), Task.object_id == Task.client_id)
    return len({client_id for client_id in db.scalars(waiting) if client_id not in closed})


def _cards_for(db: Session, actor: SignedIn) -> list[SafetyCard]:
    rows = select(SafetyCard).where(SafetyCard.client_id.not_in(closed_to(db, actor.holder_id)))
    return list(db.scalars(rows.order_by(SafetyCard.on_day.desc(), SafetyCard.client_id)))


def read_cards(db: Session, *, actor: SignedIn) -> list[Watched]:
    """Open every card, the newest first, but none of a client one is kept away from; each client sees that somebody looked.

    What does not open is shown as such and hides no other.

    Records: ``risk:card:read`` for each. Rule: 篇4 五.
    """
    require(db, actor, Permission.SAFETY_READ)
    keyring, found = keys_of(db, actor), []
    with recording(db) as record:
        for row in _cards_for(db, actor):
            found.append(Watched(row.client_id, _name(db, keyring, row.client_id), _opened(db, keyring, row), row.on_day))
            end_tasks(db, object_id=row.client_id, kind="inform", outcome="seen")
            record.by(actor, "risk:card:read", subject_id=row.client_id)
    return found


def _opened(db: Session, keyring: Keyring, row: SafetyCard) -> dict[str, Any] | None:
    try:
        box = open_box(db, keyring, row.box_id)
        plain = box.unseal(row.sealed, Kind.FORM, Place("safety_cards", row.client_id, 1, row.client_id))
    except UnreadableError:
        return None
    content: dict[str, Any] = json.loads(plain)
    return content


def _name(db: Session, keyring: Keyring, client_id: UUID) -> ClientCard | None:
    try:
        return client_cards(db, keyring, [client_id]).get(client_id)
    except UnreadableError:
        return None


def forget_ended_cards(db: Session) -> str:
    """Erase the locks of cards that have ended, then their boxes; a crash in between leaves a box for the next time."""
    kept = select(SafetyCard.box_id)
    ended = db.scalars(select(Box.box_id).where(Box.kind == "safety", Box.box_id.not_in(kept))).all()
    for box_id in ended:
        erase_lock(house_of(db), box_id)
    with writing(db):
        db.execute(delete(Grant).where(Grant.box_id.in_(ended)))
        db.execute(delete(Box).where(Box.box_id.in_(ended)))
    return f"{len(ended)} cards"
