"""Major events: leadership is told within the time set, with the least that it needs, and acknowledges it (篇8 十; R8-15)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError
from counsel.core.ids import new_id, parse_id
from counsel.keys.boxes import create_box
from counsel.keys.grants import Reader
from counsel.keys.trust import holder_row
from counsel.outbox.notices import notify
from counsel.people.names import other_names_in, sees_the_roll
from counsel.people.staff import staff_name
from counsel.records.services import write_signed
from counsel.risk.models import Report, ReportSeen
from counsel.risk.reports import EVENT
from counsel.safeguarding.reports.draft import moment_of, problems_of_event, texts_of_event
from counsel.safeguarding.reports.found import TEXT, people_in, readers_in, report_facts, signed_by, tell_leadership
from counsel.tasks.services import end_tasks, open_task

LEADERSHIP = (Role.SCHOOL_LEADER, Role.DIRECTOR)


@dataclass(frozen=True)
class Told:
    """A report as leadership lists it. `is_event`: it opens; else only that it was made, and when."""

    row: Report
    seen: ReportSeen
    is_event: bool


def raise_event(db: Session, *, actor: SignedIn, content: Mapping[str, Any]) -> tuple[Report, int]:
    """Tell leadership of a major event, with or without a case; return the report and how many leaders it reached.

    Sealed to the leaders and directors of today by name, but for those whom it is about. Nobody's name may stand in it but
    one's own, unless whoever writes says that a word only looks like one. Whoever has no key to the roll says it in any case.

    :raises InvalidError: what is missing or too much, field by field; a reason when it comes late.

    Records: ``safeguarding:event:raised``. Rule: 篇8 十; R8-15.
    """
    require(db, actor, Permission.EVENT_RAISE)
    settings = house_of(db).settings
    keyring, left_out = keys_of(db, actor), {parse_id(one) for one in content.get("but", ())}
    leaders = people_in(db, [Role.SCHOOL_LEADER], but=left_out)
    names = other_names_in(db, actor=actor, texts=texts_of_event(content), but=[actor.name, *(name for _h, name in leaders)])
    unchecked = not sees_the_roll(db, actor=actor)
    problems = problems_of_event(content, settings.time_zone, settings.event_report_minutes, names, unchecked=unchecked)
    if problems:
        raise InvalidError(**problems)
    known = moment_of(content["day"], content["clock"], settings.time_zone)
    me = holder_row(db, keyring.holder_id, keyring.version)
    assert known is not None and me is not None
    with recording(db) as record:
        readers = readers_in(db, LEADERSHIP, but=[me.holder_id, *left_out])
        box = create_box(db, kind="report", readers=[Reader(me, "sender"), *readers], granter=keyring)
        db.flush()
        write_signed(db, box=box, kind=TEXT, keyring=keyring, content=signed_by(actor, **content))
        row = _open_event(db, me.holder_id, box.box_id, known)
        told = {reader.holder.holder_id for reader in readers} & {holder for holder, _name in leaders}
        tell_leadership(db, row, told)
        if told:
            _wait_for_leadership(db, row)
        for reader in readers:
            notify(db, reader_id=reader.holder.holder_id, kind="event", object_id=row.report_id)
        record.by(actor, "safeguarding:event:raised", object_id=row.report_id)
    return row, len(told)


def _open_event(db: Session, sender_id: UUID, box_id: UUID, known: datetime) -> Report:
    settings = house_of(db).settings
    row = Report(report_id=new_id(), kind=EVENT, sender_id=sender_id, box_id=box_id, outcome="reported")
    row.due_at = row.stop_at = known + timedelta(minutes=settings.event_report_minutes)
    row.opened_on = row.ended_on = today(settings.time_zone)
    db.add(row)
    db.flush()
    return row


def _wait_for_leadership(db: Session, row: Report) -> None:
    """Open the task that ends when somebody of leadership has acknowledged it."""
    due = now() + timedelta(minutes=house_of(db).settings.event_seen_minutes)
    open_task(db, kind="inform", due_at=due, object_id=row.report_id, owner_role=Role.SCHOOL_LEADER)


def acknowledge(db: Session, *, actor: SignedIn, row: Report | None) -> None:
    """A leader acknowledges a report; the first one ends the clock of an event.

    Records: ``safeguarding:report:seen``. Rule: R8-15.
    """
    seen = db.get(ReportSeen, (row.report_id, actor.holder_id)) if row is not None and actor.holder_id is not None else None
    require(db, actor, Permission.REPORT_SEEN, report_facts(db, row) if seen is not None else None)
    assert row is not None and seen is not None
    with recording(db) as record:
        db.refresh(seen, with_for_update=True)
        if seen.seen_on is None:
            seen.seen_on = today(house_of(db).settings.time_zone)
            end_tasks(db, object_id=row.report_id, kind="inform", outcome="seen")
            record.by(actor, "safeguarding:report:seen", object_id=row.report_id)


def told_to_me(db: Session, *, actor: SignedIn) -> list[Told]:
    """Return what leadership was told, the newest first; nothing is opened, and no report about a minor has more than a day."""
    require(db, actor, Permission.REPORT_SEEN)
    query = select(Report, ReportSeen).join(ReportSeen, ReportSeen.report_id == Report.report_id)
    rows = db.execute(query.where(ReportSeen.holder_id == actor.holder_id).order_by(Report.due_at.desc(), Report.report_id))
    return [Told(row, seen, row.kind == EVENT) for row, seen in rows]


def count_unseen(db: Session, *, actor: SignedIn) -> int:
    """Return how much of it is not acknowledged."""
    return len([one for one in told_to_me(db, actor=actor) if one.seen.seen_on is None])


def own_events(db: Session, *, actor: SignedIn) -> list[Report]:
    """Return the major events that the actor told leadership of, and those they were told as director; nothing is opened."""
    require(db, actor, Permission.EVENT_RAISE)
    rows = db.scalars(select(Report).where(Report.kind == EVENT).order_by(Report.due_at.desc(), Report.report_id).limit(50))
    found = [(row, report_facts(db, row)) for row in rows]
    return [row for row, facts in found if facts and actor.holder_id in {facts.sender_id, *facts.asked}]


def who_saw(db: Session, row: Report) -> list[tuple[str, ReportSeen]]:
    """Return the leaders who were told, and the day on which each acknowledged it."""
    rows: list[ReportSeen] = list(db.scalars(select(ReportSeen).where(ReportSeen.report_id == row.report_id)))
    return sorted(((staff_name(db, seen.holder_id), seen) for seen in rows), key=lambda pair: pair[0])
