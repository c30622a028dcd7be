"""Columns of the instruments a centre has approved: only these, in a named version, may be used (篇9 一2; R9-02)."""

from datetime import date
from uuid import UUID

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import Base


class Instrument(Base):
    """One approved questionnaire in one version; a changed definition is a further version, and results keep theirs."""

    __tablename__ = "instruments"
    __table_args__ = (UniqueConstraint("code", "version"),)
    instrument_id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(24))
    version: Mapped[str] = mapped_column(String(24))
    title: Mapped[str] = mapped_column(String(120))
    items: Mapped[int]
    lowest: Mapped[int]
    highest: Mapped[int]
    approved_on: Mapped[date]
    withdrawn_on: Mapped[date | None]
