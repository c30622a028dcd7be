"""Linkage: with the database and last week's backup in hand, nobody finds a client better than by guessing (promise 1).

Attacks join ids, equal bytes, times and row numbers. Each guesses for every client which student it is; a guesser with no
knowledge is right once in as many students as there are.
"""

import random
import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from counsel.access.accounts import login_tag
from counsel.access.sign_ins import SignedIn, open_sign_in, sign_out
from counsel.core.clock import now
from counsel.core.database import Base
from counsel.jobs.backup import DATABASE, back_up
from counsel.pathway.appointments.booking import book
from counsel.pathway.appointments.requests import Wish
from counsel.people.invitations import activate, invite_student
from counsel.people.models import Student
from counsel.people.roll import import_students
from counsel.roster.queries import free_slots
from tests.conftest import Centre
from tests.school import WORDS
from tests.story import CALM, open_the_centre

STUDENTS, ACTIVE, CLIENTS = 40, 8, 6
Guess = dict[str, str]


def school_at_work(centre: Centre) -> tuple[Path, Path, dict[str, str]]:
    """Fill a roll, let some activate and some become clients; return (old copy, new copy, client → student row)."""
    open_the_centre(centre)
    lines = ["student_no,name,birth_date,class,leaves_on"]
    lines += [f"L{n:03},学生{n},2009-0{1 + n % 9}-11,高{n % 5},2027-07" for n in range(STUDENTS)]
    import_students(centre.db, actor=centre.school["admin"], raw="\n".join(lines).encode())
    dice = random.Random(7)
    people = [_activated(centre, f"L{n:03}", n) for n in dice.sample(range(STUDENTS), ACTIVE)]
    old = _copy(centre, "old")
    truth = {}
    for person in dice.sample(people, CLIENTS):
        slot = free_slots(centre.db, (now() + timedelta(days=2)).date())[0]
        book(centre.db, actor=person, wish=Wish(slot=slot.key, answers=CALM, notice_version=1))
        sign_out(centre.db, actor=person)
        assert person.holder_id is not None and person.keyring is not None and person.keyring.student_id is not None
        truth[person.holder_id.hex] = person.keyring.student_id.hex
    return old, _copy(centre, "new"), truth


def _activated(centre: Centre, number: str, n: int) -> SignedIn:
    row = centre.db.scalars(select(Student).where(Student.login_tag == login_tag(centre.house, number))).one()
    ends = now() + timedelta(days=9)
    code, _card = invite_student(centre.db, actor=centre.school["desk"], student_id=row.student_id, ends=ends)
    born = date(2009, 1 + n % 9, 11)
    account, keyring, _printed = activate(centre.db, code=code, passphrase=WORDS, login=number, born=born)
    return open_sign_in(centre.db, account=account, keyring=keyring, device="phone")


def _copy(centre: Centre, name: str) -> Path:
    folder = centre.settings.instance.parent / name
    back_up(centre.settings, folder)
    return folder / DATABASE


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """Run a query on a copy, as a thief would."""
    with sqlite3.connect(path) as db:
        return db.execute(query).fetchall()


def by_row_numbers(_old: Path, new: Path) -> Guess:
    """The student whose card's box has the row number nearest to the client's own box."""
    boxes = dict(rows(new, "SELECT box_id, rowid FROM boxes"))
    students = {row: boxes[box] for row, box in rows(new, "SELECT student_id, card_box_id FROM students")}
    clients = {row: boxes[box] for row, box in rows(new, "SELECT client_id, card_box_id FROM clients")}
    return {c: min(students, key=lambda s, at=at: abs(students[s] - at)) for c, at in clients.items()}  # type: ignore[misc, operator]


def by_order(_old: Path, new: Path) -> Guess:
    """Clients in the order they came beside students in the order the table gives them."""
    students = [row for (row,) in rows(new, "SELECT student_id FROM students")]
    return dict(zip([row for (row,) in rows(new, "SELECT client_id FROM clients ORDER BY rowid")], students, strict=False))  # type: ignore[arg-type]


def by_change(old: Path, new: Path) -> Guess:
    """Students whose row, box or grant changed between the two copies, beside the clients who came in between."""
    query = "SELECT * FROM students ORDER BY student_id"
    changed = [new_row[0] for old_row, new_row in zip(rows(old, query), rows(new, query), strict=True) if old_row != new_row]
    grants = (
        "SELECT g.*, s.student_id FROM grants g JOIN students s ON s.card_box_id = g.box_id ORDER BY s.student_id, g.grant_id"
    )
    changed += [b[-1] for a, b in zip(rows(old, grants), rows(new, grants), strict=True) if a != b]
    assert changed == [], "becoming a client leaves a trace on the student's own rows"
    return {}


def by_accounts(old: Path, new: Path) -> Guess:
    """Accounts, sign-ins, devices and throttles that changed between the copies, and nothing of them may."""
    for table in ("accounts", "invitations", "known_devices", "throttles"):
        assert rows(old, f"SELECT * FROM {table} ORDER BY 1") == rows(new, f"SELECT * FROM {table} ORDER BY 1"), table
    return {}


@pytest.mark.parametrize("attack", [by_row_numbers, by_order, by_change, by_accounts])
def test_no_attack_is_better_than_guessing(sqlite_centre: Centre, attack: Callable[[Path, Path], Guess]) -> None:
    """At most two of six, where chance alone gives 0.15."""
    old, new, truth = school_at_work(sqlite_centre)
    guess = attack(old, new)
    assert sum(guess.get(client) == student for client, student in truth.items()) <= 2


def test_no_bytes_are_equal_in_both_worlds(sqlite_centre: Centre) -> None:
    """Of every value at least eight bytes long; also account-world tables have no row numbers on SQLite."""
    _old, new, _truth = school_at_work(sqlite_centre)
    seen: dict[str, set[object]] = {"account": set(), "client": set()}
    for table in Base.metadata.sorted_tables:
        world = table.info.get("world")
        if world is None:
            continue
        where = " WHERE kind = 'student'" if table.name == "accounts" else ""
        for row in rows(new, f"SELECT * FROM {table.name}{where}"):
            seen[world] |= {value for value in row if isinstance(value, (bytes, str)) and len(value) >= 8}
        if world == "account":
            with pytest.raises(sqlite3.OperationalError):
                rows(new, f"SELECT rowid FROM {table.name}")
    common = {value for value in seen["account"] & seen["client"] if not _is_a_day(value)}
    assert common == set()


def _is_a_day(value: object) -> bool:
    """Dates are coarse on purpose: the month a student leaves, the day something happened."""
    return isinstance(value, str) and value[:2] == "20" and len(value) <= 10
