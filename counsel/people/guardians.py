"""The list of guardians: one row per guardian of a student, sealed beside the student's card (篇8 二; domain §1.3 G3).

A student's rows replace what was known of that student's guardians; students the list does not name stay as they are.
"""

import json
import random
from collections import defaultdict

from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.database import House, house_of
from counsel.crypto.derive import mac, subkey
from counsel.people.cards import write_guardians
from counsel.people.roll import known_students
from counsel.people.tables import Cells, Columns, Progress, Report, RowProblem, no_progress, read_table, told

COLUMNS = Columns(
    {
        "student_no": ("student_no", "学号"),
        "name": ("guardian", "监护人"),
        "relation": ("relation", "关系"),
        "phone": ("phone", "电话"),
    },
    ("student_no", "name", "relation"),
)
Contact = dict[str, str]


def read_guardians(raw: bytes) -> tuple[dict[str, list[tuple[int, Contact]]], list[RowProblem]]:
    """Return (row, guardian) by student number, and what is wrong with any cell."""
    table, problems = read_table(raw, COLUMNS)
    found: dict[str, list[tuple[int, Contact]]] = defaultdict(list)
    for number, cells in table:
        guardian = _guardian(cells)
        if guardian in [other for _row, other in found[cells["student_no"]]]:
            problems.append(RowProblem(number, "name", "twice_here"))
        found[cells["student_no"]].append((number, guardian))
    return dict(found), problems


def _guardian(cells: Cells) -> Contact:
    return {"relation": cells["relation"], "name": cells["name"], "phone": cells["phone"]}


def import_guardians(db: Session, *, actor: SignedIn | None, raw: bytes, progress: Progress = no_progress) -> Report:
    """Import a list of guardians: all rows or none. The same file twice changes nothing the second time.

    :param actor: None from the shell of the machine itself.

    Records: ``people:guardians:imported`` with figures only.
    """
    if actor is not None:
        require(db, actor, Permission.ROLL_IMPORT)
    found, problems = read_guardians(raw)
    known = known_students(db, list(found)) if not problems else {}
    missing = [(rows[0][0], number) for number, rows in found.items() if number not in known]
    report = Report(problems=problems or [RowProblem(row, "student_no", "not_on_roll") for row, _number in missing])
    if report.problems:
        return report
    with recording(db) as record:
        for done, (number, rows) in enumerate(_shuffled(found), start=1):
            guardians = tuple(guardian for _row, guardian in rows)
            tag = guardians_tag(house_of(db), number, guardians)
            student = known[number]
            if student.guardians_tag == tag:
                report.same += 1
            else:
                report.added += student.guardians_tag is None
                report.changed += student.guardians_tag is not None
                write_guardians(db, student, guardians, tag)
            told(progress, done, len(found))
        role, by = (actor.role, actor.staff_id) if actor else ("system", None)
        record.line("people:guardians:imported", role=role, actor_id=by, detail=report.detail)
    return report


def _shuffled(found: dict[str, list[tuple[int, Contact]]]) -> list[tuple[str, list[tuple[int, Contact]]]]:
    """Return the students in an order that says nothing about their numbers."""
    rows = list(found.items())
    random.SystemRandom().shuffle(rows)
    return rows


def guardians_tag(house: House, number: str, guardians: tuple[Contact, ...]) -> bytes:
    """Return the HMAC by which a later import sees that nothing changed."""
    plain = json.dumps(list(guardians), ensure_ascii=False, sort_keys=True)
    return mac(subkey(house.secret, "roll"), b"guardians", number.encode(), plain.encode())
