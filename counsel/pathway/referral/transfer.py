"""Hand a case over to a colleague: asked by counsellor, client or director; read together; accepted by the receiver (T05–T07).

The one who leaves grants the box when everything is signed; the one who comes rotates it, so that nothing written afterwards
opens for the old keys, and grants back what was there before, for the reading time of the setting.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import Recorder, recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import at_local, today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, TransitionError
from counsel.keys.boxes import add_reader, open_box, revoke
from counsel.keys.grants import Reader, make_grant
from counsel.keys.rotation import open_for_writing, rotate
from counsel.keys.trust import check_recipient, holder_row
from counsel.outbox.notices import notify
from counsel.pathway.appointments.reception import let_go_times
from counsel.pathway.cases.agreement import agreed_to
from counsel.pathway.cases.dossier import HAND_OVER, read_form, write_form
from counsel.pathway.cases.evidence import ConflictClear, Evidence, HandedOver, ReasonGiven
from counsel.pathway.cases.kept_away import keep_away
from counsel.pathway.cases.lifecycle import CLIENT, COUNSELLOR, DIRECTOR, RECEIVER
from counsel.pathway.cases.models import Case, CaseMove, CaseReader
from counsel.pathway.cases.moving import move
from counsel.pathway.cases.services import case_facts, forget_receiver, held
from counsel.pathway.sessions.models import CounsellingSession
from counsel.people.conflicts import check_free, closed_to
from counsel.people.exclusions import excluded_for
from counsel.people.staff import may_take_cases, staff_name
from counsel.records.services import item_of

TRANSFER_REASONS = ("competence", "conflict", "absence", "client_wish", "leave")


def ask_transfer(db: Session, *, actor: SignedIn, case: Case, by: str, reason: str, to: UUID | None = None) -> None:
    """T05: ask that a colleague take the case over.

    :param by: counsellor, client or director; a client needs no reason but the wish.
    :param to: the colleague, when it is known; else the director chooses.
    :raises InvalidError: no such reason, or a colleague who may take no case.

    Rule: 篇10 二; 篇9 二2.
    """
    if by not in (COUNSELLOR, CLIENT, DIRECTOR):
        raise TransitionError("NO_STEP")
    code = "client_wish" if by == CLIENT else reason
    if code not in TRANSFER_REASONS:
        raise InvalidError(reason="unknown")
    with recording(db):
        if to is not None:
            check_free(db, actor, case.client_id, to)
        evidence = [ReasonGiven("WHY", case.case_id)]
        move(db, actor=actor, case=case, to="transfer_pending", by=by, evidence=evidence, reason=code)
        case.transfer_to = _able(db, case, to) if to is not None else None


def _able(db: Session, case: Case, to: UUID) -> UUID:
    if to == case.counsellor_id or not may_take_cases(db, to):
        raise InvalidError(to="same_person")
    return to


def choose_receiver(db: Session, *, actor: SignedIn, case: Case, to: UUID) -> None:
    """The director says who takes it over; once a summary names somebody, a new wish must be asked for (T07, T05).

    :raises TransitionError: ``NAMED``, when the summary in hand was signed for somebody else.

    Records: ``pathway:transfer:assigned``.
    """
    require(db, actor, Permission.CASE_DIRECT, case_facts(db, case), object_id=case.case_id)
    if case.state != "transfer_pending":
        raise TransitionError("NO_STEP")
    with held(db, case) as record:
        if _promised(db, case, to):
            raise TransitionError("NAMED")
        check_free(db, actor, case.client_id, to)
        forget_receiver(db, case)
        case.transfer_to = _able(db, case, to)
        _line(record, actor, case, "assigned")


def _promised(db: Session, case: Case, to: UUID) -> bool:
    """Return whether the summary was signed, and perhaps agreed to, for somebody else than `to`."""
    item = item_of(db, case.shared_box_id, HAND_OVER.code, hand_over_number(db, case))
    return item is not None and item.state == "signed" and case.transfer_to != to


def _line(record: Recorder, actor: SignedIn, case: Case, what: str) -> None:
    record.by(actor, f"pathway:transfer:{what}", subject_id=case.client_id, object_id=case.case_id)


def refuse_transfer(db: Session, *, actor: SignedIn, case: Case, reason: str) -> None:
    """T07: the director leaves the case where it is, with a reason from the list."""
    if reason not in TRANSFER_REASONS:
        raise InvalidError(reason="unknown")
    with recording(db):
        evidence = [ReasonGiven("WHY", case.case_id)]
        move(db, actor=actor, case=case, to=case.resume_state or "", by=DIRECTOR, evidence=evidence, reason=reason)


def hand_over_number(db: Session, case: Case) -> int:
    """Return the number of the summary in hand: each wish to hand over (T05) has its own, read and agreed anew."""
    asked = select(func.count()).where(CaseMove.case_id == case.case_id, CaseMove.rule == "T05")
    return max(1, db.scalar(asked) or 0)


def write_hand_over(
    db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int, sign: bool, number: int
) -> None:
    """Save a draft of the summary, or sign it for the colleague it names, to be read with the client.

    :raises TransitionError: ``RECEIVER``, when it is signed before it is known who takes the case over.

    Records: ``pathway:handover:drafted`` or ``:signed``. Rule: 篇10 二.
    """
    if sign and case.transfer_to is None:
        raise TransitionError("RECEIVER")
    with held(db, case):
        full = {**content, "receiver": staff_name(db, case.transfer_to)}
        place = {"content": full, "seen_version": seen_version, "sign": sign, "number": number}
        write_form(db, actor=actor, case=case, kind=HAND_OVER, **place)  # type: ignore[arg-type]


def give_key(db: Session, *, actor: SignedIn, case: Case) -> None:
    """The one who leaves hands the key over: summary signed, client agreed to it, every note signed, receiver known.

    :raises TransitionError: ``G12`` while one of these is missing.

    Records: ``pathway:transfer:handed``. Rule: 篇10 二.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    keyring = keys_of(db, actor)
    with held(db, case) as record:
        receiver = holder_row(db, case.transfer_to) if case.transfer_to is not None else None
        if case.state != "transfer_pending" or receiver is None or not _ready(db, actor, case):
            raise TransitionError("G12")
        check_free(db, actor, case.client_id, receiver.holder_id)  # barred since the colleague was chosen
        for box_id in (case.box_id, case.shared_box_id):
            revoke(db, box_id, receiver.holder_id)  # what an earlier part in the case left
        db.flush()
        box = open_for_writing(db, keyring, case.box_id)
        add_reader(db, box, reader=Reader(receiver, "receiving"), granter=keyring)
        before = db.get(CaseReader, (case.case_id, receiver.holder_id))
        stays = before is not None and (before.purpose == "second" or before.stays)
        place = {"case_id": case.case_id, "holder_id": receiver.holder_id, "purpose": "receiving", "stays": stays}
        db.merge(CaseReader(**place, until_on=None))
        notify(db, reader_id=receiver.holder_id, kind="case_arrives", object_id=case.case_id)
        _line(record, actor, case, "handed")


def _ready(db: Session, actor: SignedIn, case: Case) -> bool:
    form = read_form(db, actor=actor, case=case, kind=HAND_OVER, number=hand_over_number(db, case))
    unsigned = select(CounsellingSession.number).where(
        CounsellingSession.case_id == case.case_id, CounsellingSession.note_signed.is_(False)
    )
    if not form.signed or db.scalar(unsigned.limit(1)) is not None:
        return False
    return agreed_to(db, actor=actor, case=case, item=form.item) is not None


def transfers_waiting(db: Session, *, actor: SignedIn) -> list[int]:
    """Return the numbers of cases that wait for the director to say who takes them over, the oldest first."""
    require(db, actor, Permission.CASE_DIRECT)
    query = select(Case.case_no).where(Case.state == "transfer_pending", Case.transfer_to.is_(None))
    return list(db.scalars(query.where(Case.client_id.not_in(closed_to(db, actor.holder_id))).order_by(Case.case_no)))


def incoming(db: Session, *, actor: SignedIn) -> list[Case]:
    """Return the cases whose key has been handed over to the actor, to read the summary and accept."""
    given = select(CaseReader.case_id).where(CaseReader.holder_id == actor.holder_id, CaseReader.purpose == "receiving")
    query = select(Case).where(Case.transfer_to == actor.holder_id, Case.state == "transfer_pending", Case.case_id.in_(given))
    return list(db.scalars(query.order_by(Case.case_no)))


def key_given(db: Session, *, actor: SignedIn, case: Case) -> bool:
    """Return whether the one who leaves has handed the key to the actor."""
    row = db.get(CaseReader, (case.case_id, actor.holder_id)) if actor.holder_id is not None else None
    return row is not None and row.purpose == "receiving"


def accept_transfer(db: Session, *, actor: SignedIn, case: Case, no_conflict: bool) -> None:
    """T06: the receiver has read the summary, declares no other relationship, and takes the case over.

    :raises TransitionError: ``CREDENTIAL``, ``G4`` with another relationship, ``G12`` before the key was given.

    Records: ``pathway:case:moved``. Rule: 篇10 二; 篇9 一7.
    """
    require(db, actor, Permission.CASE_RECEIVE, case_facts(db, case), object_id=case.case_id)
    assert actor.holder_id is not None
    if not may_take_cases(db, actor.holder_id):
        raise TransitionError("CREDENTIAL")
    evidence: list[Evidence] = [ConflictClear("G4", case.case_id)] if no_conflict else []
    with held(db, case):
        check_free(db, actor, case.client_id, actor.holder_id)
        if key_given(db, actor=actor, case=case) and _ready(db, actor, case):
            evidence.append(HandedOver("G12", case.case_id))
        move(db, actor=actor, case=case, to=case.resume_state or "", by=RECEIVER, evidence=evidence)
        old, case.counsellor_id, case.transfer_to = case.counsellor_id, actor.holder_id, None
        db.flush()
        let_go_times(db, actor=actor, client_id=case.client_id, holder_id=old)
        keep_away(db, actor=actor, client_id=case.client_id, people=excluded_for(db, actor=actor, client_id=case.client_id))
        _change_keys(db, actor, case, old)


def _change_keys(db: Session, actor: SignedIn, case: Case, old: UUID) -> None:
    """Rotate both boxes without the one who left, then grant back the epochs before, for the reading time."""
    keyring = keys_of(db, actor)
    settings = house_of(db).settings
    before = [open_box(db, keyring, box_id) for box_id in (case.box_id, case.shared_box_id)]
    revoke(db, case.box_id, old)
    for box in before:
        db.flush()
        rotate(db, keyring, box.box_id)
    db.execute(delete(CaseReader).where(CaseReader.case_id == case.case_id, CaseReader.purpose != "second"))
    leaver = holder_row(db, old)
    if leaver is None or leaver.revoked:
        return
    check_recipient(db, leaver)
    until = today(settings.time_zone) + timedelta(days=settings.old_counsellor_read_days)
    end = at_local(until + timedelta(days=1), 0, settings.time_zone)
    for box in before:
        place = {"box_id": box.box_id, "epoch": box.epoch, "key": box.keys[box.epoch]}
        make_grant(db, **place, reader=Reader(leaver, "former", end), granter=keyring)  # type: ignore[arg-type]
    db.add(CaseReader(case_id=case.case_id, holder_id=old, purpose="former", until_on=until))


def add_second_reader(db: Session, *, actor: SignedIn, case: Case, holder_id: UUID) -> None:
    """Let a colleague read the case as well, for illness; the client sees the name under "who can see my file".

    :raises InvalidError: oneself, or a colleague who may take no case.

    Records: ``pathway:reader:added``. Rule: 篇4 三; R4-10.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    holder = holder_row(db, _able(db, case, holder_id))
    assert holder is not None
    keyring = keys_of(db, actor)
    check_free(db, actor, case.client_id, holder_id)
    with recording(db) as record:
        revoke(db, case.box_id, holder_id)
        db.flush()
        box = open_box(db, keyring, case.box_id)
        add_reader(db, box, reader=Reader(holder, "second"), granter=keyring)
        db.merge(CaseReader(case_id=case.case_id, holder_id=holder_id, purpose="second", until_on=None))
        record.by(actor, "pathway:reader:added", subject_id=case.client_id)


def end_second_reader(db: Session, *, actor: SignedIn, case: Case, holder_id: UUID) -> None:
    """Take a second reader's grant away and give both boxes a new epoch at once.

    :raises InvalidError: nobody's second reader. Records: ``pathway:reader:ended``.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    keyring = keys_of(db, actor)
    with recording(db) as record:
        row = db.get(CaseReader, (case.case_id, holder_id))
        if row is None or row.purpose != "second" or holder_id == case.counsellor_id:
            raise InvalidError(holder="unknown")
        db.delete(row)
        revoke(db, case.box_id, holder_id)
        for box_id in (case.box_id, case.shared_box_id):
            db.flush()
            rotate(db, keyring, box_id)
        record.by(actor, "pathway:reader:ended", subject_id=case.client_id)
