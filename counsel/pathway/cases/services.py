"""Open cases and move them; covers; the case's two boxes. Nobody else assigns `state`."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.rules import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import TransitionError
from counsel.core.ids import new_id
from counsel.crypto.blob import Kind
from counsel.crypto.context import Place
from counsel.keys.boxes import OpenBox, add_reader, adopt, create_box, open_box, open_for_writing, readers_of, revoke
from counsel.keys.bundle import Keyring
from counsel.keys.grants import Reader
from counsel.keys.models import Box
from counsel.keys.trust import holder_row
from counsel.pathway.cases.evidence import Evidence
from counsel.pathway.cases.lifecycle import OPEN_STATES, Transition, transition
from counsel.pathway.cases.models import Case, CaseMove, Counter
from counsel.people.cards import proven_client
from counsel.people.staff import may_take_cases


@dataclass(frozen=True)
class Cover:
    """The small sealed text a list may open: initial, level, next step; nothing that could not hang on a wall."""

    initial: str
    level: int = 0
    next_step: str = ""


def case_facts(case: Case | None) -> Facts | None:
    """Return what the rules may know about a case."""
    if case is None:
        return None
    return Facts(client_id=case.client_id, assigned_to=case.counsellor_id, state=case.state)


def next_number(db: Session, name: str) -> int:
    """Return the next gap-free number of a series, inside the caller's write transaction."""
    counter = db.get(Counter, name, with_for_update=True, populate_existing=True)
    if counter is None:
        counter = Counter(name=name, value=0)
        db.add(counter)
    counter.value += 1
    return counter.value


def open_case(db: Session, *, actor: SignedIn, client_id: UUID, initial: str, source: str, evidence: Iterable[Evidence]) -> Case:
    """T01: open a case with the actor as counsellor. Its box has one reader, the shared one two.

    :raises TransitionError: ``CREDENTIAL`` without a valid one (R6-02), or missing evidence.

    Records: ``pathway:case:opened``. Rule: 篇10 二.
    """
    if actor.holder_id is None or not may_take_cases(db, actor.holder_id):
        raise TransitionError("CREDENTIAL")
    step = _checked(None, "intake", evidence)
    keyring = keys_of(db, actor)
    case_id = new_id()
    with recording(db) as record:
        box, shared = _make_boxes(db, keyring, client_id)
        case = Case(
            case_id=case_id,
            case_no=next_number(db, "case"),
            client_id=client_id,
            counsellor_id=actor.holder_id,
            state="intake",
            source=source,
            box_id=box.box_id,
            shared_box_id=shared.box_id,
            cover_revision=0,
            cover_sealed=b"",
            opened_on=today(house_of(db).settings.time_zone),
        )
        _seal_cover(box, case, Cover(initial))
        db.add(case)
        _log_move(db, case, step, None, evidence, actor)
        record.line("pathway:case:opened", role=actor.role, actor_id=actor.holder_id, subject_id=client_id, object_id=case_id)
    return case


def _make_boxes(db: Session, keyring: Keyring, client_id: UUID) -> tuple[OpenBox, OpenBox]:
    me = holder_row(db, keyring.holder_id, keyring.version)
    assert me is not None
    box = create_box(db, kind="case", readers=[Reader(me, "assigned")], granter=keyring)
    proven = proven_client(db, keyring, client_id)
    readers = [Reader(proven[0], "client")] if proven else []
    shared = create_box(db, kind="shared", readers=readers, granter=keyring)
    db.flush()
    adopt(db, child=shared, parent=box, keep=[client_id])
    return box, shared


def move(
    db: Session,
    *,
    actor: SignedIn,
    case: Case,
    to: str,
    evidence: Iterable[Evidence],
    close_reason: str | None = None,
) -> None:
    """Take a case one arrow further.

    :raises TransitionError: no such arrow, or the code of the first guard without evidence.

    Records: ``pathway:case:moved`` with the rule's number.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(case), object_id=case.case_id)
    evidence = list(evidence)
    with recording(db) as record:
        db.refresh(case, with_for_update=True)
        step = _checked(case.state, to, evidence, close_reason)
        from_state, case.state, case.close_reason = case.state, to, close_reason
        _log_move(db, case, step, from_state, evidence, actor)
        record.line(
            "pathway:case:moved",
            role=actor.role,
            actor_id=actor.holder_id,
            subject_id=case.client_id,
            object_id=case.case_id,
            detail=step.rule,
        )


def _checked(from_state: str | None, to: str, evidence: Iterable[Evidence], close_reason: str | None = None) -> Transition:
    step = transition(from_state, to, close_reason)
    if step is None:
        raise TransitionError("NO_STEP")
    brought = {piece.guard for piece in evidence}
    for guard in step.guards:
        if guard not in brought:
            raise TransitionError(guard)
    return step


def _log_move(
    db: Session, case: Case, step: Transition, from_state: str | None, evidence: Iterable[Evidence], actor: SignedIn
) -> None:
    assert actor.holder_id is not None
    number = db.scalar(select(func.count()).where(CaseMove.case_id == case.case_id)) or 0
    sources = " ".join(f"{piece.guard}:{piece.source_id.hex if piece.source_id else '-'}" for piece in evidence)
    db.add(
        CaseMove(
            case_id=case.case_id,
            number=number + 1,
            rule=step.rule,
            from_state=from_state or "",
            to_state=step.to_state,
            evidence=sources[:600],
            actor_id=actor.holder_id,
            on_day=today(house_of(db).settings.time_zone),
        )
    )


def _seal_cover(box: OpenBox, case: Case, cover: Cover) -> None:
    case.cover_revision += 1
    place = Place("cases", case.case_id, case.cover_revision, case.client_id)
    case.cover_sealed = box.seal(json.dumps(asdict(cover)).encode(), Kind.COVER, place)


def change_cover(db: Session, box: OpenBox, case: Case, **changes: object) -> None:
    """Seal a case's cover again with some fields changed, inside the caller's write transaction."""
    fields = asdict(_open_cover(box, case)) | changes
    _seal_cover(box, case, Cover(**fields))


def _open_cover(box: OpenBox, case: Case) -> Cover:
    place = Place("cases", case.case_id, case.cover_revision, case.client_id)
    return Cover(**json.loads(box.unseal(case.cover_sealed, Kind.COVER, place)))


def open_cases_of(db: Session, holder_id: UUID | None) -> list[Case]:
    """Return a counsellor's open cases, newest number first."""
    query = select(Case).where(Case.counsellor_id == holder_id, Case.state.in_(OPEN_STATES))
    return list(db.scalars(query.order_by(Case.case_no.desc())))


def caseload(db: Session, *, actor: SignedIn) -> list[tuple[Case, Cover]]:
    """Return the actor's open cases with their covers opened; one audit line for the page.

    Records: ``pathway:caseload:read``. Rule: 篇4 三.
    """
    require(db, actor, Permission.CASE_LIST)
    keyring = keys_of(db, actor)
    with recording(db) as record:
        cases = open_cases_of(db, actor.holder_id)
        covers = [(case, _open_cover(open_box(db, keyring, case.box_id), case)) for case in cases]
        record.line("pathway:caseload:read", role=actor.role, actor_id=actor.holder_id, detail=str(len(cases)))
    return covers


def find_case(db: Session, *, actor: SignedIn, case_id: UUID | None, permission: Permission) -> Case:
    """Return a case the actor may use, or refuse as if it were absent."""
    case = db.get(Case, case_id) if case_id is not None else None
    require(db, actor, permission, case_facts(case), object_id=case_id)
    assert case is not None
    return case


def case_by_number(db: Session, *, actor: SignedIn, number: int) -> Case:
    """Return one of the actor's cases by its number, or refuse as if it were absent."""
    case = db.scalar(select(Case).where(Case.case_no == number))
    require(db, actor, Permission.CASE_READ, case_facts(case), object_id=case.case_id if case else None)
    assert case is not None
    return case


def cover_of(db: Session, *, actor: SignedIn, case: Case) -> Cover:
    """Open one case's cover; the caller's page has its audit line."""
    return _open_cover(open_box(db, keys_of(db, actor), case.box_id), case)


def writing_box(db: Session, *, actor: SignedIn, case: Case, shared: bool) -> OpenBox:
    """Open a case's own box, or the one the client reads too, to write in it; a stale own box gets a new epoch first."""
    keyring = keys_of(db, actor)
    if not shared:
        return open_for_writing(db, keyring, case.box_id)
    box = open_box(db, keyring, case.shared_box_id)
    _share_again(db, keyring, case, box)
    return box


def _share_again(db: Session, keyring: Keyring, case: Case, box: OpenBox) -> None:
    """Grant the shared box to a client's new keys: whoever forgot the passphrase reads again what was shared before."""
    newest = holder_row(db, case.client_id)
    granted = {grant.holder_version for grant in readers_of(db, box.box_id) if grant.holder_id == case.client_id}
    if newest is None or newest.version in granted:
        return
    proven = proven_client(db, keyring, case.client_id)
    assert proven is not None
    stale = db.get_one(Box, box.box_id).stale
    revoke(db, box.box_id, case.client_id)
    db.get_one(Box, box.box_id).stale = stale  # the same person under new keys: nobody left
    db.flush()
    add_reader(db, box, reader=Reader(proven[0], "client"), granter=keyring, link=proven[1])


def moves_of(db: Session, case: Case) -> list[CaseMove]:
    """Return a case's transitions, oldest first."""
    return list(db.scalars(select(CaseMove).where(CaseMove.case_id == case.case_id).order_by(CaseMove.number)))
