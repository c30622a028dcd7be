"""What the client agrees to, and how: own sign-in, in the room on a locked page, by telephone, on paper (design §2).

An agreement names the exact text: item, revision and the digest of its sealed bytes, in an item signed by whoever recorded
it: the client's own keys for an own sign-in, the counsellor's otherwise. Evidence rests on the opened item, never on the row.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError
from counsel.core.rows import Prepared
from counsel.core.told import told
from counsel.crypto.derive import digest
from counsel.keys.boxes import OpenBox, open_box
from counsel.keys.bundle import Keyring
from counsel.keys.rotation import open_to_add
from counsel.pathway.cases.dossier import Form
from counsel.pathway.cases.models import PARTIES, WAYS, Agreement, Case
from counsel.pathway.cases.services import case_facts, writing_box
from counsel.records.models import Body, Item
from counsel.records.services import item_of, open_bodies, write_signed

KIND = "agree"
ASKED = "asked"  # a referral rests on the answer to it
OWN, IN_ROOM, ON_PAPER = "own_sign_in", "in_room", "on_paper"
THE_CLIENT, GUARDIAN = PARTIES
LONGEST_PLACE = 200
ANSWERS = Prepared(select(Agreement).where(Agreement.item_id == bindparam("item")).order_by(Agreement.number))


def record_agreement(
    db: Session,
    *,
    actor: SignedIn,
    case: Case,
    item: Item,
    way: str,
    agreed: bool,
    words: str = "",
    sheet_place: str = "",
    points: Mapping[str, bool] | None = None,
    party: str = THE_CLIENT,
) -> Agreement:
    """Record what the client, or a guardian, said to a signed form: in the room, by telephone or on paper.

    A no is taken down for as long as the case lies here: what was agreed can be taken back after counselling has ended.

    :param points: the answer to each negotiated point; the whole is agreed when all of them are.
    :param sheet_place: where the signed sheet lies, for paper.
    :param words: for a guardian, who it is.
    :raises InvalidError: an unknown way, paper without its place, a guardian without a name.
    :raises ConflictError: a form that is not signed.

    Records: ``pathway:agreement:recorded``. Rule: 篇9 二2; 篇10 四.
    """
    permission = Permission.CASE_WRITE if agreed else Permission.CASE_FOLLOW_UP
    require(db, actor, permission, case_facts(db, case), object_id=case.case_id)
    if way not in WAYS or way == OWN:
        raise InvalidError(way="unknown")
    if way == ON_PAPER and not sheet_place.strip():
        raise InvalidError(sheet_place="empty")
    if party == GUARDIAN and not words.strip():
        raise InvalidError(words="empty")
    place = told("sheet_place", sheet_place, most=LONGEST_PLACE, needed=False)
    said = _said(agreed, words, points) | {"way": way, "sheet_place": place, "by": actor.name, "party": party}
    with recording(db):
        box = writing_box(db, actor=actor, case=case, shared=True)
        return _write(db, actor, keys_of(db, actor), case, box, item, said)


def _said(agreed: bool, words: str, points: Mapping[str, bool] | None) -> dict[str, Any]:
    whole = agreed and all((points or {}).values())
    return {"agreed": whole, "words": told("words", words, needed=False), "points": dict(points or {})}


def agree_oneself(
    db: Session,
    *,
    actor: SignedIn,
    case: Case,
    item: Item,
    agreed: bool,
    words: str = "",
    points: Mapping[str, bool] | None = None,
) -> Agreement:
    """The client answers a form in the own sign-in, with the own key.

    :raises ConflictError: ``stale_form``, when the form is not signed or was changed meanwhile.

    Records: ``pathway:agreement:recorded``. Rule: 篇9 二2, 二3.
    """
    require(db, actor, Permission.FILE_OWN, Facts(client_id=case.client_id), object_id=case.case_id)
    keyring = keys_of(db, actor)
    said = _said(agreed, words, points) | {"way": OWN, "sheet_place": "", "by": "", "party": THE_CLIENT}
    with recording(db):
        box = open_to_add(db, keyring, case.shared_box_id)  # a reader who left must not keep the client from saying no
        return _write(db, actor, keyring, case, box, item, said)


def _write(
    db: Session, actor: SignedIn, keyring: Keyring, case: Case, box: OpenBox, item: Item, said: dict[str, Any]
) -> Agreement:
    db.refresh(item, with_for_update=True)
    if item.box_id != case.shared_box_id or item.state != "signed":
        raise ConflictError("stale_form")
    number = 1 + (db.scalar(select(func.max(Agreement.number)).where(Agreement.case_id == case.case_id)) or 0)
    content = {**said, "subject": item.kind, "item": item.item_id.hex, "revision": item.revision, "digest": _digest(db, item)}
    write_signed(db, box=box, kind=KIND, keyring=keyring, content=content, number=number)
    row = Agreement(
        case_id=case.case_id,
        number=number,
        subject=item.kind,
        item_id=item.item_id,
        revision=item.revision,
        way=said["way"],
        party=said["party"],
        agreed=said["agreed"],
        on_day=today(house_of(db).settings.time_zone),
    )
    db.add(row)
    with recording(db) as record:
        record.by(
            actor,
            "pathway:agreement:recorded",
            subject_id=case.client_id,
            object_id=item.item_id,
            detail=f"{item.kind} {said['party']} {said['way']} {('yes' if said['agreed'] else 'no')}",
        )
    return row


def _digest(db: Session, item: Item) -> str:
    bodies = db.scalars(select(Body).where(Body.item_id == item.item_id, Body.revision > 0).order_by(Body.revision))
    return digest(*(body.sealed for body in bodies)).hex()


def newest_answer(db: Session, item_id: UUID, party: str = THE_CLIENT) -> Agreement | None:
    """Return somebody's newest answer to a form, yes or no, or None."""
    return newest_answers(db, item_id).get(party)


def newest_answers(db: Session, item_id: UUID) -> dict[str, Agreement]:
    """Return everybody's newest answer to a form, by party."""
    return {row.party: row for row in ANSWERS.all(db, item=item_id)}


def answers_of(db: Session, case: Case, party: str = THE_CLIENT) -> dict[UUID, Agreement]:
    """Return somebody's newest answer to each form of a case, by item."""
    query = select(Agreement).where(Agreement.case_id == case.case_id, Agreement.party == party)
    return {row.item_id: row for row in db.scalars(query.order_by(Agreement.number))}


def agreed_to(db: Session, *, actor: SignedIn, case: Case, item: Item | None, party: str = THE_CLIENT) -> Item | None:
    """Return the item of the newest answer when it is a yes to exactly this text, else None; opens it to be sure."""
    row = newest_answer(db, item.item_id, party) if item is not None else None
    if item is None or row is None or not row.agreed or row.revision != item.revision:
        return None
    said = answer_words(db, actor=actor, case=case, number=row.number)
    wanted = (item.item_id.hex, _digest(db, item), True, party)
    fits = (said.get("item"), said.get("digest"), said.get("agreed"), said.get("party", THE_CLIENT)) == wanted
    return item_of(db, case.shared_box_id, KIND, row.number) if fits else None


def may_refer(db: Session, *, actor: SignedIn, case: Case, said: Form) -> bool:
    """Return whether a signed referral rests on something: the client's yes to it, a limit, a refusal with a witness (R7-10)."""
    if not said.signed:
        return False
    by_itself = said.content.get("consent") != ASKED or said.content.get("receipt") == "refused"
    return by_itself or agreed_to(db, actor=actor, case=case, item=said.item) is not None


def answer_words(db: Session, *, actor: SignedIn, case: Case, number: int) -> dict[str, Any]:
    """Open one answer: what was said, how, and where the sheet lies. The caller's page has its audit line."""
    item = item_of(db, case.shared_box_id, KIND, number)
    if item is None:
        return {}
    return open_bodies(db, box=open_box(db, keys_of(db, actor), case.shared_box_id), item=item)[0]
