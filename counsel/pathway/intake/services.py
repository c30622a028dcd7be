"""Receive, consent, record, screen, decide: T01 to T04."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.limits import LIMITS
from counsel.confidentiality.rules import Permission
from counsel.core.clock import age_on, today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, TransitionError
from counsel.keys.boxes import adopt, open_box, open_for_writing
from counsel.keys.models import Box
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.requests import appointment_facts, change_state, open_case_for
from counsel.pathway.cases.dossier import CONSENT, INTAKE, SCREEN, Form, read_form, write_form
from counsel.pathway.cases.evidence import (
    ClientAgrees,
    ConflictClear,
    ConsentGiven,
    Evidence,
    GuardianSettled,
    IdentityMatched,
    InScope,
    IntakeRecorded,
    RecommendationNamed,
    RiskLow,
    RiskScreened,
)
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_facts, move, open_case
from counsel.pathway.intake.models import WAYS, Consent
from counsel.people.cards import ClientCard, client_cards
from counsel.people.models import RuleText
from counsel.records.models import Item
from counsel.records.services import items_in
from counsel.risk.level import Level, level_of

CONSENT_TEXT = "informed_consent"
POINTS = ("nature", "setting", "records", "supervision", "rights", "sensitive")
GUARDIAN_PARTS = ("signed", "informed", "contraindicated", "first_talk", "not_needed")
CHILD, ADULT = 14, 18


def receive_client(db: Session, *, actor: SignedIn, appointment_id: UUID | None) -> Case:
    """T01: begin with a client who has checked in; an open case of the same counsellor goes on.

    The request's box becomes a child of the case's, and nobody else opens it any more.

    Records: ``pathway:case:opened``, ``pathway:appointment:completed``. Rule: 篇10 二.
    """
    found = db.get(Appointment, appointment_id) if appointment_id else None
    require(db, actor, Permission.CASE_OPEN, appointment_facts(found), object_id=appointment_id)
    assert found is not None
    if found.state != "checked_in":
        raise TransitionError("NOT_HERE")
    with recording(db) as record:
        case = open_case_for(db, found.client_id)
        if case is not None and case.counsellor_id != actor.holder_id:
            raise TransitionError("OTHER_COUNSELLOR")
        if case is None:
            card = client_cards(db, keys_of(db, actor), [found.client_id])[found.client_id]
            evidence = (IdentityMatched("G1", found.client_id), ConflictClear("G4", found.appointment_id))
            place = {"client_id": found.client_id, "initial": card.initial, "source": found.source}
            case = open_case(db, actor=actor, **place, evidence=evidence)  # type: ignore[arg-type]
            db.flush()
        _take_request(db, actor, case, found)
        change_state(db, found, "completed")
        found.case_id = case.case_id
        record.line(
            "pathway:appointment:completed",
            role=actor.role,
            actor_id=actor.holder_id,
            subject_id=found.client_id,
            object_id=found.appointment_id,
        )
    return case


def _take_request(db: Session, actor: SignedIn, case: Case, appointment: Appointment) -> None:
    if appointment.box_id is None or db.get_one(Box, appointment.box_id).parent_id is not None:
        return
    keyring = keys_of(db, actor)
    child = open_box(db, keyring, appointment.box_id)
    parent = open_for_writing(db, keyring, case.box_id)
    adopt(db, child=child, parent=parent, keep=[case.client_id])


def client_of(db: Session, *, actor: SignedIn, case: Case) -> ClientCard:
    """Open the card of a case's client, for the case's own page.

    Records: ``people:name:read``.
    """
    require(db, actor, Permission.CASE_READ, case_facts(case), object_id=case.case_id)
    with recording(db) as record:
        card = client_cards(db, keys_of(db, actor), [case.client_id])[case.client_id]
        record.line("people:name:read", role=actor.role, actor_id=actor.holder_id, subject_id=case.client_id)
    return card


def age_of(db: Session, card: ClientCard) -> int | None:
    """Return the client's age today, or None when the birth date is unknown."""
    if not card.birth_date:
        return None
    return age_on(date.fromisoformat(card.birth_date), today(house_of(db).settings.time_zone))


def guardian_parts(age: int | None, policy: str) -> tuple[str, ...]:
    """Return which guardian's parts complete a consent at this age (domain §1.3 G3; PIPL 31; 篇8 二).

    An unknown age counts as under 14: the stricter rule.
    """
    if age is not None and age >= ADULT:
        return ("not_needed",)
    if age is None or age < CHILD or policy == "required":
        return ("signed",)
    return ("not_needed",) if policy == "student_only" else ("informed", "contraindicated", "signed")


def consent_version(db: Session) -> int:
    """Return the version of the consent text in force."""
    return db.scalar(select(func.max(RuleText.version)).where(RuleText.code == CONSENT_TEXT)) or 1


def record_consent(db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any]) -> Consent:
    """F02: every limit and every point explained one by one, agreed in one of four ways, the guardian's part by age.

    :raises InvalidError: a point not ticked, an unknown way, a guardian's part that does not fit the age.

    Records: ``pathway:f02:signed``. Rule: 篇4 一; R4-01, R4-02.
    """
    card = client_of(db, actor=actor, case=case)
    parts = guardian_parts(age_of(db, card), house_of(db).settings.guardian_policy)
    part = str(content.get("guardian") or "")
    _check_consent(content, part)
    version = consent_version(db)
    full = {**content, "version": version, "explained_by": actor.name, "age": age_of(db, card)}
    with recording(db):
        number = 1 + sum(item.kind == CONSENT.code for item in items_in(db, [case.shared_box_id]))
        item = write_form(db, actor=actor, case=case, kind=CONSENT, content=full, seen_version=0, sign=True, number=number)
        db.flush()
        return db.merge(
            Consent(
                case_id=case.case_id,
                version=version,
                item_id=item.item_id,
                way=str(content["way"]),
                guardian_complete=part in parts,
                on_day=today(house_of(db).settings.time_zone),
            )
        )


def _check_consent(content: Mapping[str, Any], part: str) -> None:
    ticked = set(content.get("points") or ())
    problems: dict[str, str] = {}
    if not {limit.code for limit in LIMITS} | set(POINTS) <= ticked:
        problems["points"] = "all_points"
    if content.get("way") not in WAYS:
        problems["way"] = "unknown"
    if content.get("way") == "on_paper" and not str(content.get("sheet_place") or "").strip():
        problems["sheet_place"] = "empty"
    if not str(content.get("emergency_contact") or "").strip():
        problems["emergency_contact"] = "empty"
    if part not in GUARDIAN_PARTS:
        problems["guardian"] = "unknown"
    if part == "contraindicated" and not str(content.get("guardian_note") or "").strip():
        problems["guardian_note"] = "empty"
    if problems:
        raise InvalidError(**problems)


def present_consent(db: Session, case: Case) -> Consent | None:
    """Return the consent in the version in force, or None when it must be explained (again)."""
    return db.get(Consent, (case.case_id, consent_version(db)))


def record_screen(
    db: Session, *, actor: SignedIn, case: Case, answers: Mapping[str, str], ticks: frozenset[str], keeping: str
) -> Level:
    """Record the risk questions as asked; the level is the server's own and goes on the cover.

    :raises InvalidError: nothing was asked.

    Records: ``pathway:screen:signed``. Rule: 篇4 五; domain §3.
    """
    if not answers:
        raise InvalidError(answers="unanswered")
    level = level_of(answers, ticks)
    number = _next_screen(db, case)
    content = {"answers": dict(answers), "ticks": sorted(ticks), "keeping": keeping, "level": level.level}
    place = {"content": content, "seen_version": 0, "sign": True, "number": number}
    write_form(db, actor=actor, case=case, kind=SCREEN, cover={"level": level.level}, **place)  # type: ignore[arg-type]
    return level


def _next_screen(db: Session, case: Case) -> int:
    return 1 + max((item.number for item in items_in(db, [case.box_id]) if item.kind == SCREEN.code), default=0)


def screen_today(db: Session, case: Case) -> Item | None:
    """Return today's newest risk screen, without opening it."""
    day = today(house_of(db).settings.time_zone)
    found = [item for item in items_in(db, [case.box_id]) if item.kind == SCREEN.code and item.on_day == day]
    return found[-1] if found else None


def evidence_of_screen(db: Session, case: Case) -> list[Evidence]:
    """Return G6 when the questions were asked today."""
    item = screen_today(db, case)
    return [RiskScreened("G6", item.item_id)] if item else []


def evidence_of_intake(db: Session, *, actor: SignedIn, case: Case) -> list[Evidence]:
    """Read the forms and return what they prove for T02, T03 and T04."""
    form = read_form(db, actor=actor, case=case, kind=INTAKE)
    consent = present_consent(db, case)
    found = [*_from_intake(form), *evidence_of_screen(db, case)]
    if consent is not None:
        found.append(ConsentGiven("G2", consent.item_id))
        if consent.guardian_complete:
            found.append(GuardianSettled("G3", consent.item_id))
    item = screen_today(db, case)
    if item is not None and read_form(db, actor=actor, case=case, kind=SCREEN, number=item.number).content["level"] <= 1:
        found.append(RiskLow("LOW", item.item_id))
    return found


def _from_intake(form: Form) -> list[Evidence]:
    if not form.signed:
        return []
    content, source = form.content, form.item_id
    found: list[Evidence] = [IntakeRecorded("F03", source)]
    if content.get("no_conflict") == "yes":
        found.append(ConflictClear("G4", source))
    if content.get("in_scope") == content.get("within_competence") == "yes":
        found.append(InScope("G5", source))
    if str(content.get("recommendation") or "").strip():
        found.append(RecommendationNamed("REC", source))
    if content.get("client_agrees") == "yes":
        found.append(ClientAgrees("AGREED", source))
    return found


def sign_intake(db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int) -> None:
    """Sign F03. A no to scope or competence needs a named institution or counsellor (R10-02, R10-03).

    :raises InvalidError: what is missing, field by field.
    """
    refused = "no" in (content.get("in_scope"), content.get("within_competence"))
    if refused and not str(content.get("recommendation") or "").strip():
        raise InvalidError(recommendation="needed_when_no")
    write_form(db, actor=actor, case=case, kind=INTAKE, content=content, seen_version=seen_version, sign=True)


def decide_intake(db: Session, *, actor: SignedIn, case: Case, to: str) -> None:
    """Take a case out of intake: on to assessment (T02), out of scope (T03), or one talk was enough (T04).

    :param to: ``assessment``, ``out_of_scope`` or ``single_session``.
    :raises TransitionError: code of the first guard without evidence.
    """
    evidence = evidence_of_intake(db, actor=actor, case=case)
    if to == "assessment":
        move(db, actor=actor, case=case, to="assessment", evidence=evidence)
    else:
        move(db, actor=actor, case=case, to="closed", evidence=evidence, close_reason=to)
