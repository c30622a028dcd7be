"""Columns of the audit log. Lines are inserted and never changed; the head row makes the chain gap-free."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import Base

READ = text(r"tag LIKE 'pathway:%\:read'")  # a text of a client's was opened; the index below holds nothing else


class AuditLine(Base):
    """One coded event. A client's own acts carry the day only; staff acts the exact moment."""

    __tablename__ = "audit_lines"
    __table_args__ = (
        Index("ix_audit_lines_subject", "subject_id", "seq"),
        Index("ix_audit_lines_actor", "actor_id", "at"),
        Index("ix_audit_lines_read", "actor_id", "at", "subject_id", "tag", sqlite_where=READ, postgresql_where=READ),
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime | None]
    day: Mapped[date]
    tag: Mapped[str] = mapped_column(String(48))
    actor_role: Mapped[str] = mapped_column(String(24))
    actor_id: Mapped[UUID | None]
    subject_id: Mapped[UUID | None]
    object_id: Mapped[UUID | None]
    detail: Mapped[str] = mapped_column(String(120), default="")
    chain: Mapped[bytes]


class AuditHead(Base):
    """The one head: how many lines there are and the hash that stands for all of them."""

    __tablename__ = "audit_head"
    head_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    chain: Mapped[bytes]


class ClockMark(Base):
    """The one row: the latest moment that was kept."""

    __tablename__ = "clock_marks"
    mark_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]


FINDINGS = ("in_order", "asked", "not_in_order")


class LookedAt(Base):
    """An opening that somebody looks at afterwards: drawn by lot, or flagged; what was found is a code (security R13)."""

    __tablename__ = "audit_looks"
    __table_args__ = (
        CheckConstraint(f"finding IN {FINDINGS}", name="finding"),
        CheckConstraint("(finding IS NULL) = (by_id IS NULL)", name="found_by_somebody"),
        Index("ix_audit_looks_waiting", "finding", "seq"),
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    by_id: Mapped[UUID | None]
    on_day: Mapped[date | None]
    finding: Mapped[str | None] = mapped_column(String(16))
