"""Old volumes that exist on paper alone: entered without content, singly or from a checked table; numbers go on from them.

A name stands, if at all, in the archive's own sealed index (篇4 二三; domain §5.3).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.archive.hand_over import INDEX, LONGEST_PLACE, MOST_PAGES, code_of, counter_of
from counsel.archive.models import RETENTIONS, Volume
from counsel.archive.retention import keep_until
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError
from counsel.core.ids import new_id
from counsel.keys.boxes import create_box
from counsel.keys.groups import group_reader
from counsel.keys.locks import make_locks
from counsel.pathway.cases.models import Counter
from counsel.people.tables import Cells, Columns, Progress, Report, RowProblem, no_progress, read_table, told
from counsel.records.services import write_signed

COLUMNS = Columns(
    {
        "year": ("year", "年度"),
        "retention": ("kept_for", "保管期限"),
        "number": ("number", "件号"),
        "pages": ("pages", "页数"),
        "place": ("place", "存放处"),
        "name": ("name", "姓名"),
        "birth_date": ("birth_date", "出生日期"),
    },
    ("year", "retention", "number", "pages", "place"),
)
PERIODS = {"10": "D10", "30": "D30", **{name: name for name in RETENTIONS}}
FIRST_YEAR, MOST_NUMBER, LONGEST_NAME = 1950, 99_999, 40


@dataclass(frozen=True)
class OldVolume:
    """A paper volume as it is typed.

    :param year: of the closing; `retention`: D10 or D30; `number`: the one on its spine; `name`: for the sealed index.
    """

    year: int
    retention: str
    number: int
    pages: int
    place: str
    name: str = ""
    born: date | None = None


def enter_paper(db: Session, *, actor: SignedIn, old: OldVolume) -> Volume:
    """Enter one old paper volume.

    :raises InvalidError: what is wrong, field by field; :raises ConflictError: ``number_taken``.

    Records: ``archive:paper:entered``. Rule: 篇4 二; 篇8 六.
    """
    require(db, actor, Permission.VOLUME_ENTER)
    problems = _problems(db, old)
    if problems:
        raise InvalidError(**problems)
    box_id, lock = next(iter(make_locks(house_of(db), [new_id()]).items()))
    with recording(db) as record:
        volume = _add(db, actor, old, box_id, lock)
        record.by(actor, "archive:paper:entered", object_id=volume.volume_id, detail=volume.code or "")
    return volume


def _problems(db: Session, old: OldVolume) -> dict[str, str]:
    found = {}
    if not FIRST_YEAR <= old.year <= today(house_of(db).settings.time_zone).year:
        found["year"] = "a_number"
    if old.retention not in RETENTIONS:
        found["retention"] = "unknown"
    if not 1 <= old.number <= MOST_NUMBER:
        found["number"] = "a_number"
    if not 1 <= old.pages <= MOST_PAGES:
        found["pages"] = "a_number"
    if not old.place.strip() or len(old.place) > LONGEST_PLACE:
        found["place"] = "too_long" if old.place.strip() else "empty"
    if len(old.name) > LONGEST_NAME:
        found["name"] = "too_long"
    if old.born is not None and not date(1900, 1, 1) < old.born < date(old.year, 12, 31):
        found["birth_date"] = "no_birth_date"
    return found


def _add(db: Session, actor: SignedIn, old: OldVolume, box_id: UUID, lock: bytes) -> Volume:
    """Add a checked volume, inside the caller's transaction; the next number of its year and period comes after it."""
    code = code_of(house_of(db).settings, old.year, old.retention, old.number)
    if db.scalar(select(Volume.volume_id).where(Volume.code == code)) is not None:
        raise ConflictError("number_taken")
    _go_on_after(db, old.year, old.retention, old.number)
    day, end = today(house_of(db).settings.time_zone), keep_until(date(old.year, 12, 31), old.retention, old.born)
    volume = Volume(volume_id=new_id(), box_id=box_id, state="sealed", round=1, year=old.year, retention=old.retention)
    volume.keep_until, volume.items, volume.pages, volume.number, volume.code = end, 0, old.pages, old.number, code
    volume.place, volume.submitted_on, volume.answered_on, volume.archivist_id = old.place.strip(), day, day, actor.holder_id
    archive, keyring = group_reader(db, "archive", "archive"), keys_of(db, actor)
    box = create_box(db, kind="volume", readers=[archive], granter=keyring, box_id=box_id, lock=lock)
    db.add(volume)
    db.flush()
    if old.name.strip():
        who = {"name": old.name.strip(), "student_no": "", "birth_date": old.born.isoformat() if old.born else ""}
        write_signed(db, box=box, kind=INDEX, keyring=keyring, content=who)
    return volume


def _go_on_after(db: Session, year: int, retention: str, number: int) -> None:
    name = counter_of(year, retention)
    counter = db.get(Counter, name, with_for_update=True, populate_existing=True)
    if counter is None:
        counter = Counter(name=name, value=0)
        db.add(counter)
    counter.value = max(counter.value, number)
    db.flush()


def go_on_from(db: Session, *, actor: SignedIn, year: int, retention: str, number: int) -> None:
    """Say which number was the last on paper in a year and period: the next volume takes the one after it.

    :raises InvalidError: no such year, period or number, or one that was given already.

    Records: ``archive:numbers:continued``. Rule: domain §5.3.
    """
    require(db, actor, Permission.VOLUME_ENTER)
    problems = _problems(db, OldVolume(year, retention, number, 1, "x"))
    if problems:
        raise InvalidError(**problems)
    with recording(db) as record:
        counter = db.get(Counter, counter_of(year, retention), with_for_update=True, populate_existing=True)
        if counter is not None and counter.value >= number:
            raise InvalidError(number="given_already")
        _go_on_after(db, year, retention, number)
        record.by(actor, "archive:numbers:continued", detail=f"{year} {retention} {number}")


def import_paper(db: Session, *, actor: SignedIn, raw: bytes, progress: Progress = no_progress) -> Report:
    """Enter a table of old volumes: all rows or none; those that are there already stay as they are.

    :param progress: called with (rows done, rows in all).

    Records: ``archive:paper:imported`` with figures only.
    """
    require(db, actor, Permission.VOLUME_ENTER)
    rows, problems = _read(db, raw)
    report = Report(problems=problems)
    if problems:
        return report
    settings = house_of(db).settings
    codes = {code_of(settings, old.year, old.retention, old.number): old for old in rows}
    there = set(db.scalars(select(Volume.code).where(Volume.code.in_(list(codes)), Volume.case_id.is_(None))))
    new = [old for code, old in codes.items() if code not in there]
    locks = list(make_locks(house_of(db), [new_id() for _old in new]).items())
    with recording(db) as record:
        for done, (old, (box_id, lock)) in enumerate(zip(new, locks, strict=True), start=1):
            _add(db, actor, old, box_id, lock)
            told(progress, done, len(new))
        report.added, report.same = len(new), len(there)
        record.by(actor, "archive:paper:imported", detail=report.detail)
    return report


def _read(db: Session, raw: bytes) -> tuple[Sequence[OldVolume], list[RowProblem]]:
    table, problems = read_table(raw, COLUMNS)
    rows, seen = [], set()
    filed = select(Volume.year, Volume.retention, Volume.number).where(Volume.state == "sealed", Volume.case_id.is_not(None))
    taken = {tuple(row) for row in db.execute(filed)}
    for number, cells in table:
        old = _row(cells)
        found = _problems(db, old)
        if (old.year, old.retention, old.number) in seen:
            found["number"] = "volume_twice"
        elif (old.year, old.retention, old.number) in taken:
            found["number"] = "number_taken"
        if cells["birth_date"] and old.born is None:
            found["birth_date"] = "no_date"
        seen.add((old.year, old.retention, old.number))
        problems += [RowProblem(number, column, code) for column, code in found.items()]
        rows.append(old)
    return rows, sorted(problems, key=lambda problem: problem.row)


def _row(cells: Cells) -> OldVolume:
    year, number, pages = (_whole(cells[name]) for name in ("year", "number", "pages"))
    retention = PERIODS.get(cells["retention"].upper().removesuffix("年"), "")
    return OldVolume(year, retention, number, pages, cells["place"], cells["name"], _day(cells["birth_date"]))


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else 0


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
