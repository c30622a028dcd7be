"""The stage: a founded school with its roster, students, and cases with signed notes through the real services."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import find_account, login_tag
from counsel.access.sign_ins import open_sign_in
from counsel.core.clock import now
from counsel.core.database import house_of
from counsel.core.installation import open_house
from counsel.core.settings import load_settings
from counsel.pathway.cases.models import Case
from counsel.pathway.sessions.services import begin_session, write_note
from counsel.people.invitations import activate, invite_student
from counsel.people.models import Student
from counsel.people.roll import import_students
from tests.conftest import Centre
from tests.school import ROLL, WORDS, found_school
from tests.story import in_counselling, open_the_centre

COUNSELLOR, OTHER = "lan", "qiu"
DATA, ASSESSMENT, PLAN = "睡得早些" * 100, "想法有松动" * 36, "继续记录" * 25
CONTENT = {"format": "dap", "data": DATA, "assessment": ASSESSMENT, "plan": PLAN, "next_on": "~" * 8}
TEXT_BYTES, NOTES, YEARS = 2048, 100, 16
assert sum(len(part.encode()) for name, part in CONTENT.items() if name != "format") == TEXT_BYTES


@contextmanager
def staged(folder: Path, environ: dict[str, str] | None = None) -> Iterator[Centre]:
    """Found a school in a folder of its own, its roster published, and close it afterwards."""
    settings = load_settings(folder, environ or {})
    school = found_school(settings)
    house, engine, sessions = open_house(settings)
    with sessions() as db:
        centre = Centre(settings, house, db, school, engine.dialect.name)
        open_the_centre(centre)
        yield centre
    engine.dispose()
    house.locks.dispose()


@contextmanager
def copied(centre: Centre, folder: Path) -> Iterator[Centre]:
    """Open a copy of a house on SQLite as it is now, so that it can be measured in turn with what it grows to."""
    rest(centre)
    shutil.copytree(centre.settings.instance, folder)
    house, engine, sessions = open_house(load_settings(folder, {}))
    with sessions() as db:
        yield Centre(house.settings, house, db, replace(centre.school), centre.backend)
    engine.dispose()
    house.locks.dispose()


def rest(centre: Centre) -> None:
    """Close every database connection: before a fork, and before another process takes over."""
    centre.db.close()
    centre.db.get_bind().engine.dispose()
    centre.house.locks.dispose()


def sessions_of(centre: Centre) -> Callable[[], Session]:
    """Open the house anew, as a worker process does, and return the factory of its database sessions."""
    return open_house(centre.settings)[2]


def enrol(centre: Centre, number: str) -> None:
    """Put a student of sixteen on the roll and let them activate: the ages of the tests' own students change with the date."""
    born, school = date(now().year - YEARS, 1, 1), centre.school
    line = f"{number},冉一禾,{born},高二1班,{now().year + 1}-07,冉家长,13900000005"
    import_students(centre.db, actor=school["admin"], raw=f"{ROLL.splitlines()[0]}\n{line}\n".encode())
    student = centre.db.scalars(select(Student).where(Student.login_tag == login_tag(house_of(centre.db), number))).one()
    ends = now() + timedelta(days=60)
    code, _card = invite_student(centre.db, actor=school["desk"], student_id=student.student_id, ends=ends)
    account, keyring, _printed = activate(centre.db, code=code, passphrase=WORDS, login=number, born=born)
    school.people[number] = open_sign_in(centre.db, account=account, keyring=keyring, device="phone")


def new_case(centre: Centre, number: str) -> UUID:
    """Enrol a student and take their case to counselling; return its id."""
    enrol(centre, number)
    return in_counselling(centre, number, COUNSELLOR).case_id


def write_notes(centre: Centre, case_id: UUID, count: int, after_each: Callable[[], object] = lambda: None) -> None:
    """Hold sessions and sign a note of 2 KiB for each; let something else happen after each."""
    with centre.session() as db:
        actor, case = centre.school[COUNSELLOR], db.get_one(Case, case_id)
        for _note in range(count):
            number = begin_session(db, actor=actor, case=case, mode="in_person", minutes=50, crisis=True).number
            write_note(db, actor=actor, case=case, number=number, content=CONTENT, seen_version=0, sign=True)
            after_each()


def fresh_token(centre: Centre, login: str) -> str:
    """Sign somebody in without their passphrase; return the cookie's value."""
    with centre.session() as db:
        account, keyring = find_account(db, login), centre.school[login].keyring
        assert account is not None
        return open_sign_in(db, account=account, keyring=keyring, device="computer").token
