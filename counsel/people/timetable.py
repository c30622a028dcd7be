"""The timetable of a term: who teaches which class, and who leads it: the source of conflict checks (篇9 一7).

A new file replaces the old table whole, because a teacher who no longer teaches a class must not stay in it.
"""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from counsel.access.accounts import find_account
from counsel.access.gate import require
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.database import House, house_of
from counsel.crypto.derive import mac, subkey
from counsel.people.models import ConflictLook, Teaching
from counsel.people.tables import Cells, Columns, Progress, Report, RowProblem, no_progress, read_table, told

COLUMNS = Columns(
    {
        "login": ("login", "用户名"),
        "class_name": ("class", "班级"),
        "leads": ("head_teacher", "班主任"),
    },
    ("login", "class_name"),
)
YES, NO = ("yes", "是", "1"), ("", "no", "否", "0")


def class_tag(house: House, class_name: str) -> bytes:
    """Return the HMAC under which a class stands in the timetable."""
    return mac(subkey(house.secret, "class"), "".join(class_name.split()).encode())


def _row_problems(db: Session, number: int, cells: Cells) -> list[RowProblem]:
    found = []
    account = find_account(db, cells["login"]) if cells["login"] else None
    if cells["login"] and (account is None or account.kind != "staff" or account.status == "dismissed"):
        found.append(RowProblem(number, "login", "no_colleague"))
    if cells["leads"] not in (*YES, *NO):
        found.append(RowProblem(number, "leads", "yes_or_no"))
    return found


def import_timetable(db: Session, *, actor: SignedIn | None, raw: bytes, progress: Progress = no_progress) -> Report:
    """Import the teacher–class table: all rows or none; it replaces the table before. The same file twice changes nothing.

    :param actor: None from the shell of the machine itself.

    Records: ``people:timetable:imported`` with figures only. Rule: 篇9 一7.
    """
    if actor is not None:
        require(db, actor, Permission.ROLL_IMPORT)
    table, problems = read_table(raw, COLUMNS)
    report = Report(problems=problems or [found for row, cells in table for found in _row_problems(db, row, cells)])
    if report.problems:
        return report
    wanted = {_key(db, cells): cells["leads"] in YES for _row, cells in table}
    with recording(db) as record:
        before = {(row.account_id, row.class_tag): row.leads for row in db.scalars(select(Teaching))}
        db.execute(delete(Teaching))
        db.execute(delete(ConflictLook))  # everybody's cases are looked at again
        for done, (key, leads) in enumerate(sorted(wanted.items(), key=lambda pair: pair[0][1]), start=1):
            db.add(Teaching(account_id=key[0], class_tag=key[1], leads=leads))
            report.added += key not in before
            report.changed += key in before and before[key] != leads
            report.same += before.get(key) == leads
            told(progress, done, len(wanted))
        role, by = (actor.role, actor.staff_id) if actor else ("system", None)
        record.line("people:timetable:imported", role=role, actor_id=by, detail=report.detail)
    return report


def _key(db: Session, cells: Cells) -> tuple[UUID, bytes]:
    account = find_account(db, cells["login"])
    assert account is not None
    return account.account_id, class_tag(house_of(db), cells["class_name"])


def teachers_of(db: Session, class_name: str) -> frozenset[UUID]:
    """Return the holders who teach or lead a class: none of them counsels somebody of it (篇9 一7; G4)."""
    if not class_name:
        return frozenset()
    query = select(Account.holder_id).join(Teaching, Teaching.account_id == Account.account_id)
    rows = db.scalars(query.where(Teaching.class_tag == class_tag(house_of(db), class_name)))
    return frozenset(holder for holder in rows if holder is not None)


def barred_for(db: Session, actor: SignedIn) -> frozenset[UUID]:
    """Return whom a student must not be counselled by, as far as the open vault's own card tells."""
    return teachers_of(db, actor.keyring.card.get("class_name", "") if actor.keyring is not None else "")
