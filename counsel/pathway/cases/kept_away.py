"""Colleagues who are suspected of harming a client are kept away from the client's work for good (篇8 二; domain §3.6)."""

from collections.abc import Iterable
from contextlib import suppress
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import colleagues_here
from counsel.access.gate import keys_of
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.core.errors import ConflictError
from counsel.keys.boxes import revoke
from counsel.pathway.cases.lifecycle import OPEN_STATES
from counsel.pathway.cases.models import Case, CaseReader
from counsel.people.conflicts import declare, declared_against, same_person
from counsel.people.exclusions import Excluded, excluded_for, listed_clients


def keep_away(db: Session, *, actor: SignedIn, client_id: UUID, people: Iterable[Excluded]) -> list[Case]:
    """Bar the colleagues among some suspected people, without a word, inside the caller's transaction.

    Who counsels the client now is not barred, which would show; those cases are returned, and must change hands.
    """
    ids = same_person(db, keys_of(db, actor), client_id)
    cases, suspected = _counselling(db, ids), suspected_here(db, people)
    for holder_id in sorted(suspected - set(cases)):
        if any(holder_id not in declared_against(db, one) for one in ids):
            declare(db, holder_id, *ids)
    _stop_reading(db, ids, suspected - set(cases))
    return [cases[holder_id] for holder_id in sorted(suspected & set(cases))]


def _stop_reading(db: Session, ids: tuple[UUID, ...], suspected: set[UUID]) -> None:
    """Take the keys of whoever reads along in a case of the client, or did before: what is written from now on is about them."""
    theirs = select(Case).where(Case.client_id.in_(ids))
    for case in db.scalars(theirs).all() if suspected else []:
        mine = CaseReader.holder_id.in_(suspected)
        for row in db.scalars(select(CaseReader).where(CaseReader.case_id == case.case_id, mine)).all():
            for box_id in (case.box_id, case.shared_box_id):
                revoke(db, box_id, row.holder_id)
            db.delete(row)


def _counselling(db: Session, ids: tuple[UUID, ...]) -> dict[UUID, Case]:
    """Return the client's open cases by whose they are."""
    theirs = select(Case).where(Case.client_id.in_(ids), Case.state.in_(OPEN_STATES))
    return {case.counsellor_id: case for case in db.scalars(theirs)}


def suspected_here(db: Session, people: Iterable[Excluded]) -> set[UUID]:
    """Return the colleagues among some people: those who were chosen, and whoever came since with the name that was typed."""
    people = tuple(people)
    chosen = {UUID(person.holder) for person in people if person.holder}
    typed = [person for person in people if not person.holder and not person.outside]
    here = colleagues_here(db) if typed else []
    return chosen | {holder for holder, name in here if any(person.is_meant(name) for person in typed)}


def keep_away_again(db: Session, *, actor: SignedIn) -> None:
    """Bar whoever was suspected while they still counselled the client and does so no longer; by whoever reads the lists.

    Records: ``people:exclusion:read``, once, when there are any.
    """
    listed = listed_clients(db)
    if not listed:
        return
    with recording(db) as record:
        found = {client_id: excluded_for(db, actor=actor, client_id=client_id) for client_id in listed}
        record.by(actor, "people:exclusion:read", detail=str(len(listed)))
    for client_id, people in found.items():
        if suspected_here(db, people) - set(_counselling(db, (client_id,))) - declared_against(db, client_id):
            with suppress(ConflictError), recording(db):  # a colleague's page was faster
                keep_away(db, actor=actor, client_id=client_id, people=people)
