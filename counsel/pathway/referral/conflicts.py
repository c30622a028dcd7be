"""A relationship found later: declared by the counsellor or met by the daily look; it forces a hand-over (篇9 一7; R9-08)."""

from contextlib import suppress

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, TransitionError
from counsel.core.told import told
from counsel.pathway.cases.countersign import ask_second_signature
from counsel.pathway.cases.lifecycle import COUNSELLOR, OPEN_STATES, WORKING
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_facts
from counsel.pathway.referral.transfer import ask_transfer
from counsel.people.conflicts import barred, declare, same_person
from counsel.people.deputies import tell_directors
from counsel.people.models import ConflictLook

HARD = ("teaches", "kin", "business", "inquiry")  # no way round
SOFT = ("other_party", "manager", "own_matter")  # the director decides with the reason (domain §9.4)
SOFT_CODE = "G4"


def declare_relationship(db: Session, *, actor: SignedIn, case: Case, kind: str, reason: str) -> bool:
    """Declare another relationship with a client; return whether the case is handed over because of it.

    A hard one bars the counsellor for good and asks for the hand-over at once; a soft one asks the director, with the reason.

    :raises InvalidError: no such kind, or a soft one without reason.

    Records: ``pathway:conflict:declared``, without its kind. Rule: 篇9 一7; R9-07, R9-08.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    if kind not in (*HARD, *SOFT):
        raise InvalidError(kind="unknown")
    reason = told("reason", reason, needed=kind in SOFT)
    assert actor.holder_id is not None
    with recording(db) as record:
        record.by(actor, "pathway:conflict:declared", subject_id=case.client_id, object_id=case.case_id)
        if kind in SOFT:
            said = {"code": SOFT_CODE, "kind": kind, "reason": reason, "by": actor.name}
            ask_second_signature(db, actor=actor, client_id=case.client_id, object_id=case.case_id, content=said)
            return False
        declare(db, actor.holder_id, *same_person(db, keys_of(db, actor), case.client_id))
        _must_leave(db, actor, case)
    return True


def _must_leave(db: Session, actor: SignedIn, case: Case) -> None:
    """Ask for the hand-over where the case can be handed over; the director is told in every state.

    A report that the law demands comes first: then the daily look asks again.
    """
    tell_directors(db, kind="conflict_found", client_id=case.client_id, object_id=case.case_id)
    if case.state in WORKING:
        with suppress(TransitionError):
            ask_transfer(db, actor=actor, case=case, by=COUNSELLOR, reason="conflict")


def look_for_conflicts(db: Session, *, actor: SignedIn) -> list[Case]:
    """Compare one's own open cases with today's timetable and declarations, once a day; return those that must be handed over.

    Done at the counsellor's first page of the day with the vault open, and again after an import.

    Records: ``pathway:conflict:looked``, and ``:found`` for each. Rule: 篇9 一7; R9-08.
    """
    require(db, actor, Permission.CASE_LIST)
    day = today(house_of(db).settings.time_zone)
    look = db.get(ConflictLook, actor.holder_id) if actor.holder_id is not None else None
    if actor.holder_id is None or (look is not None and look.on_day >= day):
        return []
    keyring, found = keys_of(db, actor), []
    with recording(db) as record:
        record.by(actor, "pathway:conflict:looked")
        for case in db.scalars(select(Case).where(Case.counsellor_id == actor.holder_id, Case.state.in_(OPEN_STATES))).all():
            if case.state != "transfer_pending" and actor.holder_id in barred(db, keyring, case.client_id):
                record.by(actor, "pathway:conflict:found", subject_id=case.client_id, object_id=case.case_id)
                _must_leave(db, actor, case)
                found.append(case)
        db.merge(ConflictLook(holder_id=actor.holder_id, on_day=day))
    return found
