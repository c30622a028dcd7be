"""Look at a disclosure afterwards: within three working days, by somebody who neither sent it nor said yes (R4-20)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import roles_in
from counsel.access.gate import keys_of, require
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.decide import decide
from counsel.confidentiality.facts import NOTHING
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import at_local, today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError
from counsel.keys.boxes import OpenBox, add_reader, open_box
from counsel.keys.grants import Reader
from counsel.keys.models import Grant
from counsel.keys.rotation import open_to_add
from counsel.keys.trust import check_recipient, holder_row, roles_of
from counsel.outbox.notices import notify
from counsel.people.exclusions import kept_from
from counsel.records.services import item_of, open_bodies, write_signed
from counsel.safeguarding.disclosure.draft import LONGEST_REASON
from counsel.safeguarding.disclosure.found import disclosure_facts, stamp
from counsel.safeguarding.disclosure.models import Disclosure
from counsel.tasks.services import end_tasks, open_task

REVIEW = "review"
FINDINGS = ("in_order", "too_much", "too_late", "not_needed")
END_OF_DAY = 18 * 60


def ask_for_review(db: Session, *, actor: SignedIn, row: Disclosure, box: OpenBox) -> None:
    """Grant the record to those who may look at it afterwards, tell them, and set the day; inside the caller's transaction.

    Directors and supervisors first; where they had a part in it, the other counsellors.
    """
    assert row.review_due_on is not None
    keyring = keys_of(db, actor)
    granted = set(db.scalars(select(Grant.holder_id).where(Grant.box_id == row.box_id)))
    kept = kept_from(db, actor=actor, client_id=row.client_id)
    for holder_id in _reviewers(db, but={row.sender_id, row.decider_id, *kept}):
        holder = holder_row(db, holder_id)
        assert holder is not None
        if holder_id not in granted:
            check_recipient(db, holder)
            add_reader(db, box, reader=Reader(holder, "review"), granter=keyring)
        notify(db, reader_id=holder_id, kind="look_back", object_id=row.disclosure_id)
    due = at_local(row.review_due_on, END_OF_DAY, house_of(db).settings.time_zone)
    open_task(db, kind="look_back", due_at=due, object_id=row.disclosure_id, escalation_role=Role.SCHOOL_LEADER)


def _reviewers(db: Session, but: set[UUID | None]) -> list[UUID]:
    staff = db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active")).all()
    able = [row for row in staff if row.holder_id is not None and row.holder_id not in but and _certified(db, row.holder_id)]
    first = [row.holder_id for row in able if {Role.DIRECTOR, Role.SUPERVISOR} & set(roles_in(row))]
    others = [row.holder_id for row in able if Role.COUNSELLOR in roles_in(row)]
    return [holder_id for holder_id in first or others if holder_id is not None]


def _certified(db: Session, holder_id: UUID) -> bool:
    holder = holder_row(db, holder_id)
    return holder is not None and bool(roles_of(db, holder))


def waiting_for_review(db: Session, *, actor: SignedIn) -> list[Disclosure]:
    """Return the sent disclosures that wait for somebody's look and that the actor holds a key to; nothing is opened."""
    require(db, actor, Permission.DISCLOSURE_LIST)
    mine = select(Grant.box_id).where(Grant.holder_id == actor.holder_id)
    waiting = select(Disclosure).where(Disclosure.state == "sent", Disclosure.reviewed_on.is_(None), Disclosure.box_id.in_(mine))
    rows = db.scalars(waiting.order_by(Disclosure.review_due_on, Disclosure.number))
    return [row for row in rows if decide(actor, Permission.DISCLOSURE_REVIEW, disclosure_facts(db, row) or NOTHING).allowed]


def review(db: Session, *, actor: SignedIn, row: Disclosure, finding: str, words: str) -> None:
    """Say what one found, once, with one's own signature beside it.

    :raises InvalidError: no such finding, or one that is not "in order" without words; :raises ConflictError: done already.

    Records: ``safeguarding:disclosure:reviewed``. Rule: R4-20.
    """
    require(db, actor, Permission.DISCLOSURE_REVIEW, disclosure_facts(db, row), object_id=row.disclosure_id)
    if finding not in FINDINGS:
        raise InvalidError(finding="unknown")
    if (finding != "in_order" and not words.strip()) or len(words) > LONGEST_REASON:
        raise InvalidError(words="too_long" if words.strip() else "empty")
    keyring = keys_of(db, actor)
    with recording(db) as record:
        db.refresh(row, with_for_update=True)
        if row.reviewed_on is not None:
            raise ConflictError("task_ended")
        content = {"finding": finding, "words": words, "by": actor.name, "at": stamp()}
        write_signed(db, box=open_to_add(db, keyring, row.box_id), kind=REVIEW, keyring=keyring, content=content)
        row.reviewed_by, row.reviewed_on = keyring.holder_id, today(house_of(db).settings.time_zone)
        end_tasks(db, object_id=row.disclosure_id, kind="look_back", outcome="recorded")
        notify(db, reader_id=row.sender_id, kind="decided", object_id=row.disclosure_id)
        record.by(
            actor, "safeguarding:disclosure:reviewed", subject_id=row.client_id, object_id=row.disclosure_id, detail=finding
        )


def review_of(db: Session, *, actor: SignedIn, row: Disclosure) -> Mapping[str, Any] | None:
    """Open what was found afterwards, or None; the caller's page has its audit line."""
    item = item_of(db, row.box_id, REVIEW)
    return open_bodies(db, box=open_box(db, keys_of(db, actor), row.box_id), item=item)[0] if item is not None else None
