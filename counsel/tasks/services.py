"""Open tasks and end them. Whoever may read what a task is about decides when it is due; here only the clock is known."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.core.clock import now
from counsel.core.errors import ConflictError
from counsel.core.ids import new_id
from counsel.tasks.models import Task

OUTCOMES = ("reached_safe", "reached_handed_over", "not_reached_passed_on")


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


def open_tasks(db: Session) -> list[Task]:
    """Return the tasks that have not ended, the most urgent first."""
    return list(db.scalars(select(Task).where(Task.ended_on.is_(None)).order_by(Task.due_at)))


def end_task(task: Task, outcome: str) -> None:
    """End a task with its outcome.

    :raises ConflictError: when a colleague ended it already.
    """
    assert outcome in OUTCOMES
    if task.ended_on is not None:
        raise ConflictError("task_ended")
    task.ended_on, task.outcome = now(), outcome
