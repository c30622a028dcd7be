"""Columns of safety cards. In clear: that there is one, and since when; who, how grave and what to do lie sealed to `duty`."""

from datetime import date
from uuid import UUID

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
