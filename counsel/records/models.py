"""Columns of items and their sealed bodies. Lists read `items`; bodies lie apart and are never loaded by a list."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base


class Item(Base):
    """One thing in a box: a form or a note, its drafts and its signed revisions under one id that never changes."""

    __tablename__ = "items"
    __table_args__ = (
        CheckConstraint("(state = 'draft' AND revision = 0) OR (state = 'signed' AND revision > 0)", name="state"),
        Index(
            "ix_items_list",
            "box_id",
            "kind",
            "number",
            "state",
            "revision",
            "draft_version",
            "author_id",
            "on_day",
            "item_id",
        ),
        UniqueConstraint("box_id", "kind", "number"),
        CLIENT_WORLD,
    )
    item_id: Mapped[UUID] = mapped_column(primary_key=True)
    box_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(12))
    number: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(8), default="draft")
    revision: Mapped[int] = mapped_column(default=0)
    draft_version: Mapped[int] = mapped_column(default=0)
    author_id: Mapped[UUID]
    on_day: Mapped[date]


class Body(Base):
    """The sealed bytes of one revision; revision 0 is the draft. Signed ones can neither change nor go (trigger)."""

    __tablename__ = "bodies"
    __table_args__ = (CLIENT_WORLD,)
    item_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[UUID]
    sealed: Mapped[bytes]
    signature: Mapped[bytes | None]
    own_mac: Mapped[bytes | None]  # the author's own: whoever wrote it knows it again without the signature
