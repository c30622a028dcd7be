"""End a case: asked by the client alone or the counsellor (T19), then report, evaluation, follow-up; every closing arrow."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, TransitionError
from counsel.core.told import told
from counsel.pathway.appointments.lapsing import missed_in_a_row
from counsel.pathway.appointments.reception import let_go_times
from counsel.pathway.cases.agreement import agreed_to
from counsel.pathway.cases.dossier import CLOSING, EVALUATION, PAPER, PLAN, REFERRAL, FormKind, read_form, write_form
from counsel.pathway.cases.evidence import (
    AlternativesOffered,
    ClosingReported,
    Evidence,
    FollowUpAgreed,
    LetterSent,
    Missed,
    NoOpenTask,
    NoteSigned,
    NothingWritten,
    ProperlyEnded,
    ReasonGiven,
    ReleaseSigned,
)
from counsel.pathway.cases.lifecycle import CLIENT, COUNSELLOR, DIRECTOR
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.moving import move
from counsel.pathway.cases.services import case_facts, cover_of, held
from counsel.pathway.closing.evaluation import ending_number, evaluation_of, evidence_of_evaluation, last_letter
from counsel.pathway.closing.models import FollowUp
from counsel.pathway.intake.levels import evidence_of_level
from counsel.pathway.plans.services import plan_number
from counsel.pathway.referral.services import evidence_of_tries, referrals_of, tracked
from counsel.pathway.sessions.services import sessions_of
from counsel.records.models import Item
from counsel.records.services import items_in, newest_number
from counsel.tasks.models import Task
from counsel.tasks.services import open_task

AGREED = FormKind("contact", Permission.CASE_READ, Permission.CASE_WRITE)
MOST_FOLLOW_UPS, LATEST_DAYS = 6, 400
VOID_REASONS = ("opened_twice", "wrong_person", "test")
LEAVING_REASONS = ("graduated", "left", "school_notice")
POSTVENTION_HOURS = 72
ELSEWHERE = ("lost_contact", "no_show_lapsed", "left_school", "deceased")  # waivers that say how the case itself ended


def end_counselling(db: Session, *, actor: SignedIn, case: Case, asked_by: str = COUNSELLOR) -> None:
    """T19: begin the end. The client alone decides it, at any time, without reason or approval (篇9 二2; R9-10).

    :param asked_by: whose wish a counsellor records: the client's, said in the room or by telephone, or both together.
    :raises InvalidError: nobody's wish.

    Records: ``pathway:case:moved``.
    """
    by = CLIENT if actor.client_id is not None else COUNSELLOR
    if asked_by not in (CLIENT, COUNSELLOR):
        raise InvalidError(asked_by="unknown")
    with recording(db):
        move(db, actor=actor, case=case, to="closing", by=by, evidence=[])
        case.ended_by = CLIENT if by == CLIENT else asked_by
        case.resume_on, case.transfer_to = None, None


def write_report(db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int, sign: bool) -> None:
    """Save a draft of F10, or sign it; the number of sessions, those on paper with them, and the level are the server's own.

    Records: ``pathway:f10:drafted`` or ``:signed``. Rule: 篇10 六.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    held_ones, level = sessions_of(db, case), cover_of(db, actor=actor, case=case).level
    last = {"last_on": max(session.held_on for session in held_ones).isoformat()} if held_ones else {}
    on_paper = sign and case.source == "paper"  # a draft that saves itself opens nothing
    paper = read_form(db, actor=actor, case=case, kind=PAPER).content if on_paper else {}
    earlier = {"on_paper": paper["talks"]} if paper.get("talks") else {}
    sessions = len(held_ones) + (paper.get("talks") or 0)
    began = paper.get("began_on") or case.opened_on.isoformat()
    full = {**content, "opened_on": began, **last, "sessions": sessions, **earlier, "level": level}
    place = {"seen_version": seen_version, "sign": sign, "number": ending_number(db, case)}
    write_form(db, actor=actor, case=case, kind=CLOSING, content=full, **place)  # type: ignore[arg-type]


def agree_follow_ups(
    db: Session, *, actor: SignedIn, case: Case, days: list[date], consent: bool, contact: str, when: str
) -> None:
    """Agree at closing when and how the client is asked later, or that they would rather not be (R10-14; 篇9 二2).

    :param days: the agreed days; empty when the client declines.
    :raises InvalidError: consent without day or safe contact, a day that is past or too far, too many.

    Records: ``pathway:followup:agreed``.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    here = today(house_of(db).settings.time_zone)
    if consent and (not days or len(days) > MOST_FOLLOW_UPS):
        raise InvalidError(days="empty")
    if any(not here < day <= here + timedelta(days=LATEST_DAYS) for day in days):
        raise InvalidError(days="deputy_days")
    contact, when = told("contact", contact, most=120, needed=consent), told("when", when, most=80, needed=False)
    content = {"consent": consent, "contact": contact, "when": when}
    with recording(db) as record:
        number = 1 + newest_number(db, case.box_id, AGREED.code)
        write_form(db, actor=actor, case=case, kind=AGREED, content=content, seen_version=0, sign=True, number=number)
        settled = [row for row in follow_ups_of(db, case) if row.state != "planned"]
        for row in follow_ups_of(db, case):
            if row not in settled:
                db.delete(row)
        db.flush()
        first = 1 + max((row.number for row in settled), default=0)
        wanted = sorted(set(days)) if consent else [here]
        state = "planned" if consent else "declined"
        place = {"case_id": case.case_id, "state": state}
        db.add_all(FollowUp(number=n, planned_on=on_day, **place) for n, on_day in enumerate(wanted, start=first))
        record.by(actor, "pathway:followup:agreed", subject_id=case.client_id, object_id=case.case_id)


def follow_ups_of(db: Session, case: Case) -> list[FollowUp]:
    """Return a case's follow-ups by number."""
    return list(db.scalars(select(FollowUp).where(FollowUp.case_id == case.case_id).order_by(FollowUp.number)))


def send_last_letter(db: Session, *, actor: SignedIn, case: Case) -> None:
    """Put the last kind message on the client's page: the door stays open (T22). Records: ``pathway:letter:sent``."""
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    with recording(db) as record:
        last_letter(db, case)
        record.by(actor, "pathway:letter:sent", subject_id=case.client_id, object_id=case.case_id)


def begin_follow_up(db: Session, *, actor: SignedIn, case: Case) -> None:
    """T20: the goal is reached or the work is done; from here on only the agreed follow-ups. Rule: 篇10 六."""
    with held(db, case):
        _check_waiver(db, case, "completed")
        move(db, actor=actor, case=case, to="follow_up", evidence=_evidence(db, actor=actor, case=case))


def _check_waiver(db: Session, case: Case, reason: str) -> None:
    """A waiver that says how the case ended must say what the case itself says (R10-13)."""
    row = evaluation_of(db, case)
    if row is not None and row.waiver in ELSEWHERE and row.waiver != reason:
        raise TransitionError("G10")
    if row is not None and row.waiver == "withdrawn" and case.ended_by != CLIENT:
        raise TransitionError("WISH")


def close_case(db: Session, *, actor: SignedIn, case: Case, reason: str) -> None:
    """Close a case for one reason of the closed list: T08, T12, T14, T18, T21, T22 (R10-12).

    :raises TransitionError: ``NO_STEP`` when the state has no such end, ``WISH`` when the client did not ask for it, or the
        first guard without evidence.

    Records: ``pathway:case:moved``. Rule: 篇10 六.
    """
    if reason == "withdrawn" and case.ended_by != CLIENT:
        raise TransitionError("WISH")
    with held(db, case):
        _check_waiver(db, case, reason)
        evidence = _evidence(db, actor=actor, case=case)
        move(db, actor=actor, case=case, to="closed", evidence=evidence, close_reason=reason)


def _evidence(db: Session, *, actor: SignedIn, case: Case) -> list[Evidence]:
    """Read everything an end can rest on, once."""
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    found = evidence_of_level(db, actor=actor, case=case)
    sessions = sessions_of(db, case)
    if all(session.note_signed for session in sessions):
        found.append(NoteSigned("G9", case.case_id))
    report = read_form(db, actor=actor, case=case, kind=CLOSING, number=ending_number(db, case))
    evaluated = evidence_of_evaluation(db, actor=actor, case=case)
    found += evaluated
    if report.signed:
        found.append(ClosingReported("F10", report.item_id))
    if not was_met(db, case) or (report.signed and evaluated and all(session.note_signed for session in sessions)):
        found.append(ProperlyEnded("END", report.item_id))
    found += [*evidence_of_tries(db, case), *tracked(db, case), *_of_absence(db, case), *_of_offers(db, actor, case)]
    if follow_ups_of(db, case):
        found.append(FollowUpAgreed("G11", case.case_id))
    return found


def was_met(db: Session, case: Case) -> bool:
    """Return whether a session was held, here or on paper before."""
    return case.source == PAPER.code or bool(sessions_of(db, case))


def _of_absence(db: Session, case: Case) -> list[Evidence]:
    found: list[Evidence] = []
    if missed_in_a_row(db, case.client_id) >= house_of(db).settings.no_show_limit:
        found.append(Missed("MISSED", case.case_id))
    row = evaluation_of(db, case)
    last = max((session.held_on for session in sessions_of(db, case)), default=None)
    if row is not None and row.letter_on is not None and (last is None or row.letter_on >= last):
        found.append(LetterSent("LETTER", case.case_id))
    return found


def _of_offers(db: Session, actor: SignedIn, case: Case) -> list[Evidence]:
    """OFFERED: the plan names what stays open and what else was offered; RELEASE: the client agreed to what goes outside."""
    found: list[Evidence] = []
    plan = read_form(db, actor=actor, case=case, kind=PLAN, number=plan_number(db, case))
    if plan.signed and str(plan.content.get("alternatives") or "").strip():
        found.append(AlternativesOffered("OFFERED", plan.item_id))
    outside = [row for row in referrals_of(db, case) if row.kind in ("institution", "counsellor", "social")]
    item = db.get(Item, outside[-1].item_id) if outside else None
    if item is not None and item.kind == REFERRAL.code and agreed_to(db, actor=actor, case=case, item=item) is not None:
        found.append(ReleaseSigned("RELEASE", item.item_id))
    return found


def void_case(db: Session, *, actor: SignedIn, case: Case, reason: str) -> None:
    """T26: the director declares a case opened by mistake void, when nothing was written in it.

    :raises InvalidError: no such reason; :raises TransitionError: ``EMPTY``.
    """
    if reason not in VOID_REASONS:
        raise InvalidError(reason="unknown")
    evidence: list[Evidence] = [ReasonGiven("WHY", case.case_id)]
    with held(db, case):
        if not items_in(db, [case.box_id, case.shared_box_id]):
            evidence.append(NothingWritten("EMPTY", case.case_id))
        move(db, actor=actor, case=case, to="closed", by=DIRECTOR, evidence=evidence, close_reason="void", reason=reason)


def close_for_leaving(db: Session, *, actor: SignedIn, case: Case, close_reason: str, reason: str) -> None:
    """T27: the client has left the school, or has died; by the director, who opens nothing of the case.

    After a death a postvention task opens: who needs somebody now (domain §3.8).

    :raises InvalidError: no such reason; :raises TransitionError: ``NO_TASK`` or ``END``.
    """
    if reason not in LEAVING_REASONS or close_reason not in ("left_school", "deceased"):
        raise InvalidError(reason="unknown")
    with held(db, case):
        evidence: list[Evidence] = [ReasonGiven("WHY", case.case_id), *_seen_from_outside(db, case)]
        move(db, actor=actor, case=case, to="closed", by=DIRECTOR, evidence=evidence, close_reason=close_reason, reason=reason)
        let_go_times(db, actor=actor, client_id=case.client_id, told=close_reason != "deceased")
        if close_reason == "deceased":
            due = now() + timedelta(hours=POSTVENTION_HOURS)
            open_task(db, kind="review", due_at=due, object_id=case.case_id, owner_role="director")


def _seen_from_outside(db: Session, case: Case) -> list[Evidence]:
    """What the director can know without a key: open tasks, and that report and evaluation stand there signed."""
    found: list[Evidence] = []
    waiting = select(Task.task_id).where(Task.client_id == case.client_id, Task.ended_on.is_(None))
    if db.scalar(waiting.limit(1)) is None:
        found.append(NoOpenTask("NO_TASK", case.case_id))
    items, number = items_in(db, [case.box_id, case.shared_box_id]), ending_number(db, case)
    signed = {item.kind for item in items if item.state == "signed" and item.number == number}
    row = evaluation_of(db, case)
    evaluated = row is not None and (row.waiver is not None or (row.client_item_id is not None and EVALUATION.code in signed))
    noted = all(session.note_signed for session in sessions_of(db, case))
    if not was_met(db, case) or (CLOSING.code in signed and evaluated and noted):
        found.append(ProperlyEnded("END", case.case_id))
    return found


def case_for_director(db: Session, *, actor: SignedIn, number: int) -> Case:
    """Find any case by its number for the director's arrows; nothing of it is opened.

    Records: the refusal, when there is none.
    """
    case = db.scalar(select(Case).where(Case.case_no == number))
    require(db, actor, Permission.CASE_DIRECT, case_facts(db, case), object_id=case.case_id if case else None)
    assert case is not None
    return case


def closing_state(db: Session, *, actor: SignedIn, case: Case) -> set[str]:
    """Return the codes of what an end can rest on today, for the page's list of what is still missing."""
    keys_of(db, actor)
    return {piece.guard for piece in _evidence(db, actor=actor, case=case)}


def overdue_follow_ups(db: Session, holder_id: UUID | None, day: date) -> list[tuple[Case, FollowUp]]:
    """Return a counsellor's follow-ups whose day has come, the earliest first."""
    query = select(Case, FollowUp).join(FollowUp, FollowUp.case_id == Case.case_id)
    mine = query.where(Case.counsellor_id == holder_id, Case.state.in_(("follow_up", "closed")))
    due = mine.where(FollowUp.state == "planned", FollowUp.planned_on <= day)
    return [(case, row) for case, row in db.execute(due.order_by(FollowUp.planned_on))]
