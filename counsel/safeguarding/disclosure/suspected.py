"""Somebody is suspected since: what they were told is taken back, what they were asked is asked of others (篇8 二; R8-02)."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.keys.boxes import add_reader, open_box
from counsel.keys.grants import Reader
from counsel.keys.models import Box, Grant
from counsel.keys.trust import holder_row
from counsel.outbox.notices import notify
from counsel.pathway.cases.countersign import ask_others, open_signatures
from counsel.people.conflicts import barred_now
from counsel.people.deputies import second_persons
from counsel.people.exclusions import kept_from
from counsel.safeguarding.disclosure.found import ASKED, asked_for_yes
from counsel.safeguarding.disclosure.models import Disclosure
from counsel.safeguarding.disclosure.sending import close_package
from counsel.safeguarding.disclosure.told import packages_of

TOLD = (*ASKED, "countersign")  # purposes of a grant


def stop_telling(db: Session, *, actor: SignedIn, client_ids: Collection[UUID], holders: Collection[UUID]) -> None:
    """Take the keys of suspected colleagues to what they were told or asked about a client, inside the caller's transaction.

    Needs no key. What one of them sends stays theirs.

    Records: ``safeguarding:package:revoked`` for each package.
    """
    rows = db.scalars(select(Disclosure).where(Disclosure.client_id.in_(client_ids))).all()
    with recording(db) as record:
        for row in rows:
            for package in packages_of(db, row):
                if package.recipient_id in holders and package.revoked_on is None:
                    close_package(db, package)
                    record.by(actor, "safeguarding:package:revoked", subject_id=row.client_id, object_id=package.package_id)
        _take_keys(db, [row.box_id for row in rows], holders)
        _take_keys(db, [task.box_id for task in open_signatures(db, client_ids) if task.box_id is not None], holders)


def _take_keys(db: Session, box_ids: Collection[UUID], holders: Collection[UUID]) -> None:
    """Take the keys of those who were asked for a yes, a look or a signature; whoever asked keeps theirs and notices nothing."""
    asked = (Grant.box_id.in_(box_ids), Grant.holder_id.in_(holders), Grant.purpose.in_(TOLD))
    db.execute(update(Box).where(Box.box_id.in_(select(Grant.box_id).where(*asked))).values(stale=True))
    db.execute(delete(Grant).where(*asked))


def ask_anew(db: Session, *, actor: SignedIn) -> int:
    """Ask somebody else where nobody who was asked may answer any more; return how many. At an unlock, for what one asked.

    Records: ``safeguarding:disclosure:asked`` or ``pathway:countersign:asked`` for each.
    """
    own = select(Disclosure).where(Disclosure.sender_id == actor.holder_id, Disclosure.state == "submitted")
    waiting = [row for row in db.scalars(own).all() if not asked_for_yes(db, row) - barred_now(db, row.client_id)]
    return sum(_ask(db, actor, row) for row in waiting) + ask_others(db, actor=actor)


def _ask(db: Session, actor: SignedIn, row: Disclosure) -> bool:
    keyring, kept = keys_of(db, actor), kept_from(db, actor=actor, client_id=row.client_id)
    with recording(db) as record:
        db.refresh(row, with_for_update=True)
        outside, able = second_persons(db, account_id=actor.staff_id, kept=kept)
        if row.state != "submitted" or not able:
            return False
        row.by_director = outside
        for holder_id in able:
            holder = holder_row(db, holder_id)
            assert holder is not None
            if holder_id not in asked_for_yes(db, row):
                add_reader(db, open_box(db, keyring, row.box_id), reader=Reader(holder, "approve"), granter=keyring)
            notify(db, reader_id=holder_id, kind="approve", object_id=row.disclosure_id)
        record.by(actor, "safeguarding:disclosure:asked", subject_id=row.client_id, object_id=row.disclosure_id)
    return True
