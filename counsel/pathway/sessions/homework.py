"""Homework: task, day, result; done or declined by the client (篇10 五; R10-11, R9-12)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import ConflictError, InvalidError, TransitionError
from counsel.core.told import told
from counsel.keys.boxes import OpenBox, open_box
from counsel.pathway.cases.lifecycle import ACTIVE
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_facts, writing_box
from counsel.pathway.sessions.models import HOMEWORK_STATES, Homework
from counsel.records.services import item_of, open_bodies, write_signed

TASK, RESULT = "homework", "hw_result"
LONGEST_TASK = 500


@dataclass(frozen=True)
class Assignment:
    """A task with its words."""

    row: Homework
    task: str
    result: str


def give_homework(db: Session, *, actor: SignedIn, case: Case, session_no: int, task: str, due_on: date | None) -> Homework:
    """Give a task; the client reads it on the own page.

    :raises InvalidError: no words, or too many.

    Records: ``pathway:homework:given``. Rule: 篇10 五.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    task = told("task", task, most=LONGEST_TASK)
    keyring = keys_of(db, actor)
    with recording(db) as record:
        box = writing_box(db, actor=actor, case=case, shared=True)
        number = 1 + (db.scalar(select(func.max(Homework.number)).where(Homework.case_id == case.case_id)) or 0)
        write_signed(db, box=box, kind=TASK, keyring=keyring, content={"task": task}, number=number)
        row = Homework(case_id=case.case_id, number=number, session_no=session_no, due_on=due_on, state="given")
        db.add(row)
        _line(record, actor, case, "given")
    return row


def _line(record: Any, actor: SignedIn, case: Case, what: str) -> None:
    record.by(actor, f"pathway:homework:{what}", subject_id=case.client_id, object_id=case.case_id)


def answer_homework(db: Session, *, actor: SignedIn, case: Case, number: int, state: str, result: str = "") -> Homework:
    """The client, or the counsellor for the client, says what became of a task; no is a good answer.

    :raises InvalidError: no such state; :raises ConflictError: it was answered already.

    Records: ``pathway:homework:done``, ``:not_done`` or ``:declined``. Rule: 篇9 二3; 篇10 五.
    """
    own = actor.client_id is not None
    facts = Facts(client_id=case.client_id) if own else case_facts(db, case)
    require(db, actor, Permission.FILE_OWN if own else Permission.CASE_WRITE, facts, object_id=case.case_id)
    if case.state not in ACTIVE:
        raise TransitionError("NO_STEP")
    if state not in HOMEWORK_STATES[1:]:
        raise InvalidError(state="unknown")
    result, keyring = told("result", result, needed=False), keys_of(db, actor)
    with recording(db) as record:
        row = db.get(Homework, (case.case_id, number), with_for_update=True, populate_existing=True)
        if row is None or row.state != "given":
            raise ConflictError("faster")
        box = open_box(db, keyring, case.shared_box_id, for_writing=True)
        write_signed(db, box=box, kind=RESULT, keyring=keyring, content={"result": result, "state": state}, number=number)
        row.state = state
        _line(record, actor, case, state)
    return row


def homework_of(db: Session, *, actor: SignedIn, case: Case) -> list[Assignment]:
    """Open a case's tasks with their results, the newest first; the caller's page has its audit line and its rule."""
    rows = db.scalars(select(Homework).where(Homework.case_id == case.case_id).order_by(Homework.number.desc())).all()
    if not rows:
        return []
    box = open_box(db, keys_of(db, actor), case.shared_box_id)
    return [
        Assignment(row, _text(db, box, TASK, row.number, "task"), _text(db, box, RESULT, row.number, "result")) for row in rows
    ]


def _text(db: Session, box: OpenBox, kind: str, number: int, field: str) -> str:
    item = item_of(db, box.box_id, kind, number)
    return str(open_bodies(db, box=box, item=item)[0].get(field, "")) if item is not None else ""


def overdue_homework(db: Session, case_ids: Iterable[UUID], day: date) -> set[UUID]:
    """Return which of some cases have a task that is past its day and unanswered."""
    late = (Homework.state == "given", Homework.due_on < day)
    return set(db.scalars(select(Homework.case_id).where(Homework.case_id.in_(list(case_ids)), *late)))
