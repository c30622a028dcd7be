"""Hold or note a follow-up F12, and T23 when all of them are settled (R10-14)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError
from counsel.pathway.cases.dossier import FOLLOW_UP, read_form, write_form
from counsel.pathway.cases.evidence import Evidence, FollowedUp
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.moving import move
from counsel.pathway.cases.services import case_facts, held
from counsel.pathway.closing.models import FollowUp
from counsel.pathway.closing.services import AGREED, follow_ups_of
from counsel.pathway.intake.levels import evidence_of_level
from counsel.records.services import newest_number

LONGEST_CHANNEL = 200


def write_follow_up(
    db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int, sign: bool, number: int
) -> None:
    """Save a draft of F12, or sign it: then this follow-up is done, whether the client was reached or not.

    :raises ConflictError: it was settled already; :raises InvalidError: that nobody was reached, signed before the agreed day.

    Records: ``pathway:f12:drafted`` or ``:signed``. Rule: 篇10 六.
    """
    require(db, actor, Permission.CASE_FOLLOW_UP, case_facts(db, case), object_id=case.case_id)
    with recording(db):
        row = db.get(FollowUp, (case.case_id, number), with_for_update=True, populate_existing=True)
        if row is None or row.state != "planned":
            raise ConflictError("faster")
        day = today(house_of(db).settings.time_zone)
        if sign and day < row.planned_on and content.get("reached") != "yes":
            raise InvalidError(reached="before_day")
        own = {"agreed_on": row.planned_on.isoformat(), "held_on": day.isoformat()}
        place = {"content": {**content, **own}, "seen_version": seen_version, "sign": sign, "number": number}
        write_form(db, actor=actor, case=case, kind=FOLLOW_UP, **place)  # type: ignore[arg-type]
        if sign:
            row.state, row.settled_on = "done", day


def agreed_contact(db: Session, *, actor: SignedIn, case: Case) -> dict[str, str]:
    """Return the safe way and time that were agreed at closing, as the channel of a follow-up begins."""
    number = newest_number(db, case.box_id, AGREED.code)
    said = read_form(db, actor=actor, case=case, kind=AGREED, number=number).content
    parts = (str(said.get(name) or "") for name in ("contact", "when"))
    return {"channel": " · ".join(part for part in parts if part)[:LONGEST_CHANNEL]}


def decline_follow_up(db: Session, *, actor: SignedIn, case: Case, number: int) -> None:
    """The client would rather not be asked; said by the client, or to the counsellor.

    :raises ConflictError: it was settled already.

    Records: ``pathway:followup:declined``. Rule: 篇9 二2.
    """
    own = actor.client_id is not None
    facts = Facts(client_id=case.client_id) if own else case_facts(db, case)
    require(db, actor, Permission.FILE_OWN if own else Permission.CASE_FOLLOW_UP, facts, object_id=case.case_id)
    with recording(db) as record:
        row = db.get(FollowUp, (case.case_id, number), with_for_update=True, populate_existing=True)
        if row is None or row.state != "planned":
            raise ConflictError("faster")
        row.state, row.settled_on = "declined", today(house_of(db).settings.time_zone)
        record.by(actor, "pathway:followup:declined", subject_id=case.client_id, object_id=case.case_id)


def finish(db: Session, *, actor: SignedIn, case: Case) -> None:
    """T23: every planned follow-up is done or declined; the case closes as completed.

    :raises TransitionError: ``FOLLOWED`` while one is planned. Rule: 篇10 六.
    """
    with held(db, case):
        open_ones = [row for row in follow_ups_of(db, case) if row.state == "planned"]
        evidence: list[Evidence] = [] if open_ones else [FollowedUp("FOLLOWED", case.case_id)]
        evidence += evidence_of_level(db, actor=actor, case=case)
        move(db, actor=actor, case=case, to="closed", evidence=evidence, close_reason="completed")
