"""F02: the limits explained and the consent given, with the guardian's part by age, policy and exception (篇4 一; 篇8 二)."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.audit.patterns import SAME_NAME
from counsel.confidentiality.limits import LIMITS
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import age_on, today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError
from counsel.keys.boxes import open_box
from counsel.pathway.cases.agreement import GUARDIAN, IN_ROOM, ON_PAPER, agreed_to, record_agreement
from counsel.pathway.cases.countersign import ask_second_signature, signed_reasons
from counsel.pathway.cases.dossier import CONSENT, write_form
from counsel.pathway.cases.models import WAYS, Case
from counsel.pathway.cases.services import case_facts
from counsel.pathway.intake.models import Consent
from counsel.people.cards import ClientCard, client_cards
from counsel.people.models import RuleText
from counsel.people.staff import qualification_of
from counsel.records.models import Item
from counsel.records.services import newest_number, open_bodies
from counsel.tasks.models import Task

CONSENT_TEXT = "informed_consent"
POINTS = ("nature", "setting", "records", "supervision", "rights", "sensitive")
AT_ONCE = ("by_phone", ON_PAPER)  # said or signed before the form is filled in
GUARDIAN_WAYS = (IN_ROOM, *AT_ONCE)
EXCEPTIONS = {"emergency": "E1", "conflicted": "E2"}  # each with its reason and a second signature (domain §1.3 G3)
GUARDIAN_PARTS = ("signed", "informed", "contraindicated", "first_talk", "not_needed", *EXCEPTIONS)
CHILD, ADULT, KEPT_YEARS = 14, 18, "10, 30"  # years after the closing, as `archive.retention` files it


def client_of(db: Session, *, actor: SignedIn, case: Case) -> ClientCard:
    """Open the card of a case's client, for the case's own page.

    Records: ``people:name:read``; that reader and client share a surname is flagged, for whoever looks at openings.
    """
    require(db, actor, Permission.CASE_READ, case_facts(db, case), object_id=case.case_id)
    with recording(db) as record:
        card = client_cards(db, keys_of(db, actor), [case.client_id])[case.client_id]
        same = bool(card.name) and card.name[:1] == actor.name[:1]
        record.by(actor, "people:name:read", subject_id=case.client_id, detail=SAME_NAME if same else "")
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

    A guardian who signs does so in a way of the own, recorded as an answer of its own.
    An exception to the guardian's part (E1 danger, E2 the guardian is suspected or has another interest) asks the director
    for a second signature and counts only when it has been given.

    :raises InvalidError: a point not ticked, an unknown way, a guardian's part that does not fit the age.

    Each yes is recorded apart: on paper and by telephone at once, in the room and by own sign-in when it is given.

    Records: ``pathway:f02:signed``. Rule: 篇4 一; R4-01, R4-02.
    """
    card = client_of(db, actor=actor, case=case)
    part = str(content.get("guardian") or "")
    _check_consent(content, part)
    version = consent_version(db)
    full = {**content, "version": version, "explained_by": actor.name, "age": age_of(db, card)}
    settings = house_of(db).settings
    full |= {"qualification": qualification_of(db, actor.holder_id), "minutes": settings.session_minutes}
    full |= {"cancel_hours": settings.cancel_hours, "kept_years": KEPT_YEARS}
    with recording(db):
        number = 1 + newest_number(db, case.shared_box_id, CONSENT.code)
        item = write_form(db, actor=actor, case=case, kind=CONSENT, content=full, seen_version=0, sign=True, number=number)
        db.flush()
        _said_already(db, actor, case, item, content, part)
        asked = _ask_exception(db, actor, case, part, content, age_of(db, card)) if part in EXCEPTIONS else None
        return db.merge(
            Consent(
                case_id=case.case_id,
                version=version,
                item_id=item.item_id,
                way=str(content["way"]),
                countersign_id=asked.task_id if asked else None,
                on_day=today(house_of(db).settings.time_zone),
            )
        )


def _said_already(db: Session, actor: SignedIn, case: Case, item: Item, content: Mapping[str, Any], part: str) -> None:
    """Record the answers that were given before the form was filled in, each as its own: the client's, the guardian's."""
    said = partial(record_agreement, db, actor=actor, case=case, item=item, agreed=True)
    if content["way"] in AT_ONCE:
        said(way=str(content["way"]), sheet_place=str(content.get("sheet_place") or ""))
    if part == "signed" and content["guardian_way"] in AT_ONCE:
        sheet, words = str(content.get("guardian_place") or ""), str(content["guardian_note"])
        said(way=str(content["guardian_way"]), sheet_place=sheet, words=words, party=GUARDIAN)


def _ask_exception(db: Session, actor: SignedIn, case: Case, part: str, content: Mapping[str, Any], age: int | None) -> Task:
    reason = {"code": EXCEPTIONS[part], "age": age, "reason": str(content["guardian_note"]), "by": actor.name}
    return ask_second_signature(db, actor=actor, client_id=case.client_id, object_id=case.case_id, content=reason)


def consent_given(db: Session, *, actor: SignedIn, case: Case) -> Consent | None:
    """Return the consent in the version in force when the client has said yes to exactly this text, else None."""
    consent = present_consent(db, case)
    item = db.get(Item, consent.item_id) if consent is not None else None
    return consent if agreed_to(db, actor=actor, case=case, item=item) is not None else None


def guardian_settled(db: Session, *, actor: SignedIn, case: Case, consent: Consent) -> bool:
    """Return whether the guardian said yes, needs not, or the second signature under an exception is there; all read sealed."""
    item = db.get_one(Item, consent.item_id)
    content = open_bodies(db, box=open_box(db, keys_of(db, actor), case.shared_box_id), item=item)[0]
    part, age = str(content.get("guardian")), content.get("age")
    if agreed_to(db, actor=actor, case=case, item=item, party=GUARDIAN) is not None:
        return True
    if part in EXCEPTIONS:
        signed = signed_reasons(db, actor=actor, object_id=case.case_id, code=EXCEPTIONS[part])
        return any(task.task_id == consent.countersign_id for task, _words in signed)
    known, policy = age if isinstance(age, int) else None, house_of(db).settings.guardian_policy
    return part != "signed" and part in guardian_parts(known, policy)


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
    if part in ("signed", "contraindicated", *EXCEPTIONS) and not str(content.get("guardian_note") or "").strip():
        problems["guardian_note"] = "empty"
    if part == "signed" and content.get("guardian_way") not in GUARDIAN_WAYS:
        problems["guardian_way"] = "unknown"
    if part == "signed" and content.get("guardian_way") == ON_PAPER and not str(content.get("guardian_place") or "").strip():
        problems["guardian_place"] = "empty"
    if problems:
        raise InvalidError(**problems)


def present_consent(db: Session, case: Case) -> Consent | None:
    """Return the consent in the version in force, or None when it must be explained (again)."""
    return db.get(Consent, (case.case_id, consent_version(db)))
