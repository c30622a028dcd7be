"""Columns of volumes and of the lending register. What they say lies sealed (篇4 二; 篇8 六)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base

BASES = ("returning", "consent", "law", "own_request")
MODES = ("screen", "room", "paper", "copy")  # room: on a screen of the centre, a counsellor beside
RUNNING, ENDED = ("asked", "approved", "open"), ("returned", "refused", "dropped", "lost")
CONSENTS = ("none", "waiting", "given", "withdrawn")
STATES = ("submitted", "returned", "sealed")
RETENTIONS = ("D10", "D30")


class Volume(Base):
    """A case on its way into the archive, or in it. Number and code exist once it is sealed, without a gap per year and period.

    An old paper volume has no case here, only its place, its pages and perhaps a name in the index.

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
    case_id: Mapped[UUID | None] = mapped_column(unique=True)
    case_no: Mapped[int | None]
    counsellor_id: Mapped[UUID | None] = mapped_column(index=True)
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
    """One line of the lending register (F15): a sealed volume, who reads it, on which ground, until when. Its words are sealed.

    `reading_box_id`: where the chosen forms lie for the reader; `code_*`: for a copy that somebody fetches with a code.
    """

    __tablename__ = "tickets"
    __table_args__ = (
        CheckConstraint(f"state IN {RUNNING + ENDED}", name="state"),
        CheckConstraint(f"(state IN {ENDED}) = (returned_on IS NOT NULL)", name="ended_with_day"),
        CheckConstraint(f"basis IN {BASES}", name="basis"),
        CheckConstraint(f"mode IN {MODES}", name="mode"),
        CheckConstraint(f"consent IN {CONSENTS}", name="consent"),
        CLIENT_WORLD,
    )
    ticket_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(default=0, server_default="0")  # of the register, without a gap
    volume_id: Mapped[UUID] = mapped_column(index=True)
    basis: Mapped[str] = mapped_column(String(12), default="returning", server_default="returning")
    mode: Mapped[str] = mapped_column(String(8), default="screen", server_default="screen")
    consent: Mapped[str] = mapped_column(String(10), default="none", server_default="none")
    case_id: Mapped[UUID | None] = mapped_column(index=True)  # returning: the new case, for which it is read
    asker_id: Mapped[UUID | None]
    reader_id: Mapped[UUID]
    by_director: Mapped[bool] = mapped_column(default=False, server_default=false())  # somebody outside says yes
    decider_id: Mapped[UUID | None]
    decided_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(String(8))
    asked_on: Mapped[date]
    until_on: Mapped[date | None]
    renewed: Mapped[bool] = mapped_column(default=False, server_default=false())
    returned_on: Mapped[date | None]
    archivist_id: Mapped[UUID | None]
    pages_out: Mapped[int | None]
    pages_back: Mapped[int | None]
    box_id: Mapped[UUID | None]
    reading_box_id: Mapped[UUID | None]
    code_finder: Mapped[bytes | None] = mapped_column(unique=True)
    code_sealed: Mapped[bytes | None]
    code_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
