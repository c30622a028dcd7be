"""Columns of volumes: one closed case as it lies in the archive. What it holds stands in the volume's own box (篇4 二)."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base

TICKETS = ("asked", "open", "returned")
STATES = ("submitted", "returned", "sealed")
RETENTIONS = ("D10", "D30")


class Volume(Base):
    """A case on its way into the archive, or in it. Number and code exist once it is sealed, without a gap per year and period.

    `escrow_sealed` keeps the archive's grants, made by the counsellor when handing in, until the archivist has signed.
    """

    __tablename__ = "volumes"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint(f"retention IN {RETENTIONS}", name="retention"),
        CheckConstraint("(state = 'sealed') = (number IS NOT NULL)", name="sealed_has_number"),
        CheckConstraint("(state = 'submitted') = (escrow_sealed IS NOT NULL)", name="escrow_while_submitted"),
        UniqueConstraint("year", "retention", "number"),
        Index("ix_volumes_list", "state", "year", "retention", "number"),
        CLIENT_WORLD,
    )
    volume_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(unique=True)
    case_no: Mapped[int]
    counsellor_id: Mapped[UUID] = mapped_column(index=True)
    box_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(String(10), default="submitted")
    round: Mapped[int] = mapped_column(default=1)  # how often it was handed in
    year: Mapped[int]  # of the closing
    retention: Mapped[str] = mapped_column(String(4))
    keep_until: Mapped[date]
    items: Mapped[int]
    pages: Mapped[int]  # of the paper beside it; 0 when there is none
    number: Mapped[int | None]
    code: Mapped[str | None] = mapped_column(String(40), unique=True)
    place: Mapped[str] = mapped_column(String(60), default="")  # shelf and box of the paper
    submitted_on: Mapped[date]
    answered_on: Mapped[date | None]
    archivist_id: Mapped[UUID | None]
    escrow_sealed: Mapped[bytes | None]


class Ticket(Base):
    """A sealed volume asked for by the counsellor of a client who came back: who reads it, for which case, until when (F15)."""

    __tablename__ = "tickets"
    __table_args__ = (
        CheckConstraint(f"state IN {TICKETS}", name="state"),
        CheckConstraint("(state = 'returned') = (returned_on IS NOT NULL)", name="returned_with_day"),
        CLIENT_WORLD,
    )
    ticket_id: Mapped[UUID] = mapped_column(primary_key=True)
    volume_id: Mapped[UUID] = mapped_column(index=True)
    case_id: Mapped[UUID] = mapped_column(index=True)  # the new case, for which it is read
    reader_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(String(8))
    asked_on: Mapped[date]
    until_on: Mapped[date | None]
    returned_on: Mapped[date | None]
    archivist_id: Mapped[UUID | None]
