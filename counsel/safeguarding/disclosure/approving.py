"""Say yes or no to what has been submitted: the director, duty when the director is not reached, the outside supervisor.

Whoever is asked opens the submitted page and nothing else. Leaders are never asked about content.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.decide import decide
from counsel.confidentiality.facts import NOTHING
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.confidentiality.telling import Approval
from counsel.core.clock import now
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError, TransitionError
from counsel.keys.boxes import OpenBox, add_reader, open_box
from counsel.keys.grants import Reader
from counsel.keys.groups import group_reader
from counsel.keys.rotation import open_to_add
from counsel.keys.trust import holder_row
from counsel.outbox.notices import notify
from counsel.people.deputies import second_persons
from counsel.people.exclusions import kept_from
from counsel.records.services import item_of, open_bodies, write_signed
from counsel.safeguarding.disclosure.draft import LONGEST_NAME, LONGEST_REASON, approval_of
from counsel.safeguarding.disclosure.found import disclosure_facts, read_form, stamp
from counsel.safeguarding.disclosure.models import Disclosure
from counsel.tasks.services import end_tasks, open_task

VERDICT = "verdict"


@dataclass(frozen=True)
class Verdict:
    """What somebody says to a submitted disclosure.

    :param opinion: for a lawful demand, the legal opinion: by whom, and what it says.
    """

    agreed: bool
    words: str = ""
    opinion_by: str = ""
    opinion: str = ""


def ask_for_yes(db: Session, *, actor: SignedIn, row: Disclosure, box: OpenBox, approval: Approval) -> None:
    """Grant the submitted page to those who may say yes and tell them; inside the caller's transaction.

    Nobody who is kept away from the client: then somebody outside says yes, and duty at once where there is nobody.

    :raises TransitionError: ``NO_SECOND_PERSON``, when nobody but the sender could.
    """
    keyring, settings = keys_of(db, actor), house_of(db).settings
    kept = kept_from(db, actor=actor, client_id=row.client_id)
    row.by_director, second = second_persons(db, account_id=actor.staff_id, kept=kept)
    if not second and approval is not Approval.DIRECTOR_OR_DUTY:
        raise TransitionError("NO_SECOND_PERSON")
    for holder_id in second:
        holder = holder_row(db, holder_id)
        assert holder is not None
        add_reader(db, box, reader=Reader(holder, "approve"), granter=keyring)
        notify(db, reader_id=holder_id, kind="approve", object_id=row.disclosure_id)
    due, role = now() + timedelta(hours=settings.approval_hours), str(Role.SCHOOL_LEADER)
    if approval is Approval.DIRECTOR_OR_DUTY:
        add_reader(db, box, reader=group_reader(db, "duty", "approve"), granter=keyring)
        due, role = now() + timedelta(minutes=settings.director_wait_minutes if second else 0), str(Role.COUNSELLOR)
        row.duty_from = due
    open_task(db, kind="approve", due_at=due, object_id=row.disclosure_id, escalation_role=role, grace=timedelta())


def waiting_for_yes(db: Session, *, actor: SignedIn) -> list[Disclosure]:
    """Return the submitted disclosures the actor may say yes or no to now, the oldest first; nothing is opened."""
    require(db, actor, Permission.DISCLOSURE_LIST)
    rows = db.scalars(select(Disclosure).where(Disclosure.state == "submitted").order_by(Disclosure.number))
    return [row for row in rows if decide(actor, Permission.DISCLOSURE_APPROVE, disclosure_facts(db, row) or NOTHING).allowed]


def answer(db: Session, *, actor: SignedIn, row: Disclosure, verdict: Verdict) -> None:
    """Say yes or no to a submitted disclosure, once, with one's own signature beside it.

    :raises InvalidError: a yes to a lawful demand without a legal opinion, a no without a reason.
    :raises ConflictError: somebody was faster, or it was withdrawn.

    Records: ``safeguarding:disclosure:approved`` or ``:declined``. Rule: 篇4 五六; R9-16.
    """
    require(db, actor, Permission.DISCLOSURE_APPROVE, disclosure_facts(db, row), object_id=row.disclosure_id)
    content = read_form(db, actor=actor, row=row)
    opinion_due = approval_of(content, int(content["level"])) is Approval.DIRECTOR_AND_OPINION
    check_verdict(verdict, opinion_due)
    keyring = keys_of(db, actor)
    with recording(db) as record:
        db.refresh(row, with_for_update=True)
        if row.state != "submitted":
            raise ConflictError("task_ended")
        box = open_to_add(db, keyring, row.box_id)
        write_signed(db, box=box, kind=VERDICT, keyring=keyring, content={**asdict(verdict), "by": actor.name, "at": stamp()})
        row.state, row.decider_id = "approved" if verdict.agreed else "declined", keyring.holder_id
        end_tasks(db, object_id=row.disclosure_id, kind="approve", outcome="signed" if verdict.agreed else "declined")
        notify(db, reader_id=row.sender_id, kind="decided", object_id=row.disclosure_id)
        record.by(actor, f"safeguarding:disclosure:{row.state}", subject_id=row.client_id, object_id=row.disclosure_id)


def check_verdict(verdict: Verdict, opinion_due: bool) -> None:
    """Check what somebody says: a no has a reason, a yes to a demand of the law an opinion.

    :raises InvalidError: field by field.
    """
    problems = {} if verdict.agreed or verdict.words.strip() else {"words": "empty"}
    if verdict.agreed and opinion_due:
        problems |= {name: "empty" for name in ("opinion_by", "opinion") if not getattr(verdict, name).strip()}
    if max(len(verdict.words), len(verdict.opinion)) > LONGEST_REASON or len(verdict.opinion_by) > LONGEST_NAME:
        problems["words"] = "too_long"
    if problems:
        raise InvalidError(**problems)


def verdict_of(db: Session, *, actor: SignedIn, row: Disclosure) -> Mapping[str, Any] | None:
    """Open what was said to a submitted disclosure, or None; the caller's page has its audit line."""
    item = item_of(db, row.box_id, VERDICT)
    return open_bodies(db, box=open_box(db, keys_of(db, actor), row.box_id), item=item)[0] if item is not None else None
