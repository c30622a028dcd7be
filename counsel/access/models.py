"""Columns of the account world: nothing here says which client anybody is, and no time is finer than it must be."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import ACCOUNT_WORLD, Base

STATUSES = ("invited", "active", "dismissed")


class Account(Base):
    """Somebody who can sign in. Students: no public key, no holder, no name; staff: names under the server secret."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("kind IN ('staff', 'student')", name="kind"),
        CheckConstraint("kind = 'staff' OR holder_id IS NULL", name="student_has_no_holder"),
        CheckConstraint("status <> 'active' OR bundle_sealed IS NOT NULL", name="active_has_keys"),
        ACCOUNT_WORLD,
    )
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    status: Mapped[str] = mapped_column(String(12))
    login_tag: Mapped[bytes] = mapped_column(unique=True)
    roles: Mapped[str] = mapped_column(String(120))
    salt: Mapped[bytes]
    verifier: Mapped[bytes | None]
    bundle_sealed: Mapped[bytes | None]
    code_sealed: Mapped[bytes | None]  # second copy of the bundle, under the printed code
    code_confirmed: Mapped[bool] = mapped_column(default=False)
    names_sealed: Mapped[bytes | None]  # staff only
    holder_id: Mapped[UUID | None] = mapped_column(index=True)
    made_month: Mapped[date]


class Deputy(Base):
    """That somebody may act in a colleague's approving role between two days; the colleague keeps it (篇5 17)."""

    __tablename__ = "deputies"
    __table_args__ = (CheckConstraint("until_on >= from_on", name="days"),)
    deputy_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(String(24))
    named_by: Mapped[UUID]
    account_id: Mapped[UUID] = mapped_column(index=True)
    from_on: Mapped[date]
    until_on: Mapped[date]


class SignIn(Base):
    """One signed-in browser, found by the hash of a token that only its cookie holds; deleted when it ends."""

    __tablename__ = "sign_ins"
    __table_args__ = (ACCOUNT_WORLD,)
    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    account_tag: Mapped[bytes] = mapped_column(index=True)
    self_sealed: Mapped[bytes]
    vault_sealed: Mapped[bytes | None]
    vault_until: Mapped[datetime | None]
    idle_until: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime] = mapped_column(index=True)
    device: Mapped[str] = mapped_column(String(24))


class KnownDevice(Base):
    """A browser that signed in to this account before; it has a budget of its own for wrong passphrases."""

    __tablename__ = "known_devices"
    __table_args__ = (ACCOUNT_WORLD,)
    device_tag: Mapped[bytes] = mapped_column(primary_key=True)
    seen_month: Mapped[date]


class Throttle(Base):
    """How often a tag (account, account on a device, address) failed lately, and until when it must wait."""

    __tablename__ = "throttles"
    __table_args__ = (ACCOUNT_WORLD,)
    tag: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int]
    since: Mapped[datetime]
    wait_until: Mapped[datetime | None]
