"""Assess: criteria, problems, basis, causes, test results by approved instruments; then T09 (篇10 三; R10-04…07)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.limits import LimitCode
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, NotFoundError
from counsel.core.ids import new_id
from counsel.pathway.assessment.criteria import CRITERIA, MEDICAL_CLASS, ORDINARY, SEVERITIES, UNCLEAR, suggestion
from counsel.pathway.assessment.models import Instrument
from counsel.pathway.cases.dossier import ASSESSMENT, FormKind, read_form, write_form
from counsel.pathway.cases.evidence import AssessmentDone, Evidence, InScope
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.moving import last_move, move, superseded
from counsel.pathway.cases.services import case_facts, cover_of, held
from counsel.pathway.intake.informing import age_if_known
from counsel.pathway.intake.levels import evidence_of_screen
from counsel.records.services import items_in, newest_number
from counsel.risk.reports import ABUSE, oblige

PROBLEMS = tuple(f"P{number:02}" for number in (*range(1, 22), 99))
BASES = ("interview", "close_person", "test", "other")
RESULT = FormKind("result", Permission.CASE_READ, Permission.CASE_WRITE)
MOST_ANSWERS = 200


def write_assessment(
    db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int, sign: bool, number: int
) -> None:
    """Save a draft of F04, or sign it.

    :raises InvalidError: a missing source with its consent, a main concern that is not among the problems, a class other
        than the suggested one without a reason, a test as basis without a result.

    Records: ``pathway:f04:drafted`` or ``:signed``. Rule: 篇10 三.
    """
    level = cover_of(db, actor=actor, case=case).level
    full = {**content, "suggestion": suggestion(content), "level": level}
    if sign:
        problems = _problems(full, bool(results_of(db, case)))
        if problems:
            raise InvalidError(**problems)
    with recording(db):
        if sign and ABUSE in (full["main_problem"], *(full.get("other_problems") or ())):
            age = age_if_known(db, actor=actor, case=case)
            oblige(db, actor=actor, client_id=case.client_id, case_id=case.case_id, age=age)
        write_form(db, actor=actor, case=case, kind=ASSESSMENT, content=full, seen_version=seen_version, sign=sign, number=number)


def _problems(content: Mapping[str, Any], has_result: bool) -> dict[str, str]:
    found = {}
    bases = list(content.get("basis") or ())
    if not bases or not set(bases) <= set(BASES):
        found["basis"] = "empty"
    if "close_person" in bases and not _consented(content):
        found["close_person_consent"] = "close_person"
    if "other" in bases and not str(content.get("basis_note") or "").strip():
        found["basis_note"] = "empty"
    if "test" in bases and not has_result:
        found["basis"] = "no_result"
    if content.get("main_problem") not in PROBLEMS:
        found["main_problem"] = "empty"
    if not set(content.get("other_problems") or ()) <= set(PROBLEMS):
        found["other_problems"] = "unknown"
    severity = content.get("severity")
    if severity not in UNCLEAR:
        found |= {criterion.code: "empty" for criterion in CRITERIA if not content.get(criterion.code)}
    if severity not in SEVERITIES:
        found["severity"] = "empty"
    elif severity != content["suggestion"] and not str(content.get("severity_reason") or "").strip():
        found["severity_reason"] = "differs"
    if severity == "LV3" and content.get("medical_advice") != "yes":
        found["medical_advice"] = "advice_first"
    return found


def _consented(content: Mapping[str, Any]) -> bool:
    """Talks with others need the client's consent per named person, or one of the limits (R10-06)."""
    named = str(content.get("close_person") or "").strip()
    consent = str(content.get("close_person_consent") or "")
    return bool(named) and (consent == "agreed" or consent in set(LimitCode))


def assessments_of(db: Session, case: Case) -> int:
    """Return the number of the newest assessment of a case, 1 when there is none yet."""
    return newest_number(db, case.box_id, ASSESSMENT.code) or 1


def finish_assessment(db: Session, *, actor: SignedIn, case: Case) -> None:
    """T09: take an assessed case to planning.

    :raises TransitionError: ``G8`` while the assessment is not signed, ``G5`` when its class is not for counselling: LV4
        asks for the medical referral first, LV3 for the advice.

    Rule: 篇10 三; R10-04; R7-10.
    """
    with held(db, case):
        form = read_form(db, actor=actor, case=case, kind=ASSESSMENT, number=assessments_of(db, case))
        evidence: list[Evidence] = evidence_of_screen(db, case)
        if form.signed and not superseded(db, case.case_id, form.item_id):
            evidence.append(AssessmentDone("G8", form.item_id))
            advised = form.content.get("severity") == "LV3" and form.content.get("medical_advice") == "yes"
            ordinary = form.content.get("severity") in ORDINARY or advised
            if ordinary and not doctor_first(db, actor=actor, case=case):
                evidence.append(InScope("G5", form.item_id))
        move(db, actor=actor, case=case, to="planning", evidence=evidence)


def doctor_first(db: Session, *, actor: SignedIn, case: Case) -> bool:
    """Return whether an assessment of class LV4 was signed since the client last came back from a doctor (R7-10).

    A later assessment does not settle it: the referral and its feedback do.
    """
    back = last_move(db, case.case_id, "T11")
    signed = [item for item in items_in(db, [case.box_id]) if item.kind == ASSESSMENT.code and item.state == "signed"]
    since = [item.number for item in signed if back is None or item.on_day > back.on_day]
    texts = (read_form(db, actor=actor, case=case, kind=ASSESSMENT, number=number).content for number in since)
    return any(content.get("severity") == MEDICAL_CLASS for content in texts)


def approve_instrument(
    db: Session, *, actor: SignedIn, code: str, version: str, title: str, items: int, lowest: int, highest: int
) -> Instrument:
    """Approve an instrument in one version (R9-02). A further version stands beside the earlier ones.

    :raises InvalidError: an impossible range.

    Records: ``pathway:instrument:approved``. Rule: 篇9 一2.
    """
    require(db, actor, Permission.CREDENTIAL_RECORD)
    if not (0 < items <= MOST_ANSWERS and lowest < highest):
        raise InvalidError(highest="before_start")
    day = today(house_of(db).settings.time_zone)
    row = Instrument(instrument_id=new_id(), code=code, version=version, title=title, items=items, approved_on=day)
    row.lowest, row.highest = lowest, highest
    with recording(db) as record:
        db.add(row)
        record.line("pathway:instrument:approved", role=actor.role, actor_id=actor.staff_id, object_id=row.instrument_id)
    return row


def instruments(db: Session) -> list[Instrument]:
    """Return the approved instruments, each in its newest version, by code."""
    rows = db.scalars(
        select(Instrument).where(Instrument.withdrawn_on.is_(None)).order_by(Instrument.code, Instrument.approved_on)
    )
    return list({row.code: row for row in rows}.values())


def record_result(
    db: Session, *, actor: SignedIn, case: Case, instrument_id: Any, answers: str, score: str, on_date: date
) -> None:
    """Enter a test result by hand: instrument and version, raw answers, score, date; kept as they were (R10-07).

    :param answers: the raw answers as numbers, separated by spaces or commas.
    :raises InvalidError: another number of answers than the instrument has, one out of its range, a date to come.
    :raises NotFoundError: an instrument that is not approved.

    Records: ``pathway:result:signed``. Rule: 篇9 一2; 篇10 三.
    """
    row = db.get(Instrument, instrument_id) if instrument_id else None
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    if row is None or row.withdrawn_on is not None:
        raise NotFoundError("instrument")
    raw = answers.replace(",", " ").replace("，", " ").split()
    if len(raw) != row.items or not all(_whole_in(text, row.lowest, row.highest) for text in raw):
        raise InvalidError(answers="answers_of_instrument")
    if not _whole_in(score, -1000, 1000):
        raise InvalidError(score="unknown")
    if on_date > today(house_of(db).settings.time_zone):
        raise InvalidError(on_date="not_yet")
    content = {
        "instrument": row.code,
        "version": row.version,
        "title": row.title,
        "range": [row.lowest, row.highest],
        "answers": [int(text) for text in raw],
        "score": int(score),
        "on": on_date.isoformat(),
    }
    number = 1 + max(results_of(db, case), default=0)
    write_form(db, actor=actor, case=case, kind=RESULT, content=content, seen_version=0, sign=True, number=number)


def _whole_in(text: str, lowest: int, highest: int) -> bool:
    plain = text.removeprefix("-")
    return plain.isascii() and plain.isdecimal() and len(plain) < 6 and lowest <= int(text) <= highest


def results_of(db: Session, case: Case) -> list[int]:
    """Return the numbers of a case's test results."""
    return [item.number for item in items_in(db, [case.box_id]) if item.kind == RESULT.code]


def read_results(db: Session, *, actor: SignedIn, case: Case) -> list[Mapping[str, Any]]:
    """Open a case's test results, oldest first. Records: ``pathway:result:read`` for each."""
    return [read_form(db, actor=actor, case=case, kind=RESULT, number=number).content for number in sorted(results_of(db, case))]
