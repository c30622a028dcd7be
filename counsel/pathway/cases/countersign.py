"""The second signature: a recorded reason that somebody else must agree to, in a box of its own (篇8 二; domain §1.3 G3).

Only the reason travels: whoever signs opens this box and nothing else of the case. Whoever asks never signs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import Recorder, recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import now
from counsel.core.errors import ConflictError, TransitionError, UnreadableError
from counsel.core.told import told
from counsel.keys.boxes import OpenBox, add_reader, create_box, open_box
from counsel.keys.bundle import Keyring
from counsel.keys.grants import Reader
from counsel.keys.models import Grant
from counsel.keys.rotation import open_to_add
from counsel.keys.trust import check_recipient, holder_row
from counsel.outbox.notices import notify
from counsel.people.conflicts import barred_now, closed_to
from counsel.people.deputies import countersigners
from counsel.people.exclusions import kept_from
from counsel.records.services import item_of, open_bodies, write_signed
from counsel.tasks.models import Task
from counsel.tasks.services import GRACE, end_task, open_task, tasks_about

SIGN_HOURS = 24
REASON, VERDICT = "reason", "verdict"


def ask_second_signature(db: Session, *, actor: SignedIn, client_id: UUID, object_id: UUID, content: Mapping[str, Any]) -> Task:
    """Seal a reason to those who may sign as second person, and to the one who asks; a neutral task waits for them.

    Nobody is asked who is kept away from the client: where that is the director, the outside supervisor signs.

    :param object_id: what the reason is about: a case, or the client while there is none yet.
    :raises TransitionError: ``NO_SECOND_PERSON``, when nobody but the asker could sign.

    Records: ``pathway:countersign:asked``.
    """
    keyring = keys_of(db, actor)
    me = holder_row(db, keyring.holder_id, keyring.version)
    kept = kept_from(db, actor=actor, client_id=client_id)
    outside, able = countersigners(db, but=actor.staff_id, kept=kept)
    second = [holder_row(db, holder_id) for holder_id in able]
    if me is None or not second:
        raise TransitionError("NO_SECOND_PERSON")
    readers = [Reader(me, "asked")]
    for holder in second:
        assert holder is not None
        check_recipient(db, holder)
        readers.append(Reader(holder, "countersign"))
    with recording(db) as record:
        box = create_box(db, kind="task", readers=readers, granter=keyring)
        db.flush()
        write_signed(db, box=box, kind=REASON, keyring=keyring, content={**content, "object": object_id.hex})
        due = now() + timedelta(hours=SIGN_HOURS)
        task = open_task(db, kind="countersign", due_at=due, client_id=client_id, object_id=object_id, box_id=box.box_id)
        task.requester_id = actor.staff_id
        task.owner_role = Role.SUPERVISOR if outside or actor.role is Role.DIRECTOR else Role.DIRECTOR
        _line(record, actor, task, "asked")
    return task


def _line(record: Recorder, actor: SignedIn, task: Task, what: str) -> None:
    record.by(actor, f"pathway:countersign:{what}", subject_id=task.client_id, object_id=task.task_id)


def signature_facts(db: Session, task: Task | None) -> Facts | None:
    """Return what the rules may know about a wanted second signature."""
    if task is None or task.kind != "countersign":
        return None
    place = {"requester_id": task.requester_id, "barred": barred_now(db, task.client_id)}
    return Facts(client_id=task.client_id, by_director=task.owner_role == Role.SUPERVISOR, **place)  # type: ignore[arg-type]


def waiting_signatures(db: Session, *, actor: SignedIn) -> list[Task]:
    """Return the reasons that wait for the actor's signature, by their grants, the earliest due first."""
    mine = select(Grant.box_id).where(Grant.holder_id == actor.holder_id, Grant.purpose == "countersign")
    query = select(Task).where(Task.kind == "countersign", Task.ended_on.is_(None), Task.requester_id != actor.staff_id)
    query = query.where(Task.box_id.in_(mine), Task.client_id.not_in(closed_to(db, actor.holder_id)))
    own_role = query.where(Task.owner_role == actor.role) if actor.role is Role.SUPERVISOR else query
    return list(db.scalars(own_role.order_by(Task.due_at)))


def read_reason(db: Session, *, actor: SignedIn, task_id: UUID | None) -> tuple[Task, dict[str, Any]]:
    """Open the reason that waits for a second signature.

    Records: ``pathway:countersign:read``. Rule: 篇8 二.
    """
    task = db.get(Task, task_id) if task_id else None
    stands = task if task is not None and task.ended_on is None else None
    require(db, actor, Permission.COUNTERSIGN, signature_facts(db, stands), object_id=task_id)
    assert task is not None and task.box_id is not None
    keyring = keys_of(db, actor)
    with recording(db) as record:
        item = item_of(db, task.box_id, REASON)
        assert item is not None
        words = open_bodies(db, box=open_box(db, keyring, task.box_id), item=item)[0]
        _line(record, actor, task, "read")
    return task, words


def give_second_signature(db: Session, *, actor: SignedIn, task_id: UUID | None, agreed: bool, words: str = "") -> Task:
    """Sign the reason, or decline it; either way with one's own signature beside it.

    :raises ConflictError: ``task_ended``, when another second person was faster.

    Records: ``pathway:countersign:signed`` or ``:declined``. Rule: 篇8 二.
    """
    task = db.get(Task, task_id) if task_id else None
    require(db, actor, Permission.COUNTERSIGN, signature_facts(db, task), object_id=task_id)
    assert task is not None and task.box_id is not None
    keyring = keys_of(db, actor)
    outcome = "signed" if agreed else "declined"
    with recording(db) as record:
        db.refresh(task, with_for_update=True)
        if task.ended_on is not None:
            raise ConflictError("task_ended")
        box = open_to_add(db, keyring, task.box_id)
        content = {"agreed": agreed, "words": told("words", words, needed=False), "by": actor.name}
        write_signed(db, box=box, kind=VERDICT, keyring=keyring, content=content)
        end_task(task, outcome)
        if agreed:
            _settle(db, box, task)
        asked_by = db.get(Account, task.requester_id)
        notify(db, reader_id=asked_by.holder_id if asked_by else None, kind="signature_given", object_id=task.object_id)
        _line(record, actor, task, outcome)
    return task


def _settle(db: Session, box: OpenBox, task: Task) -> None:
    """Let a task that only waited for this signature end, or be due for what is left of it, as the reason says."""
    item = item_of(db, box.box_id, REASON)
    settled, left = open_bodies(db, box=box, item=item)[0].get("settles", ((), "")) if item is not None else ((), "")
    for waiting in tasks_about(db, task.object_id, ("inform",)) if task.object_id else []:
        if waiting.task_id.hex not in settled:
            continue  # the level rose since: whom it asks to tell is owed anew
        if left:
            waiting.due_at = datetime.fromisoformat(left)
            waiting.escalates_at = waiting.due_at + GRACE
        else:
            end_task(waiting, "recorded")


def open_signatures(db: Session, client_ids: Collection[UUID]) -> list[Task]:
    """Return the second signatures about a client that nobody has given yet."""
    query = select(Task).where(Task.kind == "countersign", Task.client_id.in_(client_ids), Task.ended_on.is_(None))
    return list(db.scalars(query))


def ask_others(db: Session, *, actor: SignedIn) -> int:
    """Ask others where nobody who was asked for the actor's second signature may give it any more; return how many.

    Records: ``pathway:countersign:asked`` for each.
    """
    query = select(Task).where(Task.kind == "countersign", Task.requester_id == actor.staff_id, Task.ended_on.is_(None))
    return sum(_ask_others(db, actor, task) for task in db.scalars(query).all())


def _ask_others(db: Session, actor: SignedIn, task: Task) -> bool:
    assert task.box_id is not None and task.client_id is not None
    here = select(Grant.holder_id).join(Account, Account.holder_id == Grant.holder_id).where(Account.status == "active")
    asked = set(db.scalars(here.where(Grant.box_id == task.box_id, Grant.purpose == "countersign")))
    if asked - barred_now(db, task.client_id):
        return False
    outside, able = countersigners(db, but=actor.staff_id, kept=kept_from(db, actor=actor, client_id=task.client_id))
    keyring = keys_of(db, actor)
    with recording(db) as record:
        db.refresh(task, with_for_update=True)
        for holder in (holder_row(db, holder_id) for holder_id in set(able) - asked):
            assert holder is not None
            add_reader(db, open_box(db, keyring, task.box_id), reader=Reader(holder, "countersign"), granter=keyring)
        task.owner_role = Role.SUPERVISOR if outside or actor.role is Role.DIRECTOR else Role.DIRECTOR
        if able:
            _line(record, actor, task, "asked")
    return bool(able)


def signed_reasons(db: Session, *, actor: SignedIn, object_id: UUID, code: str) -> list[tuple[Task, dict[str, Any]]]:
    """Return the reasons of one code that were signed about something, the newest first, opened by whoever asked.

    A reason whose box this reader cannot open does not count.
    """
    query = select(Task).where(Task.kind == "countersign", Task.object_id == object_id, Task.outcome == "signed")
    found = []
    for task in db.scalars(query.order_by(Task.ended_on.desc())):
        words = _reason_of(db, keys_of(db, actor), task)
        if words is not None and (words.get("code"), words.get("object")) == (code, object_id.hex):
            found.append((task, words))
    return found


@dataclass(frozen=True)
class Second:
    """One second signature that was asked for about a case: why, and what came of it. `by` is empty while it waits."""

    code: str
    outcome: str
    by: str = ""
    words: str = ""
    on_day: date | None = None


def seconds_of(db: Session, *, actor: SignedIn, object_id: UUID) -> list[Second]:
    """Return what the actor asked others to sign about something, the newest first; the caller's page has its line.

    Rule: 篇8 二. A verdict that does not open, or was written by whoever asked, is no verdict.
    """
    query = select(Task).where(Task.kind == "countersign", Task.object_id == object_id, Task.requester_id == actor.staff_id)
    rows = db.scalars(query.order_by(Task.ended_on.desc())).all()
    return [found for found in (_second(db, keys_of(db, actor), task) for task in rows) if found is not None]


def _second(db: Session, keyring: Keyring, task: Task) -> Second | None:
    asked = item_of(db, task.box_id, REASON) if task.box_id else None
    verdict = item_of(db, task.box_id, VERDICT) if task.box_id else None
    if asked is None:
        return None
    try:
        box = open_box(db, keyring, asked.box_id)
    except UnreadableError:
        return None
    code = str(open_bodies(db, box=box, item=asked)[0].get("code", ""))
    if verdict is None or verdict.author_id == asked.author_id:
        return Second(code, task.outcome or "waiting")
    said = open_bodies(db, box=box, item=verdict)[0]
    return Second(code, "signed" if said.get("agreed") is True else "declined", said["by"], said.get("words", ""), verdict.on_day)


def _reason_of(db: Session, keyring: Keyring, task: Task) -> dict[str, Any] | None:
    item = item_of(db, task.box_id, REASON) if task.box_id else None
    verdict = item_of(db, task.box_id, VERDICT) if task.box_id else None
    if item is None or verdict is None or verdict.author_id == item.author_id:
        return None
    try:
        box = open_box(db, keyring, item.box_id)
    except UnreadableError:
        return None
    said = open_bodies(db, box=box, item=verdict)[0]
    return open_bodies(db, box=box, item=item)[0] if said.get("agreed") is True else None


def second_signature(db: Session, task_id: UUID | None) -> str | None:
    """Return ``waiting``, ``signed`` or ``declined`` for a wanted signature, None when none was asked for."""
    task = db.get(Task, task_id) if task_id else None
    return (task.outcome or "waiting") if task is not None else None
