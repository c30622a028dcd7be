"""Columns of messages that wait to leave. The address is sealed under the server secret and erased after sending."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base

CHANNELS = ("mail", "gateway")
STATES = ("waiting", "sent", "dead")
NOTICES = (
    "time_confirmed",
    "time_offered",
    "time_cancelled",
    "form_waits",
    "signature_given",
    "case_arrives",
    "task_overdue",
    "level_raised",
    "conflict_found",
    "question_asked",
    "answered",
    "package",
    "approve",
    "decided",
    "look_back",
    "told",
    "event",
    "pattern",
    "recording",
    "volume",
    "loan",
)


class Message(Base):
    """One message to one address. No row says whom it concerns; `once` is an HMAC by which the same is posted once."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint(f"channel IN {CHANNELS}", name="channel"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("state = 'waiting' OR leased_until IS NULL", name="only_waiting_is_leased"),
        CheckConstraint("state <> 'sent' OR address_sealed IS NULL", name="sent_keeps_no_address"),
        Index("ix_outbox_due", "state", "due_at"),
    )
    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    once: Mapped[bytes] = mapped_column(unique=True)
    channel: Mapped[str] = mapped_column(String(8))
    address_sealed: Mapped[bytes | None]
    text: Mapped[str] = mapped_column(String(24))
    language: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(8), default="waiting")
    due_at: Mapped[datetime]
    not_after: Mapped[datetime | None]  # when it is of no use any more: then it goes with its address, sent or not
    tries: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    lease_id: Mapped[UUID | None]
    problem: Mapped[str | None] = mapped_column(String(40))  # a code, never the server's words: they quote the address
    ended_on: Mapped[date | None]


class Notice(Base):
    """Something that waits for somebody on the own pages: a code and what it is about, never a word (security R11)."""

    __tablename__ = "notices"
    __table_args__ = (
        CheckConstraint(f"kind IN {NOTICES}", name="kind"),
        Index("ix_notices_reader", "reader_id", "read_on", "number"),
        CLIENT_WORLD,
    )
    notice_id: Mapped[UUID] = mapped_column(primary_key=True)
    reader_id: Mapped[UUID]  # a holder: a colleague, or a client
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    object_id: Mapped[UUID | None]
    made_on: Mapped[date]
    read_on: Mapped[date | None]
