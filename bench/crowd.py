"""The crowd: rows laid directly into the tables, so that growth can be measured; their bytes are random, of real sizes."""

import itertools
import os
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Table, func, insert, select
from sqlalchemy.orm import Session

from bench.stage import OTHER
from counsel.access.models import Account, SignIn
from counsel.audit.models import AuditHead, AuditLine
from counsel.core.database import writing
from counsel.core.ids import new_id
from counsel.keys.locks import make_locks
from counsel.keys.models import Box, Grant
from counsel.pathway.cases.dossier import NOTE
from counsel.pathway.cases.models import Case
from counsel.pathway.sessions.models import CounsellingSession
from counsel.records.models import Body, Item
from tests.conftest import Centre

NOTES_PER_CASE, LINES_PER_NOTE, BATCH_CASES, ACCOUNTS_PER_SIGN_IN = 10, 3, 100, 10
Row = dict[str, Any]


def count_of(centre: Centre, model: type) -> int:
    """Return how many rows a table has."""
    with centre.session() as db:
        return db.scalar(select(func.count()).select_from(model)) or 0


def open_sessions(centre: Centre, case_id: UUID, count: int) -> list[int]:
    """Lay sessions whose notes are not written yet; return their numbers."""
    with centre.session() as db, writing(db):
        last = db.scalar(select(func.max(CounsellingSession.number)).where(CounsellingSession.case_id == case_id)) or 0
        pattern = _pattern(db, CounsellingSession)
        numbers = [last + 1 + n for n in range(count)]
        _lay(db, CounsellingSession, [pattern | {"case_id": case_id, "number": n, "note_signed": False} for n in numbers])
    return numbers


def _pattern(db: Session, model: Any, *where: Any) -> Row:
    table: Table = model.__table__
    return dict(db.execute(select(table).where(*where).limit(1)).mappings().one())


def _lay(db: Session, model: Any, rows: Iterable[Row]) -> None:
    db.execute(insert(model.__table__), list(rows))


class Crowd:
    """Other counsellors' cases: copies of one real case's rows under new ids, their bytes random but of the real sizes."""

    def __init__(self, centre: Centre, case_id: UUID) -> None:
        self.centre = centre
        with centre.session() as db:
            case = _pattern(db, Case, Case.case_id == case_id)
            item = _pattern(db, Item, Item.box_id == case["box_id"], Item.kind == NOTE.code, Item.state == "signed")
            self.rows: dict[Any, Row] = {
                Case: case | {"counsellor_id": centre.school[OTHER].holder_id},
                Box: _pattern(db, Box, Box.box_id == case["box_id"]),
                Grant: _pattern(db, Grant, Grant.box_id == case["box_id"]),
                Item: item,
                Body: _pattern(db, Body, Body.item_id == item["item_id"], Body.revision > 0),
                CounsellingSession: _pattern(db, CounsellingSession, CounsellingSession.case_id == case_id),
                AuditLine: _pattern(db, AuditLine, AuditLine.object_id == item["item_id"]),
            }
            last = db.scalar(select(func.max(Case.case_no))) or 0
        self.numbers = itertools.count(max(1_000_000, last + 1))

    def grow(self, notes: int) -> None:
        """Lay so many notes more, ten to a case, with boxes, grants, locks, sessions and three audit lines each."""
        cases = -(-notes // NOTES_PER_CASE)
        for first in range(0, cases, BATCH_CASES):
            self._batch(min(BATCH_CASES, cases - first))

    def _batch(self, count: int) -> None:
        ids = [(new_id(), new_id()) for _case in range(count)]
        make_locks(self.centre.house, [box_id for _case_id, box_id in ids])
        with self.centre.session() as db, writing(db):
            for model, rows in self._cases(ids).items():
                _lay(db, model, rows)
            self._notes(db, ids)

    def _cases(self, ids: list[tuple[UUID, UUID]]) -> dict[Any, list[Row]]:
        cases = [{"case_id": case, "box_id": box, "client_id": new_id(), "shared_box_id": new_id()} for case, box in ids]
        return {
            Box: [self.rows[Box] | {"box_id": box} for _case, box in ids],
            Grant: [self.rows[Grant] | {"grant_id": new_id(), "box_id": box, "holder_id": new_id()} for _case, box in ids],
            Case: [self.rows[Case] | case | {"case_no": next(self.numbers)} for case in cases],
        }

    def _notes(self, db: Session, ids: list[tuple[UUID, UUID]]) -> None:
        body, size = self.rows[Body], len(self.rows[Body]["sealed"])
        items = [(new_id(), case, box, n + 1) for case, box in ids for n in range(NOTES_PER_CASE)]
        _lay(db, Item, (self.rows[Item] | {"item_id": item, "box_id": box, "number": n} for item, _case, box, n in items))
        _lay(db, Body, (body | {"item_id": item, "sealed": os.urandom(size)} for item, *_rest in items))
        pattern = self.rows[CounsellingSession] | {"counsellor_id": self.rows[Case]["counsellor_id"]}
        _lay(db, CounsellingSession, (pattern | {"case_id": case, "number": n} for _item, case, _box, n in items))
        self._lines(db, [item for item, *_rest in items for _line in range(LINES_PER_NOTE)])

    def _lines(self, db: Session, objects: list[UUID]) -> None:
        head, line = db.get_one(AuditHead, 1), self.rows[AuditLine]
        changes = [{"seq": head.seq + n, "object_id": about, "chain": os.urandom(32)} for n, about in enumerate(objects, 1)]
        _lay(db, AuditLine, (line | {"subject_id": new_id()} | change for change in changes))
        head.seq, head.chain = changes[-1]["seq"], changes[-1]["chain"]


def crowd_accounts(centre: Centre, total: int) -> None:
    """Bring the accounts to `total`, every tenth of the new ones signed in; names and keys are copies that open nothing."""
    missing = max(0, total - count_of(centre, Account))
    with centre.session() as db:
        account, signed_in = _pattern(db, Account, Account.kind == "student"), _pattern(db, SignIn)
    for first in range(0, missing, 5_000):
        count = min(5_000, missing - first)
        with centre.session() as db, writing(db):
            _lay(db, Account, (account | {"account_id": new_id(), "login_tag": os.urandom(32)} for _n in range(count)))
            marks = (
                {"token_hash": os.urandom(32), "account_tag": os.urandom(32)} for _n in range(-(-count // ACCOUNTS_PER_SIGN_IN))
            )
            _lay(db, SignIn, (signed_in | mark for mark in marks))
