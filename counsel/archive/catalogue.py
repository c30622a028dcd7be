"""The catalogue: what lies in the archive, by code, year, period and counsellor; never by name, never by content (篇4 三)."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.archive.models import Ticket, Volume
from counsel.archive.retention import overdue, unfiled, without_key
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.settings import Settings
from counsel.pathway.cases.models import Case

PAGE = 50
AS_TYPED = re.compile(r"(?<!\d)(\d{4})\W*(D10|D30)\W*(?:ZX)?\W*(\d{1,6})$")  # 2026-D10-ZX-0001, with or without what is before it
ONLY_NUMBER, BETWEEN = re.compile(r"(?:ZX)?\W*(\d{1,6})"), re.compile(r"\W")


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for; everything empty finds all.

    :param out: only what is lent or read now; `after`: (year, retention, number) of the last line of the page before.
    """

    code: str = ""
    year: int | None = None
    retention: str = ""
    counsellor: UUID | None = None
    out: bool = False
    after: tuple[int, str, int] | None = None


def catalogue(db: Session, *, actor: SignedIn, wanted: Wanted = Wanted()) -> Sequence[Volume]:
    """Return one page of sealed volumes, the newest year first; by the index, however many there are and however deep.

    Rule: 篇4 三; domain §5.3.
    """
    require(db, actor, Permission.VOLUME_LIST)
    place = tuple_(Volume.year, Volume.retention, Volume.number)
    found = _matching(house_of(db).settings, wanted).order_by(Volume.year.desc(), Volume.retention.desc(), Volume.number.desc())
    if wanted.after is not None:
        found = found.where(place < tuple_(*wanted.after))
    return db.scalars(found.limit(PAGE + 1)).all()


def named_by(settings: Settings, typed: str) -> ColumnElement[bool]:
    """Return the condition that a volume has the code somebody typed: whole, whatever stands between its parts, or its number.

    What is before the year may be left out; when it is typed it is this archive's.
    """
    text = unicodedata.normalize("NFKC", typed).strip().upper()
    parts, ours = AS_TYPED.search(text), f"{settings.fonds_code}{settings.archive_category}".upper()
    if parts is not None and ours.endswith(BETWEEN.sub("", text[: parts.start()])):
        return and_(Volume.year == int(parts[1]), Volume.retention == parts[2], Volume.number == int(parts[3]))
    number = ONLY_NUMBER.fullmatch(text)
    return Volume.number == int(number[1]) if number is not None else Volume.code == typed.strip()


def _matching(settings: Settings, wanted: Wanted) -> Select[Volume]:
    query = select(Volume).where(Volume.state == "sealed")
    if wanted.code:
        query = query.where(named_by(settings, wanted.code))
    if wanted.year is not None:
        query = query.where(Volume.year == wanted.year)
    if wanted.retention:
        query = query.where(Volume.retention == wanted.retention)
    if wanted.counsellor is not None:
        query = query.where(Volume.counsellor_id == wanted.counsellor)
    return query.where(Volume.volume_id.in_(_out())) if wanted.out else query


def _out() -> Select[UUID]:
    return select(Ticket.volume_id).where(Ticket.state.in_(("open", "lost")))


def out_among(db: Session, volumes: Sequence[Volume]) -> set[UUID]:
    """Return which of some volumes are lent or read now, or lost."""
    ids = [volume.volume_id for volume in volumes]
    return set(db.scalars(_out().where(Ticket.volume_id.in_(ids))))


def waiting(db: Session, *, actor: SignedIn) -> list[tuple[Volume, int]]:
    """Return the volumes that wait for the archivist, with how many days each has waited, the oldest first."""
    require(db, actor, Permission.VOLUME_LIST)
    day = today(house_of(db).settings.time_zone)
    query = select(Volume).where(Volume.state == "submitted").order_by(Volume.submitted_on, Volume.case_no)
    return [(volume, (day - volume.submitted_on).days) for volume in db.scalars(query)]


def late(db: Session, *, actor: SignedIn) -> list[tuple[Case, int]]:
    """Return closed cases that should have been handed in, with how many days they are late (R4-05)."""
    require(db, actor, Permission.VOLUME_LIST)
    day = today(house_of(db).settings.time_zone)
    return [(case, (day - due).days) for case, due in overdue(db)]


def opened_by_nobody(db: Session, *, actor: SignedIn) -> list[Case]:
    """Return closed cases that can never be filed, because their last key left with somebody, for archivist and director."""
    require(db, actor, Permission.CASE_DIRECT if actor.role is Role.DIRECTOR else Permission.VOLUME_LIST)
    return without_key(db)


def handed_in_by(db: Session, *, actor: SignedIn) -> Sequence[Volume]:
    """Return what the actor handed in, the newest first: where each is, and under which code it was filed."""
    require(db, actor, Permission.CASE_LIST)
    mine = select(Volume).where(Volume.counsellor_id == actor.holder_id)
    return db.scalars(mine.order_by(Volume.submitted_on.desc(), Volume.case_no.desc()).limit(2 * PAGE)).all()


def late_of(db: Session, *, actor: SignedIn) -> list[tuple[Case, date]]:
    """Return the actor's closed cases that should have been handed in, for the director all, with the day they were due."""
    require(db, actor, Permission.CASE_LIST)
    return overdue(db, None if actor.role is Role.DIRECTOR else actor.holder_id)


def to_hand_in(db: Session, *, actor: SignedIn) -> list[tuple[Case, date]]:
    """Return the actor's closed cases still to be handed in, each with its day; for the director also the late ones of others."""
    own = unfiled(db, actor.holder_id)
    return [*own, *(row for row in late_of(db, actor=actor) if row[0].counsellor_id != actor.holder_id)]


def years(db: Session, *, actor: SignedIn) -> list[tuple[int, int]]:
    """Return (year, number of sealed volumes), the newest first."""
    require(db, actor, Permission.VOLUME_LIST)
    query = select(Volume.year, func.count()).where(Volume.state == "sealed").group_by(Volume.year)
    return [(row[0], row[1]) for row in db.execute(query.order_by(Volume.year.desc()))]
