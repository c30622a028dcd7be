"""Agree a plan: order, goals, method, number and times, point by point; T13 with both agreements, T16 when it must change.

Goals are the client's own: their newest words stand beside the plan, and the client may change them at any time (篇9 二3).
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import InvalidError, TransitionError
from counsel.core.told import told
from counsel.keys.boxes import open_box
from counsel.pathway.cases.agreement import agreed_to
from counsel.pathway.cases.dossier import ASSESSMENT, PLAN, read_form, write_form
from counsel.pathway.cases.evidence import Evidence, FormBefore, PlanAgreed, ReasonGiven
from counsel.pathway.cases.lifecycle import ACTIVE
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.moving import move, superseded
from counsel.pathway.cases.services import held
from counsel.records.models import Item
from counsel.records.services import items_in, newest_number, open_bodies, write_signed

POINTS = ("order", "goals", "method", "times")  # negotiated one by one (R10-08)
GOALS = "goals"
REPLAN_REASONS = ("new_concern", "no_progress", "client_wish", "risk", "other")


def plan_number(db: Session, case: Case) -> int:
    """Return the number of the plan in hand: the newest, or 1."""
    return max((item.number for item in _plans(db, case)), default=1)


def _plans(db: Session, case: Case) -> list[Item]:
    return [item for item in items_in(db, [case.shared_box_id]) if item.kind == PLAN.code]


def write_plan(
    db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int, sign: bool, number: int
) -> None:
    """Save a draft of F05, or sign it for the client to answer.

    :raises InvalidError: the support network was not considered (R9-06): whom, or why nobody.

    Records: ``pathway:f05:drafted`` or ``:signed``. Rule: 篇10 四; 篇9 一6.
    """
    write_form(db, actor=actor, case=case, kind=PLAN, content=content, seen_version=seen_version, sign=sign, number=number)


def finish_plan(db: Session, *, actor: SignedIn, case: Case) -> None:
    """T13: begin counselling on a plan that both sides agreed, point by point.

    :raises TransitionError: ``G7`` while it is unsigned, or the client has not said yes to this very text.

    Rule: 篇10 四; R10-08, R10-09, R10-10.
    """
    with held(db, case):
        move(db, actor=actor, case=case, to="counselling", evidence=evidence_of_plan(db, actor=actor, case=case))


def evidence_of_plan(db: Session, *, actor: SignedIn, case: Case) -> list[Evidence]:
    """Return G7 when the newest plan is signed, the client said yes to this very text, and it has not been left behind."""
    form = read_form(db, actor=actor, case=case, kind=PLAN, number=plan_number(db, case))
    yes = agreed_to(db, actor=actor, case=case, item=form.item) if form.signed else None
    fresh = yes is not None and not superseded(db, case.case_id, form.item_id)
    return [PlanAgreed("G7", form.item_id)] if fresh else []


def plan_anew(db: Session, *, actor: SignedIn, case: Case, to: str, reason: str) -> None:
    """T16: back to planning or assessment, with the reason from the closed list; a further plan is then agreed.

    :raises InvalidError: no such reason. Rule: 篇10 四.
    """
    if reason not in REPLAN_REASONS:
        raise InvalidError(reason="unknown")
    target = to if to in ("planning", "assessment") else "planning"
    kinds = (PLAN.code, ASSESSMENT.code) if target == "assessment" else (PLAN.code,)
    with held(db, case):
        before = forms_before(db, case, kinds)
        move(db, actor=actor, case=case, to=target, evidence=[ReasonGiven("WHY", case.case_id), *before], reason=reason)


def forms_before(db: Session, case: Case, kinds: tuple[str, ...]) -> list[FormBefore]:
    """Return OLD for the newest signed form of each kind: from now on a newer one is asked for."""
    forms = sorted(items_in(db, [case.shared_box_id, case.box_id]), key=lambda item: item.number)
    old = {item.kind: item for item in forms if item.state == "signed"}
    return [FormBefore("OLD", old[kind].item_id) for kind in kinds if kind in old]


def write_own_goals(db: Session, *, actor: SignedIn, case: Case, text: str) -> None:
    """The client writes goals in the own words; earlier ones stay (R9-04, R9-12).

    :raises InvalidError: nothing written, or too much.

    Records: ``pathway:goals:written``. Rule: 篇9 一4, 二3.
    """
    require(db, actor, Permission.FILE_OWN, Facts(client_id=case.client_id), object_id=case.case_id)
    if case.state not in ACTIVE:
        raise TransitionError("NO_STEP")
    text = told("goals", text)
    keyring = keys_of(db, actor)
    with recording(db) as record:
        box = open_box(db, keyring, case.shared_box_id, for_writing=True)
        number = 1 + newest_number(db, case.shared_box_id, GOALS)
        item = write_signed(db, box=box, kind=GOALS, keyring=keyring, content={"text": text}, number=number)
        record.by(actor, "pathway:goals:written", subject_id=case.client_id, object_id=item.item_id)


def _goals(db: Session, case: Case) -> list[Item]:
    return [item for item in items_in(db, [case.shared_box_id]) if item.kind == GOALS]


def own_goals(db: Session, *, actor: SignedIn, case: Case) -> tuple[Item, str] | None:
    """Open the client's newest goals, or None; the caller's page has its audit line."""
    rows = sorted(_goals(db, case), key=lambda item: item.number)
    if not rows:
        return None
    box = open_box(db, keys_of(db, actor), case.shared_box_id)
    return rows[-1], str(open_bodies(db, box=box, item=rows[-1])[0]["text"])
