"""Alarms: a safety answer that asks for somebody at once, and the sealed boxes that `duty` opens (篇4 五)."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.keys.boxes import OpenBox, create_box
from counsel.keys.bundle import Keyring
from counsel.keys.grants import Reader
from counsel.keys.groups import group_reader
from counsel.keys.trust import check_recipient, holder_row
from counsel.people.cards import publish_client
from counsel.people.conflicts import barred_now
from counsel.records.services import start_item
from counsel.risk.questions import BOOKING
from counsel.roster.queries import duty_holder
from counsel.tasks.models import Task
from counsel.tasks.services import GRACE, open_task

ALARM_MINUTES, MOST_ALARMS = 30, 3


def is_alarming(answers: Mapping[str, str]) -> bool:
    """Return whether any safety answer asks for somebody at once; a refusal counts as yes (domain §3.1)."""
    return any(answers.get(code) in ("yes", "refused") for code in (*BOOKING, "urgent"))


def raise_alarm(db: Session, *, actor: SignedIn, answers: Mapping[str, str], phone: str = "", again: bool = False) -> None:
    """Put one sealed line to `duty` and a neutral task that ends only with a recorded contact.

    :param again: answers given anew (worse ones, another number) make a further task, at most three open ones; without
        it nothing is added while one is open.

    Called as soon as the answers are known, whether or not the request is ever sent. Where whoever has duty is kept away from
    the client, the director is told at the next run of the jobs.

    Records: ``risk:alarm:raised``. Rule: 篇4 五.
    """
    require(db, actor, Permission.APPOINTMENT_REQUEST)
    if not is_alarming(answers):
        return
    keyring = keys_of(db, actor)
    with recording(db) as record:
        client_id = publish_client(db, actor=actor)
        if _alarms_open(db, client_id) >= (MOST_ALARMS if again else 1):
            return
        box = request_box(db, keyring, "task")
        said = {code: answers.get(code, "") for code in (*BOOKING, "urgent")}
        content = {"answers": said, "phone": phone}
        start_item(db, box=box, kind="alarm", author=keyring.holder_id, content=content)
        due = now() + timedelta(minutes=ALARM_MINUTES)
        late = timedelta(minutes=-ALARM_MINUTES) if duty_holder(db) in barred_now(db, client_id) else GRACE
        open_task(db, kind="contact", due_at=due, client_id=client_id, box_id=box.box_id, grace=late)
        record.line("risk:alarm:raised", role=actor.role, actor_id=client_id, subject_id=client_id)


def _alarms_open(db: Session, client_id: UUID) -> int:
    """Return how many of a client's own alarms wait; what else is open about somebody watched over holds none of them back."""
    alarms = select(Task.task_id).where(Task.client_id == client_id, Task.kind == "contact", Task.box_id.is_not(None))
    return len(db.scalars(alarms.where(Task.ended_on.is_(None))).all())


def request_box(db: Session, keyring: Keyring, kind: str, counsellor: UUID | None = None) -> OpenBox:
    """Make a box that the client and `duty` open; whoever is assigned later is granted it, and `duty` loses it.

    :param counsellor: a known client's own counsellor, who opens it instead of `duty`.
    """
    me, theirs = holder_row(db, keyring.holder_id, keyring.version), holder_row(db, counsellor) if counsellor else None
    assert me is not None
    if theirs is not None:
        check_recipient(db, theirs)
    first = Reader(theirs, "assigned") if theirs is not None else group_reader(db, "duty", "request")
    box = create_box(db, kind=kind, readers=[first, Reader(me, "client")], granter=keyring)
    db.flush()
    return box
