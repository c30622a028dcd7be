"""Write F07 and the safety plan; what a record of danger ends and sets going (篇4 五; R4-16)."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.rules import Permission
from counsel.core.errors import TransitionError
from counsel.pathway.cases.countersign import ask_second_signature
from counsel.pathway.cases.dossier import CRISIS, SAFETY, write_form
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_facts, cover_of, held
from counsel.records.services import items_in
from counsel.risk.cards import write_card
from counsel.risk.clocks import WATCHED
from counsel.tasks.services import end_tasks

CODE = "F07"


def newest_of(db: Session, case: Case, kind: str) -> tuple[int, bool]:
    """Return (number of the newest form of a kind, whether it is signed); (1, False) when there is none yet."""
    items = [item for item in items_in(db, [case.box_id, case.shared_box_id]) if item.kind == kind]
    newest = max(items, key=lambda item: item.number, default=None)
    return (newest.number, newest.state == "signed") if newest is not None else (1, False)


def write_crisis(
    db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int, sign: bool, number: int
) -> None:
    """Save a draft of F07, or sign it: the task for it ends, duty gets the card, a second person is asked to sign.

    The level is the server's own. That nobody else could sign holds up nothing: the record comes first.

    Records: ``pathway:f07:drafted`` or ``:signed``, ``risk:card:written``. Rule: 篇4 五; R4-16.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    with held(db, case):
        level = cover_of(db, actor=actor, case=case).level
        full = {**content, "level": level}
        write_form(db, actor=actor, case=case, kind=CRISIS, content=full, seen_version=seen_version, sign=sign, number=number)
        if not sign:
            return
        end_tasks(db, object_id=case.case_id, kind="report", outcome="recorded")
        if level >= WATCHED:
            _put_card(db, actor, case, full)
        with suppress(TransitionError):
            said = {"code": CODE, "level": level, "reason": f"{content.get('why')}\n{content.get('measures')}", "by": actor.name}
            ask_second_signature(db, actor=actor, client_id=case.client_id, object_id=case.case_id, content=said)


def _put_card(db: Session, actor: SignedIn, case: Case, said: Mapping[str, Any]) -> None:
    wanted = ("level", "duty_needs", "reach", "who_stays", "protective")
    content = {name: said.get(name) for name in wanted} | {"case_no": case.case_no, "by": actor.name}
    write_card(db, actor=actor, client_id=case.client_id, content=content)


def write_safety_plan(
    db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int, sign: bool, number: int
) -> None:
    """Save a draft of the safety plan, or sign it: then it lies on the client's own page, to read and to print.

    Records: ``pathway:safety:drafted`` or ``:signed``. Rule: 篇4 五.
    """
    place = {"content": content, "seen_version": seen_version, "sign": sign, "number": number}
    write_form(db, actor=actor, case=case, kind=SAFETY, **place)  # type: ignore[arg-type]
