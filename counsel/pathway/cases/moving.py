"""Take a case one arrow further: the one place where `state` is assigned. Evidence comes from the rooms that own the rows."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import TransitionError
from counsel.pathway.cases.evidence import ComesBack, Evidence
from counsel.pathway.cases.lifecycle import ARCHIVIST, CLIENT, COUNSELLOR, DIRECTOR, RECEIVER, Transition, transitions
from counsel.pathway.cases.models import Case, CaseMove
from counsel.pathway.cases.services import case_facts, forget_receiver
from counsel.risk.reports import is_stopped

ASKS = {
    COUNSELLOR: Permission.CASE_WRITE,
    CLIENT: Permission.CASE_END,
    DIRECTOR: Permission.CASE_DIRECT,
    RECEIVER: Permission.CASE_RECEIVE,
    ARCHIVIST: Permission.VOLUME_ACCEPT,
}
STAYS_AWAY = ("on_hold", "transfer_pending")


def move(
    db: Session,
    *,
    actor: SignedIn,
    case: Case,
    to: str,
    evidence: Iterable[Evidence],
    by: str = COUNSELLOR,
    close_reason: str | None = None,
    reason: str | None = None,
) -> Transition:
    """Take a case one arrow further and return the arrow.

    :param by: in which part the actor takes it, see `lifecycle`.
    :param reason: a code for the record, never anybody's words.
    :raises TransitionError: no such arrow, the code of the first guard without evidence, or ``REPORT``, which the law
        demands first and which never holds back the client or the director.

    Records: ``pathway:case:moved`` with the rule's number.
    """
    require(db, actor, ASKS[by], case_facts(db, case), object_id=case.case_id)
    evidence = list(evidence)
    with recording(db) as record:
        db.refresh(case, with_for_update=True)
        if by == COUNSELLOR and is_stopped(db, case.case_id, to):
            raise TransitionError("REPORT")
        if case.state in STAYS_AWAY and to == case.resume_state:
            evidence.append(ComesBack("BACK", case.case_id))
        step = checked(case.state, to, evidence, close_reason, by)
        from_state = case.state
        case.resume_state = from_state if to in STAYS_AWAY else None
        case.state = to
        if to != "archived":  # a filed case keeps when and why it was closed
            case.close_reason, case.closed_on = close_reason, _day(db) if to == "closed" else None
        if from_state == "transfer_pending" and step.rule != "T06":
            forget_receiver(db, case)
        log_move(db, case, step, from_state, evidence, actor, reason)
        record.by(actor, "pathway:case:moved", subject_id=case.client_id, object_id=case.case_id, detail=step.rule)
    return step


def checked(
    from_state: str | None, to: str, evidence: Iterable[Evidence], close_reason: str | None = None, by: str = COUNSELLOR
) -> Transition:
    """Return the arrow when it exists and every guard's evidence is there.

    :raises TransitionError: ``NO_STEP``, or the code of the first guard without evidence.
    """
    steps = transitions(from_state, to, close_reason, by)
    if not steps:
        raise TransitionError("NO_STEP")
    brought = {piece.guard for piece in evidence}
    missing = [[guard for guard in step.guards if guard not in brought] for step in steps]
    for step, guards in zip(steps, missing, strict=True):
        if not guards:
            return step
    raise TransitionError(missing[0][0])


def log_move(
    db: Session,
    case: Case,
    step: Transition,
    from_state: str | None,
    evidence: Iterable[Evidence],
    actor: SignedIn,
    reason: str | None = None,
) -> None:
    """Keep a transition with the ids of its evidence, inside the caller's write transaction."""
    assert actor.holder_id is not None
    number = db.scalar(select(func.count()).where(CaseMove.case_id == case.case_id)) or 0
    sources = " ".join(f"{piece.guard}:{piece.source_id.hex if piece.source_id else '-'}" for piece in evidence)
    db.add(
        CaseMove(
            case_id=case.case_id,
            number=number + 1,
            rule=step.rule,
            from_state=from_state or "",
            to_state=step.to_state,
            evidence=sources[:600],
            reason=reason,
            actor_id=actor.holder_id,
            on_day=_day(db),
        )
    )


def _day(db: Session) -> date:
    return today(house_of(db).settings.time_zone)


def moves_of(db: Session, case: Case) -> list[CaseMove]:
    """Return a case's transitions, oldest first."""
    return list(db.scalars(select(CaseMove).where(CaseMove.case_id == case.case_id).order_by(CaseMove.number)))


def last_move(db: Session, case_id: UUID, rule: str) -> CaseMove | None:
    """Return a case's newest transition by one rule, or None."""
    query = select(CaseMove).where(CaseMove.case_id == case_id, CaseMove.rule == rule)
    return db.scalars(query.order_by(CaseMove.number.desc())).first()


def superseded(db: Session, case_id: UUID, item_id: UUID | None) -> bool:
    """Return whether a form stood already when the case went back, or to a doctor and back (T16, T10, T11): then it is over."""
    anew = select(CaseMove.evidence).where(CaseMove.case_id == case_id, CaseMove.rule.in_(("T16", "T10", "T11")))
    return item_id is not None and any(f"OLD:{item_id.hex}" in told for told in db.scalars(anew))
