"""The client's own view of the file: forms to read and to answer, goals, homework, the evaluation, the way out (篇9 二)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import UnreadableError
from counsel.keys.boxes import open_box
from counsel.pathway.cases.agreement import newest_answer
from counsel.pathway.cases.dossier import ANSWERED, EACH
from counsel.pathway.cases.lifecycle import ACTIVE
from counsel.pathway.cases.models import Agreement, Case
from counsel.pathway.cases.services import case_at
from counsel.pathway.closing.evaluation import evaluation_of
from counsel.pathway.closing.models import Evaluation, FollowUp
from counsel.pathway.closing.services import follow_ups_of
from counsel.pathway.plans.services import own_goals
from counsel.pathway.sessions.homework import Assignment, homework_of
from counsel.records.models import Item
from counsel.records.services import items_in, open_bodies

READABLE = ("F02", "F05", "safety", "F08", "handover", "F11", "support", "F13")


@dataclass(frozen=True)
class OwnForm:
    """A form the client may read, and what the client has said to it."""

    item: Item
    answer: Agreement | None
    waits: bool


@dataclass(frozen=True)
class OwnFile:
    """One case as its client sees it. `readable` is false until the counsellor has shared again after new keys."""

    case: Case
    active: bool
    readable: bool
    forms: tuple[OwnForm, ...] = ()
    goals: str = ""
    homework: tuple[Assignment, ...] = ()
    evaluation: Evaluation | None = None
    follow_ups: tuple[FollowUp, ...] = ()


def own_files(db: Session, *, actor: SignedIn) -> list[OwnFile]:
    """Return the client's own cases, the newest first.

    Records: ``file:own:read`` for each that is opened. Rule: 篇9 二3; 篇4 一.
    """
    require(db, actor, Permission.FILE_OWN, Facts(client_id=actor.client_id))
    query = select(Case).where(Case.client_id == actor.client_id).order_by(Case.case_no.desc())
    return [_own_file(db, actor, case) for case in db.scalars(query)]


def _own_file(db: Session, actor: SignedIn, case: Case) -> OwnFile:
    active = case.state in ACTIVE
    keyring = keys_of(db, actor)
    with recording(db) as record:
        try:
            open_box(db, keyring, case.shared_box_id)
        except UnreadableError:
            return OwnFile(case, active, False)
        goals = own_goals(db, actor=actor, case=case)
        found = OwnFile(
            case,
            active,
            True,
            tuple(_forms(db, case)),
            goals[1] if goals else "",
            tuple(homework_of(db, actor=actor, case=case)),
            evaluation_of(db, case),
            tuple(follow_ups_of(db, case)),
        )
        record.line(
            "file:own:read", role=actor.role, actor_id=actor.client_id, subject_id=actor.client_id, object_id=case.case_id
        )
    return found


def _forms(db: Session, case: Case) -> list[OwnForm]:
    rows = [item for item in items_in(db, [case.shared_box_id]) if item.kind in READABLE and item.state == "signed"]
    newest = {item.kind: item.number for item in sorted(rows, key=lambda item: item.number)}
    found = []
    for item in rows:
        answer = newest_answer(db, item.item_id)
        asked = item.kind in ANSWERED and (item.number == newest[item.kind] or item.kind in EACH) and case.state in ACTIVE
        fresh = answer is not None and answer.revision == item.revision  # a text that was added to is asked anew
        found.append(OwnForm(item, answer if fresh else None, asked and not fresh))
    return found


def own_case(db: Session, *, actor: SignedIn, case_id: UUID | None) -> Case:
    """Return one of the client's own cases, or refuse as if it were absent."""
    case = case_at(db, case_id)
    require(db, actor, Permission.FILE_OWN, Facts(client_id=case.client_id) if case else None, object_id=case_id)
    assert case is not None
    return case


def own_form(db: Session, *, actor: SignedIn, case: Case, item_id: UUID | None) -> tuple[Item, list[dict[str, Any]]]:
    """Open one signed form of an own case, with what was added to it.

    Records: ``file:own:read``. Rule: 篇9 二3.
    """
    item = db.get(Item, item_id) if item_id is not None else None
    mine = item is not None and item.box_id == case.shared_box_id and item.kind in READABLE and item.state == "signed"
    require(db, actor, Permission.FILE_OWN, Facts(client_id=case.client_id) if mine else None, object_id=item_id)
    assert item is not None
    with recording(db) as record:
        texts = open_bodies(db, box=open_box(db, keys_of(db, actor), case.shared_box_id), item=item)
        record.line(
            "file:own:read", role=actor.role, actor_id=actor.client_id, subject_id=actor.client_id, object_id=item.item_id
        )
    return item, texts
