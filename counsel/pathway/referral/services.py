"""Refer to a doctor or elsewhere, take the feedback, go on or stay away: T10, T11, T17, T18's tries (篇7 六; R7-10, R7-11)."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.limits import LimitCode
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError, TransitionError
from counsel.core.told import told
from counsel.pathway.assessment.criteria import MEDICAL_CLASS
from counsel.pathway.assessment.services import assessments_of
from counsel.pathway.cases.agreement import ASKED, may_refer
from counsel.pathway.cases.countersign import ask_second_signature, signed_reasons
from counsel.pathway.cases.dossier import ASSESSMENT, CONSENT, INTAKE, PLAN, REFERRAL, FormKind, read_form, write_form
from counsel.pathway.cases.evidence import (
    AssessmentDone,
    ConsentGiven,
    ContactTried,
    Evidence,
    FeedbackGiven,
    GuardianSettled,
    MedicalAdvised,
    ResumeDated,
    Tracked,
)
from counsel.pathway.cases.lifecycle import CLIENT
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.moving import last_move, move, superseded
from counsel.pathway.cases.services import case_facts, held
from counsel.pathway.intake.consent import ADULT, age_of, client_of, consent_given, guardian_settled
from counsel.pathway.intake.levels import evidence_of_level
from counsel.pathway.plans.services import evidence_of_plan, forms_before
from counsel.pathway.referral.models import REFERRAL_KINDS, WAYS_TO_REACH, ContactTry, Referral
from counsel.records.models import Item
from counsel.records.services import items_in, newest_signed
from counsel.tasks.models import Task

FEEDBACK = FormKind("feedback", Permission.CASE_READ, Permission.CASE_FOLLOW_UP, needed=("source", "text"), conclusions=("text",))
RECEIPTS = ("client", "guardian", "refused")
FEEDBACK_DAYS, MOST_DAYS = 30, 180
HOLD_REASONS = ("holiday", "leave_of_absence", "illness", "placement", "client_wish")
RETURN = "RETURN"


def write_referral(
    db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int, sign: bool, number: int
) -> None:
    """Save a draft of F08, or sign it; a signed one stays open until feedback arrives.

    :raises InvalidError: no consent and no limit; a receipt that does not fit the age; a refusal without a witness.

    Records: ``pathway:f08:drafted`` or ``:signed``. Rule: 篇7 六; R7-10.
    """
    if sign:
        problems = _problems(content, age_of(db, client_of(db, actor=actor, case=case)))
        if problems:
            raise InvalidError(**problems)
        due = today(house_of(db).settings.time_zone) + timedelta(days=FEEDBACK_DAYS)
        wished = content.get("feedback_due")
        content = {**content, "feedback_due": wished if isinstance(wished, date) else due}
    with recording(db):
        place = {"content": content, "seen_version": seen_version, "sign": sign, "number": number}
        item = write_form(db, actor=actor, case=case, kind=REFERRAL, **place)  # type: ignore[arg-type]
        if sign:
            db.add(_row(db, case, item, number, content))


def _problems(content: Mapping[str, Any], age: int | None) -> dict[str, str]:
    found = {}
    if content.get("kind") not in REFERRAL_KINDS:
        found["kind"] = "unknown"
    if content.get("consent") not in (ASKED, *(set(LimitCode) - {LimitCode.EX5})):
        found["consent"] = "consent_or_limit"
    receipt = content.get("receipt")
    minor = age is None or age < ADULT
    if receipt not in RECEIPTS or (content.get("kind") == "medical" and minor and receipt == "client"):
        found["receipt"] = "unknown"
    if receipt == "refused" and not str(content.get("witness") or "").strip():
        found["witness"] = "witness"
    return found


def _row(db: Session, case: Case, item: Item, number: int, content: Mapping[str, Any]) -> Referral:
    day = today(house_of(db).settings.time_zone)
    return Referral(
        case_id=case.case_id,
        number=number,
        kind=str(content["kind"]),
        item_id=item.item_id,
        feedback_due_on=content["feedback_due"],
        made_on=day,
    )


def referrals_of(db: Session, case: Case) -> list[Referral]:
    """Return a case's referrals, oldest first."""
    return list(db.scalars(select(Referral).where(Referral.case_id == case.case_id).order_by(Referral.number)))


def next_referral(db: Session, case: Case) -> int:
    """Return the number of the referral in hand: an unsigned draft, else the next one."""
    drafts = [item for item in items_in(db, [case.shared_box_id]) if item.kind == REFERRAL.code]
    unsigned = [item.number for item in drafts if item.state == "draft"]
    return unsigned[0] if unsigned else 1 + max((item.number for item in drafts), default=0)


def recommended(db: Session, *, actor: SignedIn, case: Case) -> dict[str, str]:
    """Return what the first interview recommended instead: a referral out of intake begins with it (R10-03)."""
    if case.state != "intake":
        return {}
    said = read_form(db, actor=actor, case=case, kind=INTAKE).content.get("recommendation")
    return {"target": str(said)} if said else {}


def refer_medically(db: Session, *, actor: SignedIn, case: Case) -> None:
    """T10: the newest medical advice was handed over with its receipt; the case waits for the feedback.

    :raises TransitionError: ``G14`` without such a referral that is still open and rests on something. Rule: 篇7 六; R7-10.
    """
    with held(db, case):
        open_ones = [row.number for row in referrals_of(db, case) if row.kind == "medical" and row.answered_on is None]
        said = read_form(db, actor=actor, case=case, kind=REFERRAL, number=max(open_ones, default=1))
        stands = open_ones and may_refer(db, actor=actor, case=case, said=said)
        evidence: list[Evidence] = [MedicalAdvised("G14", said.item_id)] if stands else []
        evidence += forms_before(db, case, (CONSENT.code,))  # what was explained before is explained anew afterwards
        move(db, actor=actor, case=case, to="referred_medical", evidence=evidence)


def record_feedback(db: Session, *, actor: SignedIn, case: Case, number: int, source: str, text: str, sheet_place: str) -> None:
    """Record what came back: the hospital's paper, or what the client tells; words of diagnosis only in quotation.

    :param source: ``hospital`` (then with the place of the paper), ``client``, or ``nothing`` for what is no doctor's.
    :raises InvalidError: an unknown source, a paper without its place; :raises ConflictError: answered already.

    Records: ``pathway:feedback:signed``. Rule: 篇7 六; R7-11; 精神卫生法 23.
    """
    require(db, actor, Permission.CASE_FOLLOW_UP, case_facts(db, case), object_id=case.case_id)
    if source not in ("hospital", "client", "nothing"):
        raise InvalidError(source="unknown")
    if source == "hospital" and not sheet_place.strip():
        raise InvalidError(sheet_place="empty")
    with recording(db):
        row = db.get(Referral, (case.case_id, number), with_for_update=True, populate_existing=True)
        if row is None or row.answered_on is not None:
            raise ConflictError("faster")
        if source == "nothing" and row.kind == "medical":  # a doctor's is tracked until something is known (R7-11)
            raise InvalidError(source="tracked")
        content = {"source": source, "text": text, "sheet_place": sheet_place}
        write_form(db, actor=actor, case=case, kind=FEEDBACK, content=content, seen_version=0, sign=True, number=number)
        row.answered_on = today(house_of(db).settings.time_zone)


def ask_return(db: Session, *, actor: SignedIn, case: Case, reason: str) -> Task:
    """Ask for the second signature under going on after a suspected disorder: a supportive plan only (domain §1.4 T11).

    :raises InvalidError: no reason. Records: ``pathway:countersign:asked``.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    reason = told("reason", reason)
    rows = [row.number for row in referrals_of(db, case) if row.kind == "medical"]
    content = {"code": RETURN, "referral": max(rows, default=0), "reason": reason, "by": actor.name}
    return ask_second_signature(db, actor=actor, client_id=case.client_id, object_id=case.case_id, content=content)


def return_from_doctor(db: Session, *, actor: SignedIn, case: Case, to: str) -> None:
    """T11: go on after the feedback, the consent explained anew since the referral; after LV4 under stricter conditions.

    Counselling is gone on with, or begun, on an assessment and on what was agreed; after LV4 without a plan, supportive only.
    Whom the client has ended counselling with begins anew by a new request.

    :raises TransitionError: ``FEEDBACK``, ``G2``, ``G3``, ``G8`` or ``G7``; ``NO_STEP``, when the client has ended it.
    Rule: 篇7 六; 篇9 二2.
    """
    state = "counselling" if to == "counselling" else "assessment"
    with held(db, case):
        if case.ended_by == CLIENT:
            raise TransitionError("NO_STEP")
        evidence = [*_feedback_evidence(db, actor=actor, case=case), *_renewed_consent(db, actor=actor, case=case)]
        if state == "assessment":
            evidence += forms_before(db, case, (PLAN.code, ASSESSMENT.code))
        else:
            evidence += _assessed(db, actor=actor, case=case)
        move(db, actor=actor, case=case, to=state, evidence=evidence)
        case.ended_by = None


def _assessed(db: Session, *, actor: SignedIn, case: Case) -> list[Evidence]:
    form = read_form(db, actor=actor, case=case, kind=ASSESSMENT, number=assessments_of(db, case))
    if not form.signed or superseded(db, case.case_id, form.item_id):
        return []
    if form.content.get("severity") != MEDICAL_CLASS and not evidence_of_plan(db, actor=actor, case=case):
        raise TransitionError("G7")
    return [AssessmentDone("G8", form.item_id)]


def _feedback_evidence(db: Session, *, actor: SignedIn, case: Case) -> list[Evidence]:
    rows = [row for row in referrals_of(db, case) if row.kind == "medical"]
    if not rows or rows[-1].answered_on is None:
        return []
    said = read_form(db, actor=actor, case=case, kind=FEEDBACK, number=rows[-1].number)
    if _severity(db, actor, case) == MEDICAL_CLASS:
        signed = signed_reasons(db, actor=actor, object_id=case.case_id, code=RETURN)
        this_time = any(words.get("referral") == rows[-1].number for _task, words in signed)
        if said.content.get("source") != "hospital" or not this_time:
            return []
    return [FeedbackGiven("FEEDBACK", said.item_id)]


def _severity(db: Session, actor: SignedIn, case: Case) -> str:
    """The class of the newest signed assessment."""
    newest = newest_signed(db, case.box_id, ASSESSMENT.code) or 1
    form = read_form(db, actor=actor, case=case, kind=ASSESSMENT, number=newest)
    return str(form.content.get("severity") or "")


def _renewed_consent(db: Session, *, actor: SignedIn, case: Case) -> list[Evidence]:
    consent = consent_given(db, actor=actor, case=case)
    if consent is None or superseded(db, case.case_id, consent.item_id):
        return []
    found: list[Evidence] = [ConsentGiven("G2", consent.item_id)]
    if guardian_settled(db, actor=actor, case=case, consent=consent):
        found.append(GuardianSettled("G3", consent.item_id))
    return found


def tracked(db: Session, case: Case) -> list[Evidence]:
    """Return TRACKED when what became of the newest medical referral is recorded."""
    rows = [row for row in referrals_of(db, case) if row.kind == "medical"]
    return [Tracked("TRACKED", rows[-1].item_id)] if rows and rows[-1].answered_on is not None else []


def hold(db: Session, *, actor: SignedIn, case: Case, resume_on: date | None, reason: str) -> None:
    """T17: pause until a day; not while the level is 2 or above, unless the crisis team holds it.

    :raises InvalidError: no such reason, a day that is past or too far; :raises TransitionError: ``SAFE``.
    """
    day = today(house_of(db).settings.time_zone)
    if reason not in HOLD_REASONS:
        raise InvalidError(reason="unknown")
    if resume_on is None or not day < resume_on <= day + timedelta(days=MOST_DAYS):
        raise InvalidError(resume_on="deputy_days")
    with held(db, case):
        evidence = [ResumeDated("RESUME", case.case_id), *evidence_of_level(db, actor=actor, case=case)]
        move(db, actor=actor, case=case, to="on_hold", evidence=evidence, reason=reason)
        case.resume_on = resume_on


def resume(db: Session, *, actor: SignedIn, case: Case) -> None:
    """T17 back: go on where the pause began."""
    with recording(db):
        move(db, actor=actor, case=case, to=case.resume_state or "", evidence=[])
        case.resume_on = None


def record_try(db: Session, *, actor: SignedIn, case: Case, way: str) -> None:
    """Note a try to reach the client by the agreed safe way.

    :raises InvalidError: no such way. Records: ``pathway:contact:tried``.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    if way not in WAYS_TO_REACH:
        raise InvalidError(way="unknown")
    with recording(db) as record:
        number = 1 + (db.scalar(select(func.count()).where(ContactTry.case_id == case.case_id)) or 0)
        day = today(house_of(db).settings.time_zone)
        db.add(ContactTry(case_id=case.case_id, number=number, way=way, on_day=day))
        record.by(actor, "pathway:contact:tried", subject_id=case.client_id, object_id=case.case_id)


def tries_of(db: Session, case: Case) -> list[ContactTry]:
    """Return the tries to reach a client, oldest first."""
    return list(db.scalars(select(ContactTry).where(ContactTry.case_id == case.case_id).order_by(ContactTry.number)))


def evidence_of_tries(db: Session, case: Case) -> list[Evidence]:
    """Return TRIES for enough tries over enough days (domain §10a: three, fourteen)."""
    settings, paused = house_of(db).settings, last_move(db, case.case_id, "T17")
    rows = [row for row in tries_of(db, case) if paused is not None and row.on_day >= paused.on_day]
    if len(rows) < settings.contact_tries_limit:
        return []
    span = today(settings.time_zone) - rows[0].on_day
    return [ContactTried("TRIES", case.case_id)] if span >= timedelta(days=settings.contact_tries_days) else []
