"""Receive, consent, record, screen, decide: T01 to T04."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.rules import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, TransitionError
from counsel.keys.boxes import adopt, open_box, open_for_writing
from counsel.keys.models import Box
from counsel.pathway.appointments.duty import ended_alarm_boxes
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.requests import appointment_facts, change_state, open_case_for, times_of_case
from counsel.pathway.appointments.talks import accepted_talks
from counsel.pathway.cases.dossier import INTAKE, SCREEN, Form, read_form, write_form
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
from counsel.pathway.cases.services import move, open_case
from counsel.pathway.intake.consent import guardian_settled, present_consent
from counsel.people.cards import client_cards
from counsel.people.guests import ids_of_person
from counsel.records.models import Item
from counsel.records.services import items_in
from counsel.risk.level import Level, level_of

CALL_DUTY_LEVEL = 2  # from here on an absence sends somebody to look, without penalty (domain §1.1)


def receive_client(db: Session, *, actor: SignedIn, appointment_id: UUID | None) -> Case:
    """T01: begin with a client who has checked in; an open case of the same counsellor goes on.

    The boxes of the request and of alarms that have ended become children of the case's; nobody else opens them any more.

    Records: ``pathway:case:opened``, ``pathway:appointment:completed``. Rule: 篇10 二.
    """
    found = db.get(Appointment, appointment_id) if appointment_id else None
    require(db, actor, Permission.CASE_OPEN, appointment_facts(found), object_id=appointment_id)
    assert found is not None
    if found.state != "checked_in":
        raise TransitionError("NOT_HERE")
    with recording(db) as record:
        card = client_cards(db, keys_of(db, actor), [found.client_id])[found.client_id]
        others = ids_of_person(db, actor=actor, student_id=card.student_id)
        case = next(filter(None, (open_case_for(db, known) for known in (found.client_id, *others))), None)
        if case is not None and case.counsellor_id != actor.holder_id:
            raise TransitionError("OTHER_COUNSELLOR")
        if case is None:
            evidence = (IdentityMatched("G1", found.client_id), ConflictClear("G4", found.appointment_id))
            place = {"client_id": found.client_id, "initial": card.initial, "source": found.source}
            case = open_case(db, actor=actor, **place, evidence=evidence)  # type: ignore[arg-type]
            db.flush()
        said_before = (*ended_alarm_boxes(db, found.client_id), *(talk.box_id for talk in accepted_talks(db, found.client_id)))
        for box_id in (found.box_id, *said_before):
            _take_in(db, actor, case, box_id)
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


def _take_in(db: Session, actor: SignedIn, case: Case, box_id: UUID | None) -> None:
    """Make what a client said before the case a part of it: `duty` and everybody else lose it, the client keeps it."""
    if box_id is None or db.get_one(Box, box_id).parent_id is not None:
        return
    keyring = keys_of(db, actor)
    child = open_box(db, keyring, box_id)
    parent = open_for_writing(db, keyring, case.box_id)
    adopt(db, child=child, parent=parent, keep=[case.client_id])


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
    with recording(db):
        write_form(db, actor=actor, case=case, kind=SCREEN, cover={"level": level.level}, **place)  # type: ignore[arg-type]
        for row in times_of_case(db, case.case_id):
            row.call_duty = level.level >= CALL_DUTY_LEVEL
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
        if guardian_settled(db, consent):
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
