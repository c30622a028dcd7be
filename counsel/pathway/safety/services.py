"""Write F07 and the safety plan; what a record of danger ends and sets going (篇4 五; R4-16)."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, TransitionError
from counsel.pathway.cases.countersign import ask_second_signature
from counsel.pathway.cases.covers import Cover, moment_of
from counsel.pathway.cases.dossier import CRISIS, RETURN, SAFETY, SCREEN, SUPERVISION, read_form, write_form
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_facts, cover_of, held
from counsel.pathway.intake.informing import age_if_known
from counsel.records.services import items_in, newest_number, newest_signed
from counsel.risk.cards import write_card
from counsel.risk.clocks import ADULT, WATCHED
from counsel.tasks.services import REPLACED, end_task, end_tasks, open_task, tasks_about

CODE = "F07"
RETURN_DAYS = (7, 14, 28, 58, 88, 118)  # after 1, 2 and 4 weeks, then three times a month later (domain §3.8)
MOST_LINES = 5
NEVER = datetime.min.replace(tzinfo=UTC)


def newest_of(db: Session, case: Case, kind: str) -> tuple[int, bool]:
    """Return (number of the newest form of a kind, whether it is signed); (1, False) when there is none yet."""
    items = [item for item in items_in(db, [case.box_id, case.shared_box_id]) if item.kind == kind]
    newest = max(items, key=lambda item: item.number, default=None)
    return (newest.number, newest.state == "signed") if newest is not None else (1, False)


def write_crisis(
    db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int, sign: bool, number: int
) -> None:
    """Save a draft of F07, or sign it: the task for it ends, duty gets the card, a second person is asked to sign.

    The level is the server's own. That nobody else could sign holds up nothing: the record comes first. It holds the answers
    to the risk questions and a safety plan by what lies signed beside it, or says why there is none (domain §2, F07).

    :raises InvalidError: ``unasked``, ``unplanned``: neither the one nor the other.

    Records: ``pathway:f07:drafted`` or ``:signed``, ``risk:card:written``. Rule: 篇4 五; R4-16.
    """
    require(db, actor, Permission.CASE_FOLLOW_UP, case_facts(db, case), object_id=case.case_id)
    with held(db, case):
        cover = cover_of(db, actor=actor, case=case)
        gaps, level = _gaps(db, case, content, cover) if sign else {}, cover.level
        if gaps:
            raise InvalidError(**gaps)
        full, now_on = {**content, "level": level}, {"recorded_at": now().isoformat()} if sign else None
        place = {"content": full, "seen_version": seen_version, "sign": sign, "number": number, "cover": now_on}
        write_form(db, actor=actor, case=case, kind=CRISIS, **place)  # type: ignore[arg-type]
        if not sign:
            return
        end_tasks(db, object_id=case.case_id, kind="report", outcome="recorded")
        if level >= WATCHED:
            _put_card(db, actor, case, full)
        with suppress(TransitionError):
            said = {"code": CODE, "level": level, "reason": f"{content.get('why')}\n{content.get('measures')}", "by": actor.name}
            ask_second_signature(db, actor=actor, client_id=case.client_id, object_id=case.case_id, content=said)


def _gaps(db: Session, case: Case, content: Mapping[str, Any], cover: Cover) -> dict[str, str]:
    """What a crisis record neither has beside it nor explains: answers since the level rose, and a plan from level 2 on."""
    planned = newest_signed(db, case.shared_box_id, SAFETY.code) > 0
    asked, rose, before = (moment_of(text) or NEVER for text in (cover.asked_at, cover.raised_at, cover.recorded_at))
    has = {"unasked": rose <= asked > before, "unplanned": planned or cover.level < WATCHED}
    return {name: name for name, there in has.items() if not there and not str(content.get(name) or "").strip()}


def said_before(db: Session, *, actor: SignedIn, case: Case) -> dict[str, str]:
    """Return what keeps the client, as the risk questions were answered: a crisis record begins with it (Q13)."""
    newest = newest_number(db, case.box_id, SCREEN.code)
    keeping = str(read_form(db, actor=actor, case=case, kind=SCREEN, number=newest).content.get("keeping") or "")
    return {"protective": keeping} if keeping else {}


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


def write_supervision(
    db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int, sign: bool, number: int
) -> None:
    """Save a draft of what a supervisor was asked and what was agreed, or sign it: then the task for it ends.

    Records: ``pathway:f21:drafted`` or ``:signed``. Rule: 篇6 2; domain §3.3, §9.1.
    """
    place = {"content": content, "seen_version": seen_version, "sign": sign, "number": number}
    with held(db, case):
        write_form(db, actor=actor, case=case, kind=SUPERVISION, **place)  # type: ignore[arg-type]
        if sign:
            end_tasks(db, object_id=case.case_id, kind="supervise", outcome="held")


def write_return(
    db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int, sign: bool, number: int
) -> None:
    """Save a draft of the return to school, or sign it: then the contacts of the first months are open tasks.

    The school decides about leave and return; what stands here is what the centre does (domain §3.8).

    :raises InvalidError: a talk that has not been, more than five lines for the teacher, a minor whose guardian was not met, no
        crisis record since the talk, no safety plan.

    Records: ``pathway:return:drafted`` or ``:signed``.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    if sign:
        problems = _return_problems(db, actor, case, content)
        if problems:
            raise InvalidError(**problems)
    place = {"content": content, "seen_version": seen_version, "sign": sign, "number": number}
    with held(db, case):
        write_form(db, actor=actor, case=case, kind=RETURN, **place)  # type: ignore[arg-type]
        if sign:
            _agree_on_contacts(db, case)


def _agree_on_contacts(db: Session, case: Case) -> None:
    """Open the contacts of the first months in place of those of an earlier return; what a level asks for soon stays."""
    soon = now() + timedelta(days=min(RETURN_DAYS) - 1)
    for task in tasks_about(db, case.case_id, ("contact",)):
        if task.due_at > soon:
            db.refresh(task, with_for_update=True)
            if task.ended_on is None:
                end_task(task, REPLACED)
    for days in RETURN_DAYS:
        due = now() + timedelta(days=days)
        open_task(db, kind="contact", due_at=due, client_id=case.client_id, object_id=case.case_id)


def _return_problems(db: Session, actor: SignedIn, case: Case, content: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    talked = str(content.get("interviewed_on") or "")
    age = age_if_known(db, actor=actor, case=case)
    records = [item for item in items_in(db, [case.box_id]) if item.kind == CRISIS.code and item.state == "signed"]
    if talked > today(house_of(db).settings.time_zone).isoformat():
        found["interviewed_on"] = "not_yet"
    elif not any(item.on_day.isoformat() >= talked for item in records):
        found["found"] = "record_first"
    if not newest_of(db, case, SAFETY.code)[1]:
        found["contact_plan"] = "plan_first"
    if (age is None or age < ADULT) and not str(content.get("guardian_met") or "").strip():
        found["guardian_met"] = "empty"
    if len(str(content.get("teacher_lines") or "").splitlines()) > MOST_LINES:
        found["teacher_lines"] = "too_long"
    return found
