"""The level of a case: raised by what the risk questions say, lowered only with a reason and a second signature (domain §3.2).

The questions as they were asked are a signed form each time; the level in force stands on the cover and is the server's own.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, TransitionError
from counsel.core.told import told
from counsel.pathway.appointments.requests import times_of_case
from counsel.pathway.cases.countersign import ask_second_signature, signed_reasons
from counsel.pathway.cases.covers import change_cover
from counsel.pathway.cases.dossier import RAISED, SCREEN, write_form
from counsel.pathway.cases.evidence import Evidence, RiskLow, RiskScreened, Safe
from counsel.pathway.cases.lifecycle import OPEN_STATES
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_facts, cover_of, held, writing_box
from counsel.pathway.intake.informing import age_if_known, inform_anew, settle_informing
from counsel.people.deputies import tell_directors
from counsel.records.models import Item
from counsel.records.services import newest_number
from counsel.risk.cards import end_card, raise_card
from counsel.risk.clocks import WATCHED, clocks_of
from counsel.risk.level import YES, Level, level_of
from counsel.risk.questions import BOOKING
from counsel.risk.reports import oblige
from counsel.tasks.models import Task
from counsel.tasks.services import GRACE, end_task, end_tasks, open_task, overdue_tasks, tasks_about

CALL_DUTY_LEVEL = 2  # from here on an absence sends somebody to look, without penalty (domain §1.1)
LOWER, OWNER, HIGHEST, THIRD = "LOWER", "I1", 4, 3
SHORT = (*BOOKING, "new")


def record_screen(
    db: Session, *, actor: SignedIn, case: Case, answers: Mapping[str, str], ticks: frozenset[str], keeping: str
) -> Level:
    """Record the risk questions as asked; the level is the server's own and may raise the cover's, never lower it.

    :raises InvalidError: something was not asked, and what was answered is no danger yet.

    Records: ``pathway:screen:signed``. Rule: 篇4 五; domain §3.
    """
    if not answers:
        raise InvalidError(answers="unanswered")
    level = level_of(answers, ticks)
    if level.unanswered and level.level < CALL_DUTY_LEVEL:  # danger is recorded at once; calm needs the whole list
        raise InvalidError(answers="unanswered")
    content = {"answers": dict(answers), "ticks": sorted(ticks), "keeping": keeping, "level": level.level}
    _sign_screen(db, actor, case, content, level.level)
    return level


def record_short_screen(db: Session, *, actor: SignedIn, case: Case, answers: Mapping[str, str]) -> None:
    """Record the short questions of every session: Q1, Q2, Q7 and anything new, each answered by hand.

    :raises InvalidError: one is unanswered, or one is not a plain no: then the whole list is asked.

    Records: ``pathway:screen:signed``. Rule: 篇4 五; domain §3.1.
    """
    if any(answers.get(code) not in ("yes", "no", "refused") for code in SHORT):
        raise InvalidError(answers="unanswered")
    if any(answers[code] != "no" for code in SHORT):
        raise InvalidError(answers="ask_all")
    _sign_screen(db, actor, case, {"answers": dict.fromkeys(SHORT, "no"), "ticks": [], "keeping": "", "level": 0}, 0)


def _sign_screen(db: Session, actor: SignedIn, case: Case, content: Mapping[str, Any], level: int) -> None:
    number = 1 + newest_number(db, case.box_id, SCREEN.code)
    require(db, actor, Permission.CASE_FOLLOW_UP, case_facts(db, case), object_id=case.case_id)
    if max(level, cover_of(db, actor=actor, case=case).level) < WATCHED:  # into a closed case only what danger asks for
        require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    with recording(db):
        if content["answers"].get("q11") == YES:
            age = age_if_known(db, actor=actor, case=case)
            oblige(db, actor=actor, client_id=case.client_id, case_id=case.case_id, age=age)
        write_form(db, actor=actor, case=case, kind=SCREEN, content=content, seen_version=0, sign=True, number=number)
        _take_level(db, actor, case, level, asked="new" not in content["answers"])
        if level == 1:
            _count_ones(db, actor, case)


def _take_level(db: Session, actor: SignedIn, case: Case, level: int, asked: bool = False) -> None:
    """Raise the level in force to at least this one. A level that a new episode began with never rose: it does now."""
    cover = cover_of(db, actor=actor, case=case)
    begun = cover.level if cover.raised_at or level < WATCHED else 0
    rises = level > begun
    _set_level(db, actor, case, max(cover.level, level), rises, asked)
    _set_going(db, actor, case, begun if rises else cover.level, max(cover.level, level))


def _count_ones(db: Session, actor: SignedIn, case: Case) -> None:
    """Each third time of level 1 the counsellor speaks to a supervisor (domain §3.3)."""
    ones = cover_of(db, actor=actor, case=case).ones + 1
    change_cover(db, writing_box(db, actor=actor, case=case, shared=False), case, ones=ones)
    if ones % THIRD == 0:
        _supervise(db, case, timedelta(hours=house_of(db).settings.level_1_supervision_hours))


def raise_level(db: Session, *, actor: SignedIn, case: Case, level: int, reason: str) -> None:
    """Raise the level at will, for a reason that stands in the case; nobody's yes is asked. Also while follow-ups go on.

    :raises InvalidError: no level above the one in force, or no reason.

    Records: ``pathway:raised:signed``. Rule: 篇4 五; domain §3.2.
    """
    require(db, actor, Permission.CASE_FOLLOW_UP, case_facts(db, case), object_id=case.case_id)
    reason = told("reason", reason)
    with held(db, case):
        standing = cover_of(db, actor=actor, case=case)
        if not (standing.level < level <= HIGHEST or (WATCHED <= level == standing.level and not standing.raised_at)):
            raise InvalidError(level="not_higher")
        number = 1 + newest_number(db, case.box_id, RAISED.code)
        said = {"from": standing.level, "level": level, "reason": reason, "by": actor.name}
        write_form(db, actor=actor, case=case, kind=RAISED, content=said, seen_version=0, sign=True, number=number)
        _take_level(db, actor, case, level)


def _set_going(db: Session, actor: SignedIn, case: Case, before: int, level: int) -> None:
    """Start a level's clocks: the record when it rises, the next contact each time somebody has asked (domain §3.3).

    Duty has a card from the first moment, which the crisis record fills.
    """
    clocks = clocks_of(house_of(db).settings, level)
    begin = partial(open_task, db, client_id=case.client_id, object_id=case.case_id)
    _contact_made(db, case, before, level)
    if clocks.contact is not None and level >= WATCHED:
        begin(kind="contact", due_at=now() + clocks.contact)
    if clocks.record is not None and level > before:
        due = now() + clocks.record
        waiting = tasks_about(db, case.case_id, ("report",))
        for task in waiting:
            task.due_at, task.escalates_at = min(task.due_at, due), min(task.escalates_at, due + GRACE)
        if not waiting:
            begin(kind="report", due_at=due)
        raise_card(db, actor=actor, client_id=case.client_id, level=level, content={"case_no": case.case_no, "by": actor.name})
        tell_directors(db, kind="level_raised", client_id=case.client_id)
        _tell_duty(db, actor, case, clocks.duty)
        _tell_and_ask(db, actor, case, clocks.supervision)


def _tell_duty(db: Session, actor: SignedIn, case: Case, within: timedelta | None) -> None:
    """Duty or the director looks at the card within its clock; whoever has duty and raised the level knows it."""
    if within is None or actor.on_duty or actor.role is Role.DIRECTOR:
        return
    end_tasks(db, object_id=case.client_id, kind="inform", outcome="risen")
    place = {"client_id": case.client_id, "object_id": case.client_id, "owner_role": Role.DIRECTOR, "grace": timedelta(0)}
    open_task(db, kind="inform", due_at=now() + within, **place)  # type: ignore[arg-type]


def _contact_made(db: Session, case: Case, *levels: int) -> None:
    """End the contacts that a talk fulfils: those of these levels; what was agreed for later months stays."""
    settings = house_of(db).settings
    spans = [clocks_of(settings, level).contact or timedelta(hours=settings.level_4_contact_hours) for level in levels]
    for task in tasks_about(db, case.case_id, ("contact",)):
        if task.due_at <= now() + max(spans):
            end_task(task, "reached_safe")


def _tell_and_ask(db: Session, actor: SignedIn, case: Case, supervision: timedelta | None) -> None:
    """Guardian and leader are told; the counsellor speaks to a supervisor. A deadline that runs already never moves back."""
    inform_anew(db, actor=actor, case=case)
    if supervision is not None:
        _supervise(db, case, supervision)


def _supervise(db: Session, case: Case, within: timedelta) -> None:
    due, waiting = now() + within, tasks_about(db, case.case_id, ("supervise",))
    for task in waiting:
        task.due_at, task.escalates_at = min(task.due_at, due), min(task.escalates_at, due + GRACE)
    if not waiting:
        open_task(db, kind="supervise", due_at=due, client_id=case.client_id, object_id=case.case_id)


def _set_level(db: Session, actor: SignedIn, case: Case, level: int, rises: bool = False, asked: bool = False) -> None:
    changes: dict[str, object] = {"level": level}
    if rises:
        changes["raised_at"] = now().isoformat(timespec="seconds")
    if asked:
        changes["asked_at"] = now().isoformat()
    change_cover(db, writing_box(db, actor=actor, case=case, shared=False), case, **changes)
    for row in times_of_case(db, case.case_id):
        row.call_duty = level >= CALL_DUTY_LEVEL


def ask_lowering(db: Session, *, actor: SignedIn, case: Case, level: int, reason: str) -> Task:
    """Ask for the second signature under a lower level; the level stands until it has been given and applied.

    Also for a closed case whose level stands, as long as it lies with its counsellor.

    :raises InvalidError: no reason, or a level that is not lower; :raises TransitionError: ``RECORD``, while F07 is due.

    Records: ``pathway:countersign:asked``. Rule: 篇4 五; domain §3.2.
    """
    require(db, actor, Permission.CASE_FOLLOW_UP, case_facts(db, case), object_id=case.case_id)
    reason = told("reason", reason)
    with held(db, case):
        standing, asked = _standing(db, actor, case)
        if not 0 <= level < standing:
            raise InvalidError(level="not_lower")
        content = {"code": LOWER, "from": standing, "to": level, "screens": asked, "reason": reason, "by": actor.name}
        return ask_second_signature(db, actor=actor, client_id=case.client_id, object_id=case.case_id, content=content)


def _standing(db: Session, actor: SignedIn, case: Case) -> tuple[int, int]:
    """Return (level in force, how often it was asked), read while the case is held and no record is due."""
    if tasks_about(db, case.case_id, ("report",)):
        raise TransitionError("RECORD")
    asked = newest_number(db, case.box_id, SCREEN.code)
    return cover_of(db, actor=actor, case=case).level, asked


def apply_lowering(db: Session, *, actor: SignedIn, case: Case) -> int:
    """Lower the level as it was signed, once; return the level in force. Below 2 duty's card and the next contact end.

    :raises TransitionError: ``SECOND``, while no signature stands under this step from the level in force; ``RECORD``.

    Records: ``pathway:level:lowered``.
    """
    require(db, actor, Permission.CASE_FOLLOW_UP, case_facts(db, case), object_id=case.case_id)
    with held(db, case) as record:
        present = _standing(db, actor, case)
        for _task, said in signed_reasons(db, actor=actor, object_id=case.case_id, code=LOWER):
            if (said["from"], said["screens"]) == present:  # whoever was asked anew since is not lowered by an old word
                to = int(said["to"])
                _set_level(db, actor, case, to)
                if to < WATCHED:
                    if not _watched_elsewhere(db, case):
                        end_card(db, case.client_id)
                    _contact_made(db, case, present[0])
                    for about in (case.case_id, case.client_id):
                        end_tasks(db, object_id=about, kind="inform", outcome="fallen")
                else:
                    settle_informing(db, actor=actor, case=case)
                record.by(actor, "pathway:level:lowered", subject_id=case.client_id)
                return to
        raise TransitionError("SECOND")


def _watched_elsewhere(db: Session, case: Case) -> bool:
    """Return whether another case of the client is open: the card there is is that one's, not an old closed one's to end."""
    others = select(Case.case_id).where(Case.client_id == case.client_id, Case.case_id != case.case_id)
    return db.scalar(others.where(Case.state.in_(OPEN_STATES)).limit(1)) is not None


def ask_risk_owner(db: Session, *, actor: SignedIn, case: Case, reason: str) -> Task:
    """Ask somebody outside the case to go on watching over a client whose counselling ends at level 2 or above (I1).

    Records: ``pathway:countersign:asked``.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    reason = told("reason", reason)
    cover = cover_of(db, actor=actor, case=case)
    rose = {"level": cover.level, "raised_at": cover.raised_at}
    content = {"code": OWNER, "reason": reason, "by": actor.name, **rose}
    return ask_second_signature(db, actor=actor, client_id=case.client_id, object_id=case.case_id, content=content)


def evidence_of_level(db: Session, *, actor: SignedIn, case: Case) -> list[Evidence]:
    """Return LOW for a level of 0 or 1 that was asked for, and SAFE for that or for an owner outside the case who has signed.

    Who was never asked and is gone is let go by that signature alone: somebody has looked, and says so.
    """
    screened = newest_number(db, case.box_id, SCREEN.code) > 0
    if tasks_about(db, case.case_id, ("report",)):  # R4-16: nothing about danger ends without its record
        return []
    cover = cover_of(db, actor=actor, case=case)
    if screened and cover.level < CALL_DUTY_LEVEL:
        return [RiskLow("LOW", case.case_id), Safe("SAFE", case.case_id)]
    for task, said in signed_reasons(db, actor=actor, object_id=case.case_id, code=OWNER):
        if said["level"] >= cover.level and said["raised_at"] == cover.raised_at:  # whoever signed knew of this danger
            return [Safe("SAFE", task.task_id)]
    return []


def screen_today(db: Session, case: Case) -> Item | None:
    """Return today's newest risk screen, without opening it."""
    day = today(house_of(db).settings.time_zone)
    query = select(Item).where(Item.box_id == case.box_id, Item.kind == SCREEN.code, Item.on_day == day)
    return db.scalars(query.order_by(Item.number.desc())).first()


def evidence_of_screen(db: Session, case: Case) -> list[Evidence]:
    """Return G6 when the questions were asked today and no duty task about the client is overdue."""
    item = screen_today(db, case)
    return [RiskScreened("G6", item.item_id)] if item and not overdue_tasks(db, case.client_id) else []
