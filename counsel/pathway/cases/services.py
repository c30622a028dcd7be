"""Find cases, list them by covers, open their boxes. Opening a case is `opening`, moving it `moving`."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import bindparam, inspect, select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import Recorder, recording
from counsel.audit.marks import not_before
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import local
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, UnreadableError
from counsel.core.rows import Prepared
from counsel.keys.boxes import OpenBox, grant_anew, open_box, readers_of, revoke
from counsel.keys.bundle import Keyring
from counsel.keys.grants import Reader
from counsel.keys.many import open_boxes
from counsel.keys.models import Box
from counsel.keys.rotation import open_for_writing, rotate
from counsel.keys.trust import holder_row
from counsel.pathway.cases.covers import Cover, open_cover
from counsel.pathway.cases.lifecycle import OPEN_STATES
from counsel.pathway.cases.models import Case, CaseReader
from counsel.pathway.cases.pace import check_pace
from counsel.people.cards import proven_client

NAMED = (CaseReader.holder_id, CaseReader.purpose, CaseReader.until_on, CaseReader.stays)
READERS = Prepared(select(*NAMED).where(CaseReader.case_id == bindparam("case")))


def case_at(db: Session, case_id: UUID | None) -> Case | None:
    """Return the case with an id, or None; nobody has been asked yet whether it may be seen."""
    return db.get(Case, case_id) if case_id is not None else None


def case_facts(db: Session, case: Case | None) -> Facts | None:
    """Return what the rules may know about a case."""
    if case is None:
        return None
    found = READERS.all(db, case=case.case_id)
    day = local(not_before(db), house_of(db).settings.time_zone).date() if found else None
    named = frozenset(
        row.holder_id
        for row in found
        if (row.purpose != "receiving" or row.stays) and (row.until_on is None or (day is not None and row.until_on >= day))
    )
    return Facts(
        client_id=case.client_id,
        assigned_to=case.counsellor_id,
        state="handed_in" if case.handed_in and case.state == "closed" else case.state,
        read_by=named,
        receiver_id=case.transfer_to if case.state == "transfer_pending" else None,
    )


@contextmanager
def held(db: Session, case: Case) -> Iterator[Recorder]:
    """Run the block in one write transaction with the case's row locked; what was decided on before must still hold.

    :raises ConflictError: somebody moved the case, or took it over, meanwhile.
    """
    before = None if inspect(case).expired else _decisive(case)  # nothing was decided on what nobody has read yet
    with recording(db) as record:
        db.refresh(case, with_for_update=True)
        if before not in (None, _decisive(case)):
            raise ConflictError("faster")
        yield record


def _decisive(case: Case) -> tuple[object, ...]:
    return case.state, case.counsellor_id, case.handed_in, case.transfer_to


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
        boxes = open_boxes(db, keyring, [case.box_id for case in cases])
        covers = [(case, _cover_or_blank(boxes.get(case.box_id), case)) for case in cases]
        record.by(actor, "pathway:caseload:read", detail=str(len(cases)))
    return covers


def _cover_or_blank(box: OpenBox | None, case: Case) -> Cover:
    """One case whose key is gone must not hide all the others."""
    try:
        return open_cover(box, case) if box is not None else Cover("?")
    except UnreadableError:
        return Cover("?")


def find_case(db: Session, *, actor: SignedIn, case_id: UUID | None, permission: Permission, danger: bool = False) -> Case:
    """Return a case the actor may use, or refuse as if it were absent.

    :param danger: what is done with it asks about danger or reports it, and waits for no limit.
    """
    case = case_at(db, case_id)
    require(db, actor, permission, case_facts(db, case), object_id=case_id)
    assert case is not None
    if actor.staff_id is not None and not danger:
        check_pace(db, actor, case)
    return case


def case_by_number(db: Session, *, actor: SignedIn, number: int) -> Case:
    """Return one of the actor's cases by its number, or refuse as if it were absent."""
    case = db.scalar(select(Case).where(Case.case_no == number))
    require(db, actor, Permission.CASE_READ, case_facts(db, case), object_id=case.case_id if case else None)
    assert case is not None
    return case


def cover_of(db: Session, *, actor: SignedIn, case: Case) -> Cover:
    """Open one case's cover; the caller's page has its audit line."""
    return open_cover(open_box(db, keys_of(db, actor), case.box_id), case)


def writing_box(db: Session, *, actor: SignedIn, case: Case, shared: bool) -> OpenBox:
    """Open a case's own box, or the one the client reads too, to write in it; a stale own box gets a new epoch first."""
    keyring = keys_of(db, actor)
    own = open_for_writing(db, keyring, case.box_id)
    if not shared:
        return own
    db.flush()
    if (db.get_one(Box, case.shared_box_id).parent_epoch or 0) < own.epoch:  # somebody left since: the shared box changes too
        rotate(db, keyring, case.shared_box_id)
        db.flush()
    box = open_box(db, keyring, case.shared_box_id)
    _share_again(db, keyring, case, box)
    return box


def forget_receiver(db: Session, case: Case) -> None:
    """Take the key from whoever was to take the case over and will not; needs no key."""
    given = db.get(CaseReader, (case.case_id, case.transfer_to)) if case.transfer_to is not None else None
    if given is not None and given.stays:  # whoever reads the case as a second reader goes on doing so
        given.purpose, given.stays = "second", False
    elif given is not None and given.purpose == "receiving":
        revoke(db, case.box_id, given.holder_id)
        db.delete(given)
    case.transfer_to = None


def _share_again(db: Session, keyring: Keyring, case: Case, box: OpenBox) -> None:
    """Grant the shared box to a client's new keys: whoever forgot the passphrase reads again what was shared before."""
    newest = holder_row(db, case.client_id)
    granted = {grant.holder_version for grant in readers_of(db, box.box_id) if grant.holder_id == case.client_id}
    if newest is None or newest.version in granted:
        return
    proven = proven_client(db, keyring, case.client_id)
    assert proven is not None
    grant_anew(db, box, reader=Reader(proven[0], "client"), granter=keyring, link=proven[1])
