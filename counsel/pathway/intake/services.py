"""Receive, consent, record, screen, decide: T01 to T04."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import InvalidError, TransitionError
from counsel.keys.boxes import adopt, open_box
from counsel.keys.models import Box
from counsel.keys.rotation import open_for_writing
from counsel.pathway.appointments.duty import ended_alarm_boxes
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.requests import appointment_facts, change_state, open_case_for
from counsel.pathway.appointments.talks import accepted_talks
from counsel.pathway.cases.agreement import may_refer
from counsel.pathway.cases.dossier import INTAKE, REFERRAL, Form, read_form, write_form
from counsel.pathway.cases.evidence import (
    ClientAgrees,
    ConflictClear,
    ConsentGiven,
    EarlierEpisode,
    Evidence,
    GuardianSettled,
    IdentityMatched,
    InScope,
    IntakeRecorded,
    RecommendationNamed,
)
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.moving import move
from counsel.pathway.cases.opening import open_case
from counsel.pathway.cases.services import cover_of, held
from counsel.pathway.intake.consent import consent_given, guardian_settled
from counsel.pathway.intake.levels import evidence_of_level, evidence_of_screen
from counsel.people.cards import client_cards
from counsel.people.conflicts import check_free
from counsel.people.guests import ids_of_person
from counsel.records.services import newest_signed


def receive_client(db: Session, *, actor: SignedIn, appointment_id: UUID | None) -> Case:
    """T01: begin with a client who has checked in; an open case of the same counsellor goes on.

    The boxes of the request and of alarms that have ended become children of the case's; nobody else opens them any more.

    Records: ``pathway:case:opened``, ``pathway:appointment:completed``. Rule: 篇10 二.
    """
    found = db.get(Appointment, appointment_id) if appointment_id else None
    require(db, actor, Permission.CASE_OPEN, appointment_facts(db, found), object_id=appointment_id)
    assert found is not None
    if found.state != "checked_in":
        raise TransitionError("NOT_HERE")
    with recording(db) as record:
        check_free(db, actor, found.client_id, actor.holder_id)
        card = client_cards(db, keys_of(db, actor), [found.client_id])[found.client_id]
        others = ids_of_person(db, actor=actor, student_id=card.student_id)
        case = next(filter(None, (open_case_for(db, known) for known in (found.client_id, *others))), None)
        if case is not None and case.counsellor_id != actor.holder_id:
            raise TransitionError("OTHER_COUNSELLOR")
        if case is None:
            case = _begin(db, actor, found, card.initial, (found.client_id, *others))
        said_before = (*ended_alarm_boxes(db, found.client_id), *(talk.box_id for talk in accepted_talks(db, found.client_id)))
        for box_id in (found.box_id, *said_before):
            _take_in(db, actor, case, box_id)
        change_state(db, found, "completed")
        found.case_id = case.case_id
        record.by(actor, "pathway:appointment:completed", subject_id=found.client_id, object_id=found.appointment_id)
    return case


def _begin(db: Session, actor: SignedIn, found: Appointment, initial: str, known: tuple[UUID, ...]) -> Case:
    """Open the first case of a person, or a new one linked to the episode before (T24); that one stays as it is."""
    before = db.scalars(select(Case).where(Case.client_id.in_(known)).order_by(Case.case_no.desc())).first()
    evidence: list[Evidence] = [IdentityMatched("G1", found.client_id), ConflictClear("G4", found.appointment_id)]
    if before is not None:
        evidence.append(EarlierEpisode("EARLIER", before.case_id))
    place = {"client_id": found.client_id, "initial": initial, "source": found.source}
    previous = before.case_id if before is not None else None
    case = open_case(db, actor=actor, **place, evidence=evidence, previous_id=previous, known=known)  # type: ignore[arg-type]
    db.flush()
    return case


def _take_in(db: Session, actor: SignedIn, case: Case, box_id: UUID | None) -> None:
    """Make what a client said before the case a part of it: `duty` and everybody else lose it, the client keeps it."""
    if box_id is None or db.get_one(Box, box_id).parent_id is not None:
        return
    keyring = keys_of(db, actor)
    child = open_box(db, keyring, box_id)
    parent = open_for_writing(db, keyring, case.box_id)
    adopt(db, child=child, parent=parent, keep=[case.client_id])


def evidence_of_intake(db: Session, *, actor: SignedIn, case: Case) -> list[Evidence]:
    """Read the forms and return what they prove for T02, T03 and T04."""
    form = read_form(db, actor=actor, case=case, kind=INTAKE)
    consent = consent_given(db, actor=actor, case=case)
    found = [*_from_intake(form), *evidence_of_screen(db, case), *evidence_of_level(db, actor=actor, case=case)]
    if str(form.content.get("recommendation") or "").strip():  # as R10-03 asks for after a no
        found += _sent_elsewhere(db, actor=actor, case=case)
    if consent is not None:
        found.append(ConsentGiven("G2", consent.item_id))
        if guardian_settled(db, actor=actor, case=case, consent=consent):
            found.append(GuardianSettled("G3", consent.item_id))
    return found


def _sent_elsewhere(db: Session, *, actor: SignedIn, case: Case) -> list[Evidence]:
    """Return REC for the newest signed referral, once the client has answered it."""
    newest = newest_signed(db, case.shared_box_id, REFERRAL.code) or 1
    said = read_form(db, actor=actor, case=case, kind=REFERRAL, number=newest)
    return [RecommendationNamed("REC", said.item_id)] if may_refer(db, actor=actor, case=case, said=said) else []


def _from_intake(form: Form) -> list[Evidence]:
    if not form.signed:
        return []
    content, source = form.content, form.item_id
    found: list[Evidence] = [IntakeRecorded("F03", source)]
    if content.get("no_conflict") == "yes":
        found.append(ConflictClear("G4", source))
    if content.get("in_scope") == content.get("within_competence") == "yes":
        found.append(InScope("G5", source))
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
    full = {**content, "level": cover_of(db, actor=actor, case=case).level}
    write_form(db, actor=actor, case=case, kind=INTAKE, content=full, seen_version=seen_version, sign=True)


def decide_intake(db: Session, *, actor: SignedIn, case: Case, to: str) -> None:
    """Take a case out of intake: on to assessment (T02), out of scope (T03), or one talk was enough (T04).

    :param to: ``assessment``, ``out_of_scope`` or ``single_session``.
    :raises TransitionError: code of the first guard without evidence.
    """
    state, reason = (to, None) if to == "assessment" else ("closed", to)
    with held(db, case):
        evidence = evidence_of_intake(db, actor=actor, case=case)
        move(db, actor=actor, case=case, to=state, evidence=evidence, close_reason=reason)
