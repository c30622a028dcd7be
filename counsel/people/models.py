"""Columns about people. Students and invitations belong to the account world, clients to the client world (design §2)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import ACCOUNT_WORLD, CLIENT_WORLD, Base


class Student(Base):
    """A pupil on the roll. The card (name, number, birth date, class, contacts, client ids) is sealed to `office`.

    An import has nobody's keys: what a later roll changes is sealed beside the card as `news` and read over it. The two
    tags let it see, without opening anything, whether a number now has another birth date or another content.
    """

    __tablename__ = "students"
    __table_args__ = (ACCOUNT_WORLD,)
    student_id: Mapped[UUID] = mapped_column(primary_key=True)
    login_tag: Mapped[bytes] = mapped_column(unique=True)
    leaves_month: Mapped[date]
    card_box_id: Mapped[UUID]
    card_sealed: Mapped[bytes]
    born_tag: Mapped[bytes]
    content_tag: Mapped[bytes]
    news_box_id: Mapped[UUID | None]
    news_sealed: Mapped[bytes | None]
    guardians_box_id: Mapped[UUID | None]  # a list of guardians, sealed beside the card in the same way
    guardians_sealed: Mapped[bytes | None]
    guardians_tag: Mapped[bytes | None]


class StaffAddress(Base):
    """Where a colleague wishes to be told that something waits, sealed under the server secret. Students have none."""

    __tablename__ = "staff_addresses"
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    address_sealed: Mapped[bytes]


class DeclaredConflict(Base):
    """That a counsellor has another relationship with a client; which one stands nowhere, because it would name the client."""

    __tablename__ = "declared_conflicts"
    __table_args__ = (CLIENT_WORLD,)
    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(primary_key=True)
    on_day: Mapped[date]


class Exclusion(Base):
    """That somebody must hear nothing about a client; whom the list names lies in its box. Lists are added, never replaced.

    Whoever is known under two ids has each list under both.
    """

    __tablename__ = "exclusion_lists"
    __table_args__ = (CLIENT_WORLD,)
    box_id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)


class ConflictLook(Base):
    """When a counsellor's cases were last compared with the timetable; an import empties the table."""

    __tablename__ = "conflict_looks"
    holder_id: Mapped[UUID] = mapped_column(primary_key=True)
    on_day: Mapped[date]


class Teaching(Base):
    """That a colleague teaches a class or leads it; the class as an HMAC, because a class name can point at a student."""

    __tablename__ = "teachings"
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    class_tag: Mapped[bytes] = mapped_column(primary_key=True)
    leads: Mapped[bool]


class Client(Base):
    """Somebody who made contact. The card (name snapshot, pointer back to the student) is sealed to `office`."""

    __tablename__ = "clients"
    __table_args__ = (CLIENT_WORLD,)
    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    card_box_id: Mapped[UUID]
    card_sealed: Mapped[bytes]


class Invitation(Base):
    """A one-time code on paper; the row is found by the code's finder and opened by the code alone."""

    __tablename__ = "invitations"
    __table_args__ = (CheckConstraint("tries BETWEEN 0 AND 5", name="tries"), ACCOUNT_WORLD)
    finder: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(index=True)
    payload_sealed: Mapped[bytes]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)


class Credential(Base):
    """A dated entry of a counsellor's competence log: a certificate with its end and the areas it allows (篇6 2)."""

    __tablename__ = "credentials"
    __table_args__ = (
        CheckConstraint("valid_to >= valid_from", name="dates"),
        Index("ix_credentials_holder", "holder_id", "valid_to"),
    )
    credential_id: Mapped[UUID] = mapped_column(primary_key=True)
    holder_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(String(80))
    issuer: Mapped[str] = mapped_column(String(80))
    number: Mapped[str] = mapped_column(String(40))
    areas: Mapped[str] = mapped_column(String(200))
    valid_from: Mapped[date]
    valid_to: Mapped[date]


class Education(Base):
    """A dated entry of continuing education: topic and hours (篇5 8, 篇8 十一)."""

    __tablename__ = "education"
    __table_args__ = (
        CheckConstraint("minutes > 0", name="minutes"),
        Index("ix_education_staff", "staff_id", "on_date"),
    )
    education_id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID]
    topic: Mapped[str] = mapped_column(String(120))
    minutes: Mapped[int]
    on_date: Mapped[date]


class RuleText(Base):
    """One version of a code or rule that staff must have read; later rules are rows, not code (篇5 2, 篇9 一1)."""

    __tablename__ = "rule_texts"
    code: Mapped[str] = mapped_column(String(24), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    clause: Mapped[str] = mapped_column(String(40))
    title_zh: Mapped[str] = mapped_column(String(80))
    title_en: Mapped[str] = mapped_column(String(120))
    text_zh: Mapped[str] = mapped_column(String(1000))
    text_en: Mapped[str] = mapped_column(String(2000))
    roles: Mapped[str] = mapped_column(String(200))
    since: Mapped[date]


class Acknowledgement(Base):
    """That somebody read one version of one rule, and when; kept when the text changes."""

    __tablename__ = "acknowledgements"
    __table_args__ = (ForeignKeyConstraint(["code", "version"], ["rule_texts.code", "rule_texts.version"]),)
    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(24), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
