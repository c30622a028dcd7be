"""Columns of cases and their moves. In clear: pseudonym, counsellor, state. Everything told lies in the boxes."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base
from counsel.pathway.cases.lifecycle import CLOSE_REASONS, STATES

ONE_AT_A_TIME = text("state NOT IN ('follow_up', 'closed', 'archived')")
WAYS = ("own_sign_in", "in_room", "by_phone", "on_paper")
PARTIES = ("client", "guardian")
READER_PURPOSES = ("second", "former", "receiving", "reading")


class Case(Base):
    """One case. `box` holds what the counsellor writes; `shared` what the client may read, a child of `box`."""

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("(state IN ('closed', 'archived')) = (close_reason IS NOT NULL)", name="closed_has_reason"),
        CheckConstraint(f"close_reason IS NULL OR close_reason IN {CLOSE_REASONS}", name="close_reason"),
        CheckConstraint("(state IN ('on_hold', 'transfer_pending')) = (resume_state IS NOT NULL)", name="comes_back"),
        Index("ix_cases_list", "counsellor_id", "state", "case_no", "case_id"),
        Index("ix_cases_client", "client_id"),
        Index("ix_cases_filing", "state", "handed_in", "closed_on"),
        Index("uq_cases_open", "client_id", unique=True, sqlite_where=ONE_AT_A_TIME, postgresql_where=ONE_AT_A_TIME),
        CLIENT_WORLD,
    )
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_no: Mapped[int] = mapped_column(unique=True)
    client_id: Mapped[UUID]
    counsellor_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(String(20))
    close_reason: Mapped[str | None] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(16))
    box_id: Mapped[UUID] = mapped_column(index=True)
    shared_box_id: Mapped[UUID] = mapped_column(index=True)
    cover_sealed: Mapped[bytes]
    cover_revision: Mapped[int]
    opened_on: Mapped[date]
    recommended: Mapped[bool] = mapped_column(default=False)
    resume_state: Mapped[str | None] = mapped_column(String(20))  # where a hold or a transfer came from
    resume_on: Mapped[date | None]
    transfer_to: Mapped[UUID | None]
    previous_id: Mapped[UUID | None]  # T24: the episode before; a closed case is never opened again
    ended_by: Mapped[str | None] = mapped_column(String(12))  # who asked to end it (篇9 二2)
    closed_on: Mapped[date | None]
    handed_in: Mapped[bool] = mapped_column(default=False, server_default=false())  # to the archive: written no more

    @property
    def is_filed(self) -> bool:
        """Whether the archive has signed for it: its boxes open by ticket only."""
        return self.state == "archived"


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
    reason: Mapped[str | None] = mapped_column(String(24))  # a code from a closed list, never anybody's words
    actor_id: Mapped[UUID]
    on_day: Mapped[date]


class CaseReader(Base):
    """Somebody besides the assigned counsellor whom the rules let read a case, until a day; the key is a grant beside it."""

    __tablename__ = "case_readers"
    __table_args__ = (CheckConstraint(f"purpose IN {READER_PURPOSES}", name="purpose"), CLIENT_WORLD)
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(12))
    until_on: Mapped[date | None]
    stays: Mapped[bool] = mapped_column(default=False)  # a second reader who is to take over: reads on if not


class Agreement(Base):
    """That the client (or a guardian) agreed to one form, or did not; how stands here, the words lie sealed (design §2).

    `item_id` is the form's item and `revision` the text that was agreed to: a changed text asks anew.
    """

    __tablename__ = "agreements"
    __table_args__ = (
        CheckConstraint(f"way IN {WAYS}", name="way"),
        CheckConstraint(f"party IN {PARTIES}", name="party"),
        Index("ix_agreements_item", "item_id", "number"),
        CLIENT_WORLD,
    )
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(12))
    item_id: Mapped[UUID]
    revision: Mapped[int]
    way: Mapped[str] = mapped_column(String(12))
    party: Mapped[str] = mapped_column(String(8), default="client")
    agreed: Mapped[bool]
    on_day: Mapped[date]


class Counter(Base):
    """Gap-free numbers: case numbers now, archive numbers later."""

    __tablename__ = "counters"
    name: Mapped[str] = mapped_column(String(24), primary_key=True)
    value: Mapped[int]
