"""Open tasks and end them. Whoever may read what a task is about decides when it is due; here only the clock is known."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.audit.chain import recording
from counsel.core.clock import now
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError
from counsel.core.ids import new_id
from counsel.tasks.models import Task

GRACE = timedelta(minutes=10)
SHOWN_DAYS = 7  # what is agreed for later months waits for its week
NOT_REACHED = "not_reached_passed_on"
CONTACT_OUTCOMES = ("reached_safe", "reached_handed_over", NOT_REACHED)
REPLACED = "replaced"  # others were agreed on in its place; nobody's choice on a form
REVIEW_OUTCOMES = ("talk_offered", "spoken_in_person", "nothing_to_do")
SIGNATURE_OUTCOMES = ("signed", "declined")
OUTCOMES = {
    "contact": (*CONTACT_OUTCOMES, REPLACED),
    "review": REVIEW_OUTCOMES,
    "countersign": SIGNATURE_OUTCOMES,
    "report": ("recorded", "withdrawn"),  # the crisis record is signed, the disclosure or the report is on record
    "approve": SIGNATURE_OUTCOMES,
    "look_back": ("recorded",),
    "inform": ("recorded", "seen", "fallen", "risen"),  # all were told; leadership has seen it; the level changed
    "supervise": ("held",),
    "answer": ("answered",),
}


def open_task(
    db: Session,
    *,
    kind: str,
    due_at: datetime,
    client_id: UUID | None = None,
    object_id: UUID | None = None,
    box_id: UUID | None = None,
    owner_role: str = "counsellor",
    escalation_role: str = "director",
    grace: timedelta = GRACE,
) -> Task:
    """Open a task inside the caller's transaction."""
    task = Task(
        task_id=new_id(),
        kind=kind,
        owner_role=owner_role,
        escalation_role=escalation_role,
        due_at=due_at,
        escalates_at=due_at + grace,
        client_id=client_id,
        object_id=object_id,
        box_id=box_id,
    )
    db.add(task)
    return task


def open_tasks(db: Session, kinds: tuple[str, ...] = ("contact", "review")) -> list[Task]:
    """Return the tasks of some kinds that have not ended, the most urgent first."""
    return list(db.scalars(select(Task).where(Task.ended_on.is_(None), Task.kind.in_(kinds)).order_by(Task.due_at)))


def tasks_about(db: Session, object_id: UUID, kinds: tuple[str, ...] = ("contact", "report")) -> list[Task]:
    """Return the open tasks about something, such as a case, the most urgent first."""
    query = select(Task).where(Task.object_id == object_id, Task.kind.in_(kinds), Task.ended_on.is_(None))
    return list(db.scalars(query.order_by(Task.due_at)))


def end_tasks(db: Session, *, object_id: UUID, kind: str, outcome: str) -> None:
    """End every open task of a kind about something, inside the caller's transaction."""
    for task in tasks_about(db, object_id, (kind,)):
        end_task(task, outcome)


def overdue_tasks(db: Session, client_id: UUID) -> list[Task]:
    """Return the duty tasks about a client that should have ended by now."""
    late = select(Task).where(Task.client_id == client_id, Task.kind.in_(("contact", "review", "report")), Task.due_at < now())
    return list(db.scalars(late.where(Task.ended_on.is_(None))))


Tell = Callable[[Task, str], None]
LEADER, LIFE = "school_leader", ("contact", "report", "inform")


def escalate_overdue(db: Session, tell: Tell) -> str:
    """Note every open task that its escalation role must now see, then, when that did not help, the leader.

    The leader is told of tasks on which a life may hang, and only that one is overdue (domain §3.3). Needs no key, and
    twice changes nothing.

    :param tell: tells everybody in a role about a task, inside the transaction.

    Records: ``tasks:task:escalated`` for each, with the role.
    """
    later = timedelta(minutes=house_of(db).settings.leader_escalation_minutes)
    first = (Task.escalated_on.is_(None), Task.escalates_at <= now())
    second = (Task.leader_told_on.is_(None), Task.escalates_at <= now() - later, Task.kind.in_(LIFE))
    told = [_escalate(db, first, "escalated_on", None, tell), _escalate(db, second, "leader_told_on", LEADER, tell)]
    return f"{told[0]} tasks, {told[1]} to the leader"


def _escalate(db: Session, due: tuple[Any, ...], column: str, role: str | None, tell: Tell) -> int:
    """Tell of each task in a transaction of its own: one that fails stops no other."""
    waiting = select(Task.task_id).where(Task.ended_on.is_(None), *due).order_by(Task.due_at)
    count = 0
    for task_id in db.scalars(waiting).all():
        with recording(db) as record:
            task = db.get(Task, task_id, with_for_update=True, populate_existing=True)
            if task is None or task.ended_on is not None or getattr(task, column) is not None:
                continue  # another run, or the contact, was faster
            setattr(task, column, now())
            whom = role or task.escalation_role
            record.line("tasks:task:escalated", object_id=task.task_id, detail=whom)
            tell(task, whom)
            count += 1
    return count


def end_task(task: Task, outcome: str) -> None:
    """End a task with its outcome.

    :raises ConflictError: when a colleague ended it already; :raises InvalidError: no outcome of this kind.
    """
    if outcome not in OUTCOMES.get(task.kind, ()):
        raise InvalidError(outcome="unknown")
    if task.ended_on is not None:
        raise ConflictError("task_ended")
    task.ended_on, task.outcome = now(), outcome
