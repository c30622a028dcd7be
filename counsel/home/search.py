"""Search one's own cases: opened and looked through in memory, case by case; there is no index that could tell words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.keys.bundle import Keyring
from counsel.keys.many import open_boxes_again
from counsel.pathway.cases.models import Case
from counsel.people.cards import ClientCard, client_cards
from counsel.records.services import boxes_written_in, scan_bodies

AROUND, CODES = 40, ("format", "mode")  # fields that hold a code and nothing anybody wrote
CaseRow = Any  # case_id, case_no, client_id and the two boxes, as read
AT_ONCE = 40  # cases opened together; the first finds stand there while the next are looked through


@dataclass(frozen=True)
class Find:
    """One place where the words stand. `kind` is empty for a name."""

    case: CaseRow
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
    columns = (Case.case_id, Case.case_no, Case.client_id, Case.box_id, Case.shared_box_id)
    query = select(*columns).where(Case.counsellor_id == actor.holder_id, Case.state != "archived")
    with recording(db) as record:  # names opened in a write transaction open without the asymmetric key the next time
        record.by(actor, "pathway:search:run")
        cases = db.execute(query.order_by(Case.case_no.desc())).all()
        cards = client_cards(db, keyring, [case.client_id for case in cases])
    return _look(db, keyring, cases, cards, words.casefold())


def _look(
    db: Session, keyring: Keyring, cases: Sequence[CaseRow], cards: Mapping[UUID, ClientCard], wanted: str
) -> Iterator[Find]:
    for case in cases:
        card = cards.get(case.client_id)
        if card is not None and wanted in card.name.casefold():
            yield Find(case, "", 0, "", card.name, "")
    for start in range(0, len(cases), AT_ONCE):
        yield from _words(db, keyring, cases[start : start + AT_ONCE], wanted)


def _words(db: Session, keyring: Keyring, cases: Sequence[CaseRow], wanted: str) -> Iterator[Find]:
    case_of = {box_id: case for case in cases for box_id in (case.box_id, case.shared_box_id)}
    written = boxes_written_in(db, case_of)
    for box_id, kind, number, content in scan_bodies(db, boxes=open_boxes_again(db, keyring, written), words=wanted):
        for text in _texts(content):
            at = text.casefold().find(wanted)
            if at >= 0:
                end = at + len(wanted)
                place = (text[max(0, at - AROUND) : at], text[at:end], text[end : end + AROUND])
                yield Find(case_of[box_id], kind, number, *place)
                break


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        values = [value for name, value in content.items() if name not in CODES]
    else:
        values = content if isinstance(content, list) else []
    for value in values:
        if isinstance(value, str):
            yield value
        else:
            yield from _texts(value)
