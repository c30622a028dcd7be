"""The roll: a CSV of students, all rows or none, safe to repeat, needing nobody's private key (篇7 五).

Encodings UTF-8 (with or without BOM) and GB18030; formulae are refused; a number that now has another birth date is
refused until a human has looked.
"""

import csv
import io
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import fold_login, login_tag
from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.rules import Permission
from counsel.core.database import house_of
from counsel.core.ids import new_id
from counsel.keys.groups import group_reader
from counsel.keys.locks import make_locks
from counsel.people.cards import StudentCard, content_tags, new_card, write_news, write_student
from counsel.people.models import Student

COLUMNS = {
    "student_no": ("student_no", "学号"),
    "name": ("name", "姓名"),
    "birth_date": ("birth_date", "出生日期"),
    "class_name": ("class", "班级"),
    "leaves_on": ("leaves_on", "离校年月"),
    "guardian": ("guardian", "监护人"),
    "guardian_phone": ("guardian_phone", "监护人电话"),
}
NEEDED = ("student_no", "name", "birth_date", "class_name", "leaves_on")
LONGEST_CELL, LONGEST_LINE, MOST_ROWS = 60, 5_000, 20_000
FORMULA = re.compile(r"^[=+\-@\t\r＝＋－＠]")
HIDDEN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True)
class RowProblem:
    """What is wrong in one cell. `row` counts as a spreadsheet does: the heading is row 1."""

    row: int
    column: str
    code: str


@dataclass
class RollReport:
    """What an import did, or why it did nothing."""

    added: int = 0
    changed: int = 0
    same: int = 0
    problems: list[RowProblem] = field(default_factory=list)


@dataclass(frozen=True)
class RollRow:
    """One checked row."""

    row: int
    student_no: str
    name: str
    birth_date: date
    class_name: str
    leaves_month: date
    contacts: tuple[dict[str, str], ...]


def decode(raw: bytes) -> str | None:
    """Return the text of a file in UTF-8 or GB18030, or None when it is neither."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def read_roll(raw: bytes) -> tuple[list[RollRow], list[RowProblem]]:
    """Check a file row by row; problems come with row and column."""
    text = decode(raw)
    if text is None or "\0" in text or any(len(line) > LONGEST_LINE for line in text.splitlines()):
        return [], [RowProblem(1, "", "encoding")]
    reader = csv.DictReader(io.StringIO(text, newline=""))
    names = {column: next((n for n in reader.fieldnames or [] if n.strip() in known), None) for column, known in COLUMNS.items()}
    missing = [RowProblem(1, column, "missing_column") for column in NEEDED if names[column] is None]
    if missing:
        return [], missing
    rows: list[RollRow] = []
    problems: list[RowProblem] = []
    seen: set[str] = set()
    for number, cells in enumerate(reader, start=2):
        values = {column: (cells.get(name) or "").strip() if name else "" for column, name in names.items()}
        row = _check_row(number, values, seen, problems)
        if row is not None:
            rows.append(row)
        if number > MOST_ROWS:
            problems.append(RowProblem(number, "", "too_many_rows"))
            break
    if not rows and not problems:
        problems.append(RowProblem(2, "", "no_rows"))
    return rows, problems


def _check_row(number: int, values: dict[str, str], seen: set[str], problems: list[RowProblem]) -> RollRow | None:
    found = [RowProblem(number, column, code) for column, code in _cell_problems(values)]
    born, leaves = _day(values["birth_date"]), _month(values["leaves_on"])
    if born is None and values["birth_date"]:
        found.append(RowProblem(number, "birth_date", "no_date"))
    if leaves is None and values["leaves_on"]:
        found.append(RowProblem(number, "leaves_on", "no_month"))
    if fold_login(values["student_no"]) in seen:
        found.append(RowProblem(number, "student_no", "twice"))
    seen.add(fold_login(values["student_no"]))
    problems.extend(found)
    if found or born is None or leaves is None:
        return None
    contact = {"relation": "guardian", "name": values["guardian"], "phone": values["guardian_phone"]}
    contacts = (contact,) if values["guardian"] else ()
    return RollRow(number, values["student_no"], values["name"], born, values["class_name"], leaves, contacts)


def _cell_problems(values: dict[str, str]) -> list[tuple[str, str]]:
    found = []
    for column, value in values.items():
        if column in NEEDED and not value:
            found.append((column, "empty"))
        elif FORMULA.match(value):
            found.append((column, "formula"))
        elif HIDDEN.search(value):
            found.append((column, "hidden_characters"))
        elif len(value) > LONGEST_CELL:
            found.append((column, "too_long"))
    return found


def _day(text: str) -> date | None:
    parts = re.fullmatch(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?", text)
    try:
        return date(*(int(part) for part in parts.groups())) if parts else None
    except ValueError:
        return None


def _month(text: str) -> date | None:
    parts = re.fullmatch(r"(\d{4})[-/.年]?(\d{1,2})月?", text)
    return date(int(parts[1]), int(parts[2]), 1) if parts and int(parts[1]) >= 1 and 1 <= int(parts[2]) <= 12 else None


def import_students(
    db: Session, *, actor: SignedIn | None, raw: bytes, progress: Callable[[int, int], None] = lambda done, total: None
) -> RollReport:
    """Import a roll: all rows or none. The same file twice changes nothing the second time.

    :param actor: None from the shell of the machine itself.
    :param progress: called with (rows done, rows in all).

    Records: ``people:roll:imported`` with figures only.
    """
    if actor is not None:
        require(db, actor, Permission.ROLL_IMPORT)
    rows, problems = read_roll(raw)
    report = RollReport(problems=problems)
    if problems:
        return report
    random.SystemRandom().shuffle(rows)  # the order of rows must say nothing about a class
    known = _known_students(db, rows)
    report.problems = [RowProblem(row.row, "birth_date", "number_reused") for row in rows if _reused(db, known, row)]
    if not report.problems:
        _write_rows(db, actor, rows, known, report, progress)
    report.problems.sort(key=lambda problem: problem.row)
    return report


def _known_students(db: Session, rows: list[RollRow]) -> dict[str, Student]:
    house = house_of(db)
    tags = {login_tag(house, row.student_no): row.student_no for row in rows}
    return {tags[student.login_tag]: student for student in db.scalars(select(Student)) if student.login_tag in tags}


def _card_of(row: RollRow) -> StudentCard:
    return new_card(row.name, row.student_no, row.birth_date, row.class_name, row.contacts)


def _reused(db: Session, known: dict[str, Student], row: RollRow) -> bool:
    student = known.get(row.student_no)
    return student is not None and content_tags(house_of(db), _card_of(row))[0] != student.born_tag


def _write_rows(
    db: Session,
    actor: SignedIn | None,
    rows: list[RollRow],
    known: dict[str, Student],
    report: RollReport,
    progress: Callable[[int, int], None],
) -> None:
    house = house_of(db)
    locks = list(make_locks(house, [new_id() for row in rows if row.student_no not in known]).items())
    office = group_reader(db, "office", "card")
    with recording(db) as record:
        for done, row in enumerate(rows, start=1):
            student = known.get(row.student_no)
            card = _card_of(row)
            if student is None:
                box_id, lock = locks.pop()
                tag = login_tag(house, row.student_no)
                write_student(db, tag=tag, card=card, leaves_month=row.leaves_month, office=office, lock=lock, box_id=box_id)
                report.added += 1
            elif content_tags(house, card)[1] != student.content_tag or student.leaves_month != row.leaves_month:
                student.leaves_month = row.leaves_month
                write_news(db, student, card)
                report.changed += 1
            else:
                report.same += 1
            progress(done, len(rows))
        role, by = (actor.role, actor.staff_id) if actor else ("system", None)
        detail = f"added {report.added} changed {report.changed} same {report.same}"
        record.line("people:roll:imported", role=role, actor_id=by, detail=detail)
