"""Columns of safety cards and of reports upwards. In clear: that there is one, its clocks, who acts; what it says is sealed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base


class SafetyCard(Base):
    """What duty must know about a client at level 2 or above, and no more; gone when the level falls."""

    __tablename__ = "safety_cards"
    __table_args__ = (CLIENT_WORLD,)
    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    box_id: Mapped[UUID]
    sealed: Mapped[bytes]
    on_day: Mapped[date]


REPORTS = ("mandatory", "event")
REPORT_ENDS = ("reported", "known", "of_age")


class Report(Base):
    """Something that must be told at once: to the police that a minor is harmed, to leadership that something grave happened.

    A mandatory report is owed from the moment it is opened; its box is made when it has been made (domain §3.6; 篇8 十).
    """

    __tablename__ = "reports"
    __table_args__ = (
        CheckConstraint(f"kind IN {REPORTS}", name="kind"),
        CheckConstraint("(ended_on IS NULL) = (outcome IS NULL)", name="ended_with_outcome"),
        CheckConstraint(f"outcome IN {REPORT_ENDS}", name="outcome"),
        Index("ix_reports_client", "client_id", "ended_on"),
        CLIENT_WORLD,
    )
    report_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    client_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None] = mapped_column(index=True)  # only when the case's own counsellor owes it
    sender_id: Mapped[UUID] = mapped_column(index=True)
    box_id: Mapped[UUID | None]
    opened_on: Mapped[date]
    due_at: Mapped[datetime]
    stop_at: Mapped[datetime]  # past it the case stands still until it has been made
    ended_on: Mapped[date | None]
    outcome: Mapped[str | None] = mapped_column(String(12))
    told_on: Mapped[date | None]  # the client knows, and finds it on the own page


class ReportSeen(Base):
    """A leader who was told of a report, and when they acknowledged it."""

    __tablename__ = "reports_seen"
    __table_args__ = (CLIENT_WORLD,)
    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.report_id"), primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(primary_key=True)
    told_on: Mapped[date]
    seen_on: Mapped[date | None]
