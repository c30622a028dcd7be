"""Open tasks and end them. Whoever may read what a task is about decides when it is due; here only the clock is known."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.audit.chain import recording
from counsel.core.clock import now
from counsel.core.errors import ConflictError
from counsel.core.ids import new_id
from counsel.tasks.models import Task

CONTACT_OUTCOMES = ("reached_safe", "reached_handed_over", "not_reached_passed_on")
REVIEW_OUTCOMES = ("talk_offered", "spoken_in_person", "nothing_to_do")
SIGNATURE_OUTCOMES = ("signed", "declined")
OUTCOMES = {"contact": CONTACT_OUTCOMES, "review": REVIEW_OUTCOMES, "countersign": SIGNATURE_OUTCOMES}


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
    grace_minutes: int = 10,
) -> Task:
    """Open a task inside the caller's transaction."""
    task = Task(
        task_id=new_id(),
        kind=kind,
        owner_role=owner_role,
        escalation_role=escalation_role,
        due_at=due_at,
        escalates_at=due_at + timedelta(minutes=grace_minutes),
        client_id=client_id,
        object_id=object_id,
        box_id=box_id,
    )
    db.add(task)
    return task


def open_tasks(db: Session, kinds: tuple[str, ...] = ("contact", "review")) -> list[Task]:
    """Return the tasks of some kinds that have not ended, the most urgent first."""
    return list(db.scalars(select(Task).where(Task.ended_on.is_(None), Task.kind.in_(kinds)).order_by(Task.due_at)))


def overdue_tasks(db: Session, client_id: UUID) -> list[Task]:
    """Return the duty tasks about a client that should have ended by now."""
    late = select(Task).where(Task.client_id == client_id, Task.kind.in_(("contact", "review")), Task.due_at < now())
    return list(db.scalars(late.where(Task.ended_on.is_(None))))


def escalate_overdue(db: Session) -> str:
    """Note every open task that its escalation role must now see; needs no key, and twice changes nothing.

    Records: ``tasks:task:escalated`` for each, with the role.
    """
    with recording(db) as record:
        due = Task.escalates_at <= now()
        rows = db.scalars(select(Task).where(Task.ended_on.is_(None), Task.escalated_on.is_(None), due)).all()
        for task in rows:
            task.escalated_on = now()
            record.line("tasks:task:escalated", object_id=task.task_id, detail=task.escalation_role)
    return f"{len(rows)} tasks"


def end_task(task: Task, outcome: str) -> None:
    """End a task with its outcome.

    :raises ConflictError: when a colleague ended it already.
    """
    assert outcome in OUTCOMES[task.kind]
    if task.ended_on is not None:
        raise ConflictError("task_ended")
    task.ended_on, task.outcome = now(), outcome
