"""Columns of cases and their moves. In clear: pseudonym, counsellor, state. Everything told lies in the boxes."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base
from counsel.pathway.cases.lifecycle import CLOSE_REASONS, STATES


class Case(Base):
    """One case. `box` holds what the counsellor writes; `shared` what the client may read, a child of `box`."""

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("(state = 'closed') = (close_reason IS NOT NULL)", name="closed_has_reason"),
        CheckConstraint(f"close_reason IS NULL OR close_reason IN {CLOSE_REASONS}", name="close_reason"),
        Index("ix_cases_list", "counsellor_id", "state", "case_no", "case_id"),
        Index("ix_cases_client", "client_id"),
        Index(
            "uq_cases_open",
            "client_id",
            unique=True,
            sqlite_where=text("state <> 'closed'"),
            postgresql_where=text("state <> 'closed'"),
        ),
        CLIENT_WORLD,
    )
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_no: Mapped[int] = mapped_column(unique=True)
    client_id: Mapped[UUID]
    counsellor_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(String(20))
    close_reason: Mapped[str | None] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(16))
    box_id: Mapped[UUID]
    shared_box_id: Mapped[UUID]
    cover_sealed: Mapped[bytes]
    cover_revision: Mapped[int]
    opened_on: Mapped[date]
    recommended: Mapped[bool] = mapped_column(default=False)


class CaseMove(Base):
    """One transition, with the ids of the evidence it rested on."""

    __tablename__ = "case_moves"
    __table_args__ = (CLIENT_WORLD,)
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(4))
    from_state: Mapped[str] = mapped_column(String(20))
    to_state: Mapped[str] = mapped_column(String(20))
    evidence: Mapped[str] = mapped_column(String(600))
    actor_id: Mapped[UUID]
    on_day: Mapped[date]


class Counter(Base):
    """Gap-free numbers: case numbers now, archive numbers later."""

    __tablename__ = "counters"
    name: Mapped[str] = mapped_column(String(24), primary_key=True)
    value: Mapped[int]
