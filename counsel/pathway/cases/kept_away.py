"""Colleagues who are suspected of harming a client are kept away from the client's work for good (篇8 二; domain §3.6)."""

from collections.abc import Iterable
from contextlib import suppress
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.core.errors import ConflictError
from counsel.keys.boxes import revoke
from counsel.pathway.cases.lifecycle import OPEN_STATES
from counsel.pathway.cases.models import Case, CaseReader
from counsel.people.conflicts import declare, declared_against
from counsel.people.exclusions import Excluded, excluded_for, listed_clients


def keep_away(db: Session, *, client_id: UUID, people: Iterable[Excluded]) -> list[Case]:
    """Bar the colleagues among some suspected people, without a word, inside the caller's transaction.

    Who counsels the client now is not barred, which would show; those cases are returned, and must change hands.
    """
    cases, suspected = _counselling(db, client_id), _holders(people)
    for holder_id in sorted(suspected - set(cases) - declared_against(db, client_id)):
        declare(db, holder_id, client_id)
    _stop_reading(db, client_id, suspected - set(cases))
    return [cases[holder_id] for holder_id in sorted(suspected & set(cases))]


def _stop_reading(db: Session, client_id: UUID, suspected: set[UUID]) -> None:
    """Take the keys of whoever reads along in a case of the client, or did before: what is written from now on is about them."""
    theirs = select(Case).where(Case.client_id == client_id)
    for case in db.scalars(theirs).all() if suspected else []:
        mine = CaseReader.holder_id.in_(suspected)
        for row in db.scalars(select(CaseReader).where(CaseReader.case_id == case.case_id, mine)).all():
            for box_id in (case.box_id, case.shared_box_id):
                revoke(db, box_id, row.holder_id)
            db.delete(row)


def _counselling(db: Session, client_id: UUID) -> dict[UUID, Case]:
    """Return the client's open cases by whose they are."""
    theirs = select(Case).where(Case.client_id == client_id, Case.state.in_(OPEN_STATES))
    return {case.counsellor_id: case for case in db.scalars(theirs)}


def _holders(people: Iterable[Excluded]) -> set[UUID]:
    return {UUID(person.holder) for person in people if person.holder}


def keep_away_again(db: Session, *, actor: SignedIn) -> None:
    """Bar whoever was suspected while they still counselled the client and does so no longer; by whoever reads the lists."""
    for client_id in listed_clients(db):
        people = excluded_for(db, actor=actor, client_id=client_id)
        if _holders(people) - set(_counselling(db, client_id)) - declared_against(db, client_id):
            with suppress(ConflictError), recording(db):  # a colleague's page was faster
                keep_away(db, client_id=client_id, people=people)
