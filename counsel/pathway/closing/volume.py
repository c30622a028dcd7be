"""What a closed case must hold before it is filed: its number, its required parts, nothing left open (R6-04; guard G13)."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.pathway.cases.dossier import ASSESSMENT, CLOSING, CONSENT, INTAKE, PAPER, PLAN
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.moving import moves_of
from counsel.pathway.cases.services import case_facts, cover_of
from counsel.pathway.closing.evaluation import evidence_of_evaluation
from counsel.pathway.closing.services import follow_ups_of, was_met
from counsel.pathway.intake.levels import CALL_DUTY_LEVEL
from counsel.pathway.referral.services import referrals_of
from counsel.pathway.sessions.services import sessions_of
from counsel.records.services import items_in
from counsel.tasks.models import Task

NEEDED_AFTER = {
    INTAKE.code: ("T02", "T03", "T04"),
    CONSENT.code: ("T02", "T15"),
    ASSESSMENT.code: ("T09",),
    PLAN.code: ("T13",),
    PAPER.code: ("T00",),
}
OPEN_MATTERS = ("notes", "evaluation", "referral", "follow_up", "task", "risk")


def missing_parts(db: Session, *, actor: SignedIn, case: Case) -> list[str]:
    """Return what a closed case still lacks: codes of forms, then of `OPEN_MATTERS`; empty when it is complete.

    A form is required when a step was taken that rests on it. Rule: 篇6 4; R6-04.
    """
    require(db, actor, Permission.CASE_HAND_IN, case_facts(db, case), object_id=case.case_id)
    signed = {item.kind for item in items_in(db, [case.box_id, case.shared_box_id]) if item.state == "signed"}
    taken = {step.rule for step in moves_of(db, case)}
    wanted = [code for code, rules in NEEDED_AFTER.items() if taken & set(rules)]
    wanted += [CLOSING.code] if was_met(db, case) else []
    return [code for code in wanted if code not in signed] + _open_matters(db, actor, case)


def _open_matters(db: Session, actor: SignedIn, case: Case) -> list[str]:
    evaluated = not was_met(db, case) or evidence_of_evaluation(db, actor=actor, case=case)
    waiting = select(Task.task_id).where(Task.client_id == case.client_id, Task.ended_on.is_(None)).limit(1)
    holds = {
        "notes": all(session.note_signed for session in sessions_of(db, case)),
        "evaluation": bool(evaluated),
        "referral": all(row.answered_on is not None for row in referrals_of(db, case)),
        "follow_up": all(row.state != "planned" for row in follow_ups_of(db, case)),
        "task": db.scalar(waiting) is None,
        "risk": cover_of(db, actor=actor, case=case).level < CALL_DUTY_LEVEL,
    }
    return [code for code in OPEN_MATTERS if not holds[code]]
