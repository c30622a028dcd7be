"""Columns of items and their sealed bodies. Lists read `items`; bodies lie apart and are never loaded by a list."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
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


MATERIAL_KINDS = ("record", "test", "letter", "audio", "video", "other")
MATERIAL_STATES = ("coming", "kept", "erased")


class Material(Base):
    """One thing that was brought into a case, in a box of its own; its name, type and exact size lie in the box (篇4 二).

    In clear stand its kind, how many parts it has, which session or form it belongs to, and until when it may be kept.
    """

    __tablename__ = "materials"
    __table_args__ = (
        CheckConstraint(f"kind IN {MATERIAL_KINDS}", name="kind"),
        CheckConstraint(f"state IN {MATERIAL_STATES}", name="state"),
        CheckConstraint("(state = 'erased') = (erased_on IS NOT NULL)", name="erased_with_day"),
        UniqueConstraint("case_id", "number"),
        CLIENT_WORLD,
    )
    material_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID]
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(8), default="coming")
    box_id: Mapped[UUID] = mapped_column(index=True)
    author_id: Mapped[UUID]
    parts: Mapped[int]
    on_day: Mapped[date]
    proves_id: Mapped[UUID | None]  # the form of which this is the signed paper
    session_no: Mapped[int | None]
    consent_id: Mapped[UUID | None] = mapped_column(index=True)  # the recording consent without which there is no recording
    keep_until: Mapped[date | None]
    erased_on: Mapped[date | None]


class Part(Base):
    """One part of a material as it lies in the store; once the material is kept it can neither change nor go (trigger)."""

    __tablename__ = "parts"
    __table_args__ = (CLIENT_WORLD,)
    material_id: Mapped[UUID] = mapped_column(ForeignKey("materials.material_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    part_id: Mapped[UUID] = mapped_column(unique=True)
    size: Mapped[int]
    digest: Mapped[bytes]
