"""The roll: a table of students, all rows or none, safe to repeat, needing nobody's private key (篇7 五).

A number that now has another birth date is refused until a human has looked.
"""

import random
import re
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import fold_login, login_tag
from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.database import house_of
from counsel.core.ids import new_id
from counsel.keys.groups import group_reader
from counsel.keys.locks import make_locks
from counsel.people.cards import StudentCard, content_tags, new_card, write_news, write_student
from counsel.people.models import Student
from counsel.people.tables import Cells, Columns, Progress, Report, RowProblem, no_progress, read_table, told

COLUMNS = Columns(
    {
        "student_no": ("student_no", "学号"),
        "name": ("name", "姓名"),
        "birth_date": ("birth_date", "出生日期"),
        "class_name": ("class", "班级"),
        "leaves_on": ("leaves_on", "离校年月"),
        "guardian": ("guardian", "监护人"),
        "guardian_phone": ("guardian_phone", "监护人电话"),
    },
    ("student_no", "name", "birth_date", "class_name", "leaves_on"),
)


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


def read_roll(raw: bytes) -> tuple[list[RollRow], list[RowProblem]]:
    """Check a file row by row; problems come with row and column."""
    table, problems = read_table(raw, COLUMNS)
    bad, seen, rows = {problem.row for problem in problems}, set[str](), []
    for number, cells in table:
        found = _row_problems(number, cells, seen)
        problems.extend(found)
        seen.add(fold_login(cells["student_no"]))
        if not found and number not in bad:
            rows.append(_row(number, cells))
    return rows, sorted(problems, key=lambda problem: problem.row)


def _row_problems(number: int, cells: Cells, seen: set[str]) -> list[RowProblem]:
    found = []
    if cells["birth_date"] and _day(cells["birth_date"]) is None:
        found.append(RowProblem(number, "birth_date", "no_date"))
    if cells["leaves_on"] and _month(cells["leaves_on"]) is None:
        found.append(RowProblem(number, "leaves_on", "no_month"))
    if cells["student_no"] and fold_login(cells["student_no"]) in seen:
        found.append(RowProblem(number, "student_no", "twice"))
    return found


def _row(number: int, cells: Cells) -> RollRow:
    born, leaves = _day(cells["birth_date"]), _month(cells["leaves_on"])
    assert born is not None and leaves is not None
    contact = {"relation": "guardian", "name": cells["guardian"], "phone": cells["guardian_phone"]}
    contacts = (contact,) if cells["guardian"] else ()
    return RollRow(number, cells["student_no"], cells["name"], born, cells["class_name"], leaves, contacts)


def _day(text: str) -> date | None:
    parts = re.fullmatch(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?", text)
    try:
        return date(*(int(part) for part in parts.groups())) if parts else None
    except ValueError:
        return None


def _month(text: str) -> date | None:
    parts = re.fullmatch(r"(\d{4})[-/.年]?(\d{1,2})月?", text)
    return date(int(parts[1]), int(parts[2]), 1) if parts and int(parts[1]) >= 1 and 1 <= int(parts[2]) <= 12 else None


def import_students(db: Session, *, actor: SignedIn | None, raw: bytes, progress: Progress = no_progress) -> Report:
    """Import a roll: all rows or none. The same file twice changes nothing the second time.

    :param actor: None from the shell of the machine itself.
    :param progress: called with (rows done, rows in all).

    Records: ``people:roll:imported`` with figures only.
    """
    if actor is not None:
        require(db, actor, Permission.ROLL_IMPORT)
    rows, problems = read_roll(raw)
    report = Report(problems=problems)
    if problems:
        return report
    random.SystemRandom().shuffle(rows)  # the order of rows must say nothing about a class
    known = known_students(db, [row.student_no for row in rows])
    report.problems = [RowProblem(row.row, "birth_date", "number_reused") for row in rows if _reused(db, known, row)]
    if not report.problems:
        _write_rows(db, actor, rows, known, report, progress)
    report.problems.sort(key=lambda problem: problem.row)
    return report


def known_students(db: Session, numbers: list[str]) -> dict[str, Student]:
    """Return the rows of some student numbers, by number as it was written."""
    house = house_of(db)
    tags = {login_tag(house, number): number for number in numbers}
    return {tags[student.login_tag]: student for student in db.scalars(select(Student)) if student.login_tag in tags}


def _card_of(row: RollRow) -> StudentCard:
    return new_card(row.name, row.student_no, row.birth_date, row.class_name, row.contacts)


def _reused(db: Session, known: dict[str, Student], row: RollRow) -> bool:
    student = known.get(row.student_no)
    return student is not None and content_tags(house_of(db), _card_of(row))[0] != student.born_tag


def _write_rows(
    db: Session, actor: SignedIn | None, rows: list[RollRow], known: dict[str, Student], report: Report, progress: Progress
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
            told(progress, done, len(rows))
        role, by = (actor.role, actor.staff_id) if actor else ("system", None)
        record.line("people:roll:imported", role=role, actor_id=by, detail=report.detail)
