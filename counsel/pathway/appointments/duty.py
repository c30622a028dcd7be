"""Duty: calls from a desk, neutral tasks, what they are about, and the recorded contact that ends them (篇4 五)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, TamperError
from counsel.keys.boxes import open_box
from counsel.pathway.cases.models import Case
from counsel.people.cards import ClientCard, client_cards
from counsel.people.conflicts import barred_now, closed_to
from counsel.records.services import item_of, open_bodies
from counsel.risk.cards import has_card
from counsel.tasks.models import Task
from counsel.tasks.services import NOT_REACHED, REPLACED, SHOWN_DAYS, end_task, open_task, open_tasks, tasks_about

HELP_MINUTES = 10


def call_duty(db: Session, *, actor: SignedIn) -> Task:
    """Say "someone needs help at my desk": a task for the duty counsellor, without any text.

    Records: ``risk:duty:called``. Rule: 篇4 五.
    """
    require(db, actor, Permission.DUTY_CALL)
    with recording(db) as record:
        task = open_task(db, kind="contact", due_at=now() + timedelta(minutes=HELP_MINUTES), object_id=actor.staff_id)
        record.line("risk:duty:called", role=actor.role, actor_id=actor.staff_id, object_id=task.task_id)
    return task


def duty_tasks(db: Session, *, actor: SignedIn) -> list[Task]:
    """Return the open tasks of the coming week: neutral, so every counsellor may see that something waits.

    Those about a client one is kept away from are absent, unless one counsels the client.
    """
    require(db, actor, Permission.TASK_LIST)
    soon, closed = now() + timedelta(days=SHOWN_DAYS), closed_to(db, actor.holder_id)
    own = set(db.scalars(select(Case.case_id).where(Case.counsellor_id == actor.holder_id))) if closed else set()
    rows = [task for task in open_tasks(db, ("contact", "review", "report")) if task.due_at <= soon]
    return [task for task in rows if task.client_id not in closed or task.object_id in own]


def read_task(db: Session, *, actor: SignedIn, task_id: UUID | None) -> tuple[Task, dict[str, Any], ClientCard | None]:
    """Open what a task is about, for whoever may end it.

    Records: ``risk:task:read``. Rule: 篇4 五.
    """
    task = db.get(Task, task_id) if task_id else None
    stands = task is not None and task.ended_on is None  # once the contact is recorded, duty has nothing to read here
    require(db, actor, Permission.TASK_END, _facts(db, task) if stands else None, object_id=task_id)
    assert task is not None
    keyring = keys_of(db, actor)
    with recording(db) as record:
        item = item_of(db, task.box_id, "alarm") or item_of(db, task.box_id, "concern") if task.box_id else None
        if item is not None and item.kind == "alarm" and item.author_id != task.client_id:
            raise TamperError("task")
        words = open_bodies(db, box=open_box(db, keyring, item.box_id), item=item)[0] if item else {}
        cards = client_cards(db, keyring, [task.client_id]) if task.client_id else {}
        record.by(actor, "risk:task:read", subject_id=task.client_id, object_id=task_id)
    return task, words, cards.get(task.client_id) if task.client_id else None


def _facts(db: Session, task: Task | None) -> Facts | None:
    """Facts of a contact or a message, which end here; a task about a case is also its counsellor's to end."""
    if task is None or task.kind not in ("contact", "review"):
        return None
    case = db.get(Case, task.object_id) if task.object_id is not None and task.client_id is not None else None
    assigned = case.counsellor_id if case is not None else None
    return Facts(client_id=task.client_id, assigned_to=assigned, barred=barred_now(db, task.client_id))


def ended_alarm_boxes(db: Session, client_id: UUID) -> list[UUID]:
    """Return the boxes of a client's alarms whose contact has been recorded: they wait to become part of a case.

    One that was passed on stays duty's until that contact is recorded too.
    """
    alarms = select(Task.box_id).where(Task.client_id == client_id, Task.box_id.is_not(None))
    waiting = set(db.scalars(alarms.where(Task.ended_on.is_(None))))
    ended = db.scalars(alarms.where(Task.ended_on.is_not(None)).distinct()).all()
    return [box_id for box_id in ended if box_id is not None and box_id not in waiting]


def finish_task(db: Session, *, actor: SignedIn, task_id: UUID | None, outcome: str) -> None:
    """End a task with the recorded contact. Whoever was not reached is tried again soon, whoever is watched over within a day.

    :raises ConflictError: when a colleague ended it already; :raises InvalidError: no such outcome of this task.

    Records: ``risk:task:ended``. Rule: 篇4 五.
    """
    task = db.get(Task, task_id) if task_id else None
    require(db, actor, Permission.TASK_END, _facts(db, task), object_id=task_id)
    assert task is not None
    if outcome == REPLACED:
        raise InvalidError(outcome="unknown")
    with recording(db) as record:
        db.refresh(task, with_for_update=True)
        end_task(task, outcome)
        _next_contact(db, task, outcome)
        record.by(actor, "risk:task:ended", subject_id=task.client_id, object_id=task_id, detail=outcome)


def _next_contact(db: Session, task: Task, outcome: str) -> None:
    """Open the contact after this one; the interval is the same for all, so that it says nothing about a level."""
    settings = house_of(db).settings
    if task.kind != "contact" or task.client_id is None:
        return
    about_case = task.object_id is not None and db.get(Case, task.object_id) is not None
    watched = about_case and has_card(db, task.client_id)
    if outcome != NOT_REACHED and not watched:
        return
    after = timedelta(minutes=settings.not_reached_minutes)
    due = now() + (after if outcome == NOT_REACHED else timedelta(hours=settings.level_4_contact_hours))
    if task.object_id is not None and any(one.due_at <= due for one in tasks_about(db, task.object_id, ("contact",))):
        return
    open_task(db, kind="contact", due_at=due, client_id=task.client_id, object_id=task.object_id, box_id=task.box_id)
