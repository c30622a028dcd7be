"""Columns of disclosures. In clear: pseudonym, state, who acts and until when; what, to whom and why lie in the boxes."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base

STATES = ("draft", "submitted", "approved", "declined", "sent", "withdrawn")
WAYS = ("page", "code", "spoken")


class Disclosure(Base):
    """One disclosure record F09, numbered without gaps. Its box holds the form, the verdict, what was sent and the review."""

    __tablename__ = "disclosures"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("(state = 'sent') = (review_due_on IS NOT NULL)", name="sent_is_reviewed"),
        CheckConstraint("told_on IS NULL OR state = 'sent'", name="told_after_sent"),
        Index("ix_disclosures_state", "state", "review_due_on"),
        CLIENT_WORLD,
    )
    disclosure_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    client_id: Mapped[UUID] = mapped_column(index=True)
    case_id: Mapped[UUID | None]
    box_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(String(12))
    sender_id: Mapped[UUID] = mapped_column(index=True)
    sender_account: Mapped[UUID | None]
    by_director: Mapped[bool]
    on_day: Mapped[date]
    duty_from: Mapped[datetime | None]  # from then on duty may say yes, when the director was not reached
    decider_id: Mapped[UUID | None]
    review_due_on: Mapped[date | None]
    reviewed_by: Mapped[UUID | None]
    reviewed_on: Mapped[date | None]
    tell_on: Mapped[date | None]  # the client is told from this day on, for a recorded reason of safety
    told_on: Mapped[date | None]


class Package(Base):
    """What one recipient is told: instructions until the end, facts once. Exact times are sealed receipts inside."""

    __tablename__ = "packages"
    __table_args__ = (
        CheckConstraint(f"way IN {WAYS}", name="way"),
        CheckConstraint("tries >= 0", name="tries"),
        Index("ix_packages_recipient", "recipient_id", "until"),
        CLIENT_WORLD,
    )
    package_id: Mapped[UUID] = mapped_column(primary_key=True)
    disclosure_id: Mapped[UUID] = mapped_column(ForeignKey("disclosures.disclosure_id"), index=True)
    number: Mapped[int]
    way: Mapped[str] = mapped_column(String(8))
    recipient_id: Mapped[UUID | None]  # a colleague's holder, or that of a code
    box_id: Mapped[UUID]
    facts_box_id: Mapped[UUID | None]
    until: Mapped[datetime]
    opened_on: Mapped[date | None]
    facts_read_on: Mapped[date | None]
    revoked_on: Mapped[date | None]
    code_finder: Mapped[bytes | None] = mapped_column(unique=True)
    code_sealed: Mapped[bytes | None]
    tries: Mapped[int] = mapped_column(default=0)
