"""Columns of the key model. No row says whom it belongs to in the account world; ids are random."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import Base

HOLDER_KINDS = ("staff", "client", "group", "code")  # code: somebody without an account, for one package
BOX_KINDS = (
    *("group", "card", "request", "case", "shared", "concern", "task", "process", "safety"),
    *("disclosure", "package", "exclusion", "report", "material", "recording", "volume"),
    *("ticket", "reading"),
)


class Holder(Base):
    """The public half of someone with keys. A client's `holder_id` is the `client_id`; a group's is fixed by its name."""

    __tablename__ = "holders"
    __table_args__ = (CheckConstraint(f"kind IN {HOLDER_KINDS}", name="kind"),)
    holder_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    kem_public: Mapped[bytes]
    sign_public: Mapped[bytes | None]
    proof: Mapped[bytes | None]  # clients: HMAC under the secret of their invitation
    private_sealed: Mapped[bytes | None]  # groups: the private half, under the group's box
    revoked: Mapped[bool] = mapped_column(default=False)


class Certificate(Base):
    """A certifier's signature that these public keys belong to this holder in this role."""

    __tablename__ = "certificates"
    holder_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(String(24), primary_key=True)
    certifier_id: Mapped[UUID] = mapped_column(primary_key=True)
    signature: Mapped[bytes]


class Box(Base):
    """Something with readers. A child box (a request taken into a case) opens through its parent."""

    __tablename__ = "boxes"
    __table_args__ = (CheckConstraint(f"kind IN {BOX_KINDS}", name="kind"),)
    box_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    epoch: Mapped[int]
    shut: Mapped[bool] = mapped_column(default=False, server_default=false())  # filed: opens for no group, a ticket apart
    stale: Mapped[bool] = mapped_column(default=False)
    parent_id: Mapped[UUID | None] = mapped_column(index=True)
    parent_epoch: Mapped[int | None]
    parent_wrap: Mapped[bytes | None]


class BoxEpoch(Base):
    """The key of the epoch before, sealed under this one: newcomers read back, nothing is rewrapped."""

    __tablename__ = "box_epochs"
    box_id: Mapped[UUID] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    previous_sealed: Mapped[bytes]


class Grant(Base):
    """This holder may open this box from this epoch back: a signed wrap, then the holder's own symmetric wrap."""

    __tablename__ = "grants"
    __table_args__ = (
        UniqueConstraint("box_id", "epoch", "holder_id"),
        Index("ix_grants_holder", "holder_id", "box_id"),
    )
    grant_id: Mapped[UUID] = mapped_column(primary_key=True)
    box_id: Mapped[UUID]
    epoch: Mapped[int]
    holder_id: Mapped[UUID]
    holder_version: Mapped[int]
    granter_id: Mapped[UUID]
    granter_version: Mapped[int]
    purpose: Mapped[str] = mapped_column(String(24))
    not_after: Mapped[datetime | None]
    wrap: Mapped[bytes]
    signature: Mapped[bytes]
    key_mac: Mapped[bytes]  # made with the box key itself: only whoever could open the box can have granted it
    own_wrap: Mapped[bytes | None]
