"""Search one's own cases: opened and looked through in memory, case by case; there is no index that could tell words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.rules import Permission
from counsel.core.errors import UnreadableError
from counsel.keys.boxes import open_box
from counsel.keys.bundle import Keyring
from counsel.pathway.cases.models import Case
from counsel.people.cards import client_cards
from counsel.records.services import scan_bodies

AROUND = 40


@dataclass(frozen=True)
class Find:
    """One place where the words stand. `kind` is empty for a name."""

    case: Case
    kind: str
    number: int
    before: str
    words: str
    after: str


def search_own(db: Session, *, actor: SignedIn, words: str) -> Iterator[Find]:
    """Return finds in the actor's own cases, open and closed, the newest case first, as they come.

    The rule, the keys and the audit line come before the first of them.

    Records: ``pathway:search:run``, one line before anything is opened, without the words. Rule: 篇4 三.
    """
    require(db, actor, Permission.CASE_LIST)
    keyring = keys_of(db, actor)
    with recording(db) as record:
        record.by(actor, "pathway:search:run")
    return _look(db, actor, keyring, words.casefold())


def _look(db: Session, actor: SignedIn, keyring: Keyring, wanted: str) -> Iterator[Find]:
    query = select(Case).where(Case.counsellor_id == actor.holder_id, Case.state != "archived")
    cases = db.scalars(query.order_by(Case.case_no.desc())).all()
    names = client_cards(db, keyring, [case.client_id for case in cases])
    for case in cases:
        card = names.get(case.client_id)
        if card is not None and wanted in card.name.casefold():
            yield Find(case, "", 0, "", card.name, "")
        for box_id in (case.box_id, case.shared_box_id):
            yield from _in_box(db, keyring, case, box_id, wanted)


def _in_box(db: Session, keyring: Keyring, case: Case, box_id: UUID, wanted: str) -> Iterator[Find]:
    try:
        box = open_box(db, keyring, box_id)
    except UnreadableError:
        return
    for kind, number, content in scan_bodies(db, box=box):
        for text in _texts(content):
            at = text.casefold().find(wanted)
            if at >= 0:
                end = at + len(wanted)
                yield Find(case, kind, number, text[max(0, at - AROUND) : at], text[at:end], text[end : end + AROUND])
                break


def _texts(content: Any) -> Iterator[str]:
    values = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    for value in values:
        if isinstance(value, str):
            yield value
        else:
            yield from _texts(value)
