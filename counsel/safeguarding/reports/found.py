"""Find a report, know what the rules ask about it, open it, add to it, tell leadership; shared by both kinds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import name_or_mark, roles_now
from counsel.access.gate import keys_of, refuse, require
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import NOTHING, Facts
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, TamperError, UnreadableError
from counsel.keys.boxes import OpenBox, open_box
from counsel.keys.grants import Reader
from counsel.keys.models import Grant
from counsel.keys.rotation import open_to_add
from counsel.keys.trust import check_recipient, holder_row
from counsel.outbox.notices import notify
from counsel.pathway.cases.services import case_at, case_facts
from counsel.people.conflicts import barred_now, declared_against
from counsel.records.services import items_in, newest_number, open_bodies, write_signed
from counsel.risk.models import Report, ReportSeen
from counsel.risk.reports import EVENT

TEXT, MORE = "report", "more"
LONGEST = 1500


@dataclass(frozen=True)
class Opened:
    """A report as it was made, and what was added since, oldest first."""

    content: dict[str, Any]
    more: Sequence[dict[str, Any]]


def report_facts(db: Session, row: Report | None) -> Facts | None:
    """Return what the rules may know about a report."""
    if row is None:
        return None
    about = case_facts(db, case_at(db, row.case_id)) or NOTHING
    told = frozenset(db.scalars(select(Grant.holder_id).where(Grant.box_id == row.box_id, Grant.purpose == "told")))
    place = {"client_id": row.client_id, "assigned_to": about.assigned_to, "state": about.state, "sender_id": row.sender_id}
    barred = barred_now(db, row.client_id)
    return Facts(**place, asked=told, watched=is_left_behind(db, row), barred=barred)  # type: ignore[arg-type]


def is_left_behind(db: Session, row: Report) -> bool:
    """Return whether a report is owed by somebody who works here no longer, a case's counsellor or whoever began it beside one.

    Then duty and director may make it.
    """
    case = case_at(db, row.case_id)
    owes = case.counsellor_id if case is not None else row.sender_id
    here = select(Account.account_id).where(Account.holder_id == owes, Account.status == "active")
    return row.ended_on is None and db.scalar(here) is None


def find_report(db: Session, *, actor: SignedIn, report_id: UUID | None, kind: str, permission: Permission) -> Report:
    """Return a report of one kind the actor may use in this way, or refuse as if it were absent."""
    row = db.get(Report, report_id) if report_id is not None else None
    if row is not None and row.kind != kind:
        row = None
    require(db, actor, permission, report_facts(db, row), object_id=report_id)
    assert row is not None
    return row


def read_report(db: Session, *, actor: SignedIn, row: Report) -> Opened:
    """Open a report that has been made; the caller has passed the gate. For whoever has no key to it, it is not there.

    Records: ``safeguarding:report:read``.
    """
    box = box_of(db, actor, row)
    try:
        with recording(db) as record:
            texts = [(item.kind, open_bodies(db, box=box, item=item)[0]) for item in items_in(db, [box.box_id])]
            record.by(actor, "safeguarding:report:read", subject_id=row.client_id, object_id=row.report_id)
    except TamperError:
        raise
    except UnreadableError:
        _absent(db, actor, row)
    more = [{**text, "at": datetime.fromisoformat(text["at"])} for kind, text in texts if kind == MORE]
    return Opened(next(text for kind, text in texts if kind == TEXT), more)


def box_of(db: Session, actor: SignedIn, row: Report, *, for_writing: bool = False) -> OpenBox:
    """Open the box of a report that has been made. For whoever has no key to it, it is not there.

    :raises RefusedError: no key, or nothing was made; :raises TamperError: a grant that was planted.
    """
    keyring = keys_of(db, actor)
    if row.box_id is None:
        _absent(db, actor, row)
    try:
        return open_to_add(db, keyring, row.box_id) if for_writing else open_box(db, keyring, row.box_id)
    except TamperError:
        raise
    except UnreadableError:
        _absent(db, actor, row)


def _absent(db: Session, actor: SignedIn, row: Report) -> NoReturn:
    refuse(db, actor, Permission.EVENT_READ if row.kind == EVENT else Permission.REPORT_READ, row.report_id)


def add_to_report(db: Session, *, actor: SignedIn, row: Report, words: str) -> None:
    """Add to a report that was made: an answer, what happened since. What was said before stays as it is.

    :raises InvalidError: nothing or too much written.

    Records: ``safeguarding:report:added``.
    """
    if not words.strip() or len(words) > LONGEST:
        raise InvalidError(words="too_long" if words.strip() else "empty")
    keyring = keys_of(db, actor)
    with recording(db) as record:
        db.refresh(row, with_for_update=True)
        box = box_of(db, actor, row, for_writing=True)
        number = 1 + newest_number(db, box.box_id, MORE)
        write_signed(db, box=box, kind=MORE, keyring=keyring, content=signed_by(actor, words=words), number=number)
        if row.kind == EVENT:
            for told in db.scalars(select(ReportSeen.holder_id).where(ReportSeen.report_id == row.report_id)):
                notify(db, reader_id=told, kind="event", object_id=row.report_id)
        record.by(actor, "safeguarding:report:added", subject_id=row.client_id, object_id=row.report_id)


def signed_by(actor: SignedIn, **content: Any) -> dict[str, Any]:
    """Return content with who wrote it and when, as a sealed text keeps it."""
    return {**content, "by": actor.name, "at": now().isoformat(timespec="seconds")}


def people_in(db: Session, roles: Iterable[Role], but: Iterable[UUID | None] = ()) -> list[tuple[UUID, str]]:
    """Return (holder, name) of active staff who act in one of some roles today, deputies included."""
    staff = db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active")).all()
    found = [row for row in staff if row.holder_id not in {None, *but} and set(roles) & set(roles_now(db, row))]
    return [(row.holder_id, name_or_mark(db, row)) for row in found if row.holder_id is not None]


def readers_in(db: Session, roles: Iterable[Role], but: Iterable[UUID | None] = ()) -> list[Reader]:
    """Return the same people as readers; whoever has no keys that may be trusted is left out."""
    found = []
    for holder_id, _name in people_in(db, roles, but):
        holder = holder_row(db, holder_id)
        try:
            if holder is not None:
                check_recipient(db, holder)
                found.append(Reader(holder, "told"))
        except UnreadableError:
            continue
    return found


def hears_of_delay(db: Session, object_id: UUID | None, holder_id: UUID | None) -> bool:
    """Return whether somebody may hear that a task about this is late: not who was left out of a report, nor who is kept away."""
    row = db.get(Report, object_id) if object_id is not None else None
    if row is None:
        return True
    if row.kind == EVENT:
        facts = report_facts(db, row)
        return facts is not None and holder_id in facts.asked
    return holder_id not in declared_against(db, row.client_id)


def tell_leadership(db: Session, row: Report, holders: Iterable[UUID]) -> None:
    """Note who of leadership is told of a report, and tell them that there is one, inside the caller's transaction."""
    day = today(house_of(db).settings.time_zone)
    for holder_id in holders:
        db.add(ReportSeen(report_id=row.report_id, holder_id=holder_id, told_on=day))
        notify(db, reader_id=holder_id, kind="event", object_id=row.report_id)
    db.flush()
