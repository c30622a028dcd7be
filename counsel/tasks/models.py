"""Columns of duty tasks: neutral in clear, the reason sealed; no level, no topic (design §2)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base

KINDS = (
    "contact",
    "review",
    "countersign",
    "report",
    "hand_over",
    "approve",
    "look_back",
    "inform",
    "supervise",
    "answer",
)


class Task(Base):
    """Something that somebody on duty must do by a time, ended only by a recorded outcome."""

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint("(ended_on IS NULL) = (outcome IS NULL)", name="ended_with_outcome"),
        Index("ix_tasks_open", "ended_on", "due_at"),
        CLIENT_WORLD,
    )
    task_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    owner_role: Mapped[str] = mapped_column(String(24))
    escalation_role: Mapped[str] = mapped_column(String(24))
    due_at: Mapped[datetime]
    escalates_at: Mapped[datetime]
    client_id: Mapped[UUID | None]
    object_id: Mapped[UUID | None]
    box_id: Mapped[UUID | None]
    requester_id: Mapped[UUID | None]  # staff account that asked for a second signature
    escalated_on: Mapped[datetime | None]
    leader_told_on: Mapped[datetime | None]  # the second step: that a task is overdue, and nothing else
    ended_on: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(24))
