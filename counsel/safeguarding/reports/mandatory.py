"""The report the law demands when a minor is harmed: made by whoever learns of it, with nobody's yes (篇8 二; domain §3.6).

The police come first. Leadership hears that a report was made and nothing else. Whoever is suspected is put on the list of
those who must hear nothing, holds no key to it, and can be given none of this client's work again.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError, UnreadableError
from counsel.keys.boxes import OpenBox, adopt, create_box, readers_of
from counsel.keys.grants import Reader
from counsel.keys.rotation import open_for_writing
from counsel.keys.trust import check_recipient, holder_row
from counsel.pathway.cases.kept_away import keep_away, suspected_here
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_at, case_facts
from counsel.pathway.intake.consent import age_of
from counsel.people.cards import client_cards
from counsel.people.conflicts import barred_now, same_person
from counsel.people.deputies import directors, tell_directors
from counsel.people.exclusions import Excluded, exclude, hears_about, kept_from
from counsel.records.services import write_signed
from counsel.risk.cards import is_watched
from counsel.risk.models import Report
from counsel.risk.reports import MANDATORY, oblige
from counsel.safeguarding.disclosure.suspected import stop_telling
from counsel.safeguarding.reports.draft import problems_of, suspects_of
from counsel.safeguarding.reports.found import TEXT, box_of, people_in, report_facts, signed_by, tell_leadership
from counsel.tasks.services import end_tasks

OTHER_ENDS = ("known", "of_age")


def begin(db: Session, *, actor: SignedIn, client_id: UUID | None, case: Case | None = None) -> Report | None:
    """Owe a report about a client from now on, or return the one that is owed; None for somebody of age.

    :param case: when the case's own counsellor begins; duty and the director begin beside it, without a trace in it.

    Records: ``risk:report:owed``. Rule: 篇8 二; domain §3.6.
    """
    about = case_facts(db, case)
    place = {"watched": is_watched(db, client_id), "barred": barred_now(db, client_id)}
    facts = about or (Facts(client_id=client_id, **place) if client_id is not None else None)  # type: ignore[arg-type]
    require(db, actor, Permission.REPORT_MAKE, facts, object_id=client_id)
    assert client_id is not None
    age = _age(db, actor, client_id)
    with recording(db):
        return oblige(db, actor=actor, client_id=client_id, case_id=case.case_id if case is not None else None, age=age)


def _age(db: Session, actor: SignedIn, client_id: UUID) -> int | None:
    """Return the client's age by the roll; a card that does not open leaves it unknown, and the report is owed."""
    with recording(db) as record:
        record.by(actor, "people:name:read", subject_id=client_id)
        with suppress(UnreadableError):
            card = client_cards(db, keys_of(db, actor), [client_id]).get(client_id)
            return age_of(db, card) if card is not None else None
    return None


def make(db: Session, *, actor: SignedIn, row: Report, content: Mapping[str, Any]) -> None:
    """Record the report as it was made. From now on it never changes; what comes later is added.

    :raises InvalidError: what is missing, field by field; :raises ConflictError: it was made in another window.

    Records: ``safeguarding:report:made``. Rule: 篇8 二; R9-16; domain §3.6.
    """
    require(db, actor, Permission.REPORT_MAKE, report_facts(db, row), object_id=row.report_id)
    problems = problems_of(content, house_of(db).settings.time_zone)
    if problems:
        raise InvalidError(**problems)
    keyring, suspects = keys_of(db, actor), suspects_of(content)
    with recording(db) as record:
        _hold(db, row)
        assert row.client_id is not None
        if suspects:
            _keep_away(db, actor, row, suspects)
        kept = {holder.hex for holder in kept_from(db, actor=actor, client_id=row.client_id)}
        box = _box(db, actor, row, kept | {person.holder for person in suspects})
        write_signed(db, box=box, kind=TEXT, keyring=keyring, content=signed_by(actor, **content))
        row.sender_id, row.box_id = keyring.holder_id, box.box_id
        if content["child_knows"] == "told":
            row.told_on = today(house_of(db).settings.time_zone)
        _end(db, row, "reported")
        tell_leadership(db, row, _leaders(db, suspects, kept_from(db, actor=actor, client_id=row.client_id)))
        record.by(actor, "safeguarding:report:made", subject_id=row.client_id, object_id=row.report_id)


def _hold(db: Session, row: Report) -> None:
    db.refresh(row, with_for_update=True)
    if row.ended_on is not None:
        raise ConflictError("task_ended")


def _end(db: Session, row: Report, outcome: str) -> None:
    row.ended_on, row.outcome = today(house_of(db).settings.time_zone), outcome
    end_tasks(db, object_id=row.report_id, kind="report", outcome="recorded")
    db.flush()


def _leaders(db: Session, suspects: tuple[Excluded, ...], kept: frozenset[UUID]) -> list[UUID]:
    """Return the leaders who hear that a report was made: nobody who is suspected, in this report or before."""
    leaders = people_in(db, [Role.SCHOOL_LEADER], but=kept)
    return [holder for holder, name in leaders if not any(person.is_meant(name, holder.hex) for person in suspects)]


def _keep_away(db: Session, actor: SignedIn, row: Report, suspects: tuple[Excluded, ...]) -> None:
    """Put the suspected on the list and keep colleagues among them away; the director hears which case must change hands."""
    assert row.client_id is not None
    exclude(db, actor=actor, client_id=row.client_id, people=suspects)
    cases = keep_away(db, actor=actor, client_id=row.client_id, people=suspects)
    ids = same_person(db, keys_of(db, actor), row.client_id)
    stop_telling(db, actor=actor, client_ids=ids, holders=suspected_here(db, suspects))
    kept = kept_from(db, actor=actor, client_id=row.client_id)
    for case in cases:
        tell_directors(db, kind="conflict_found", client_id=case.client_id, object_id=case.case_id, kept=kept)


def _box(db: Session, actor: SignedIn, row: Report, suspects: set[str]) -> OpenBox:
    """Make the report's box: the reporter's own; it opens through the case unless somebody suspected holds a key to that.

    A counsellor's keys that cannot be trusted, or a case that does not open, hold up no report.
    """
    keyring = keys_of(db, actor)
    me = holder_row(db, keyring.holder_id, keyring.version)
    assert me is not None
    case = case_at(db, row.case_id)
    readers = [Reader(me, "sender")]
    counsellor = holder_row(db, case.counsellor_id) if case is not None and case.counsellor_id != me.holder_id else None
    if counsellor is not None and counsellor.holder_id.hex not in suspects:
        with suppress(UnreadableError):
            check_recipient(db, counsellor)
            readers.append(Reader(counsellor, "counsellor"))
    box = create_box(db, kind="report", readers=readers, granter=keyring)
    db.flush()
    own = case is not None and case.counsellor_id == me.holder_id and not case.is_filed
    if own and case is not None and not suspects & {grant.holder_id.hex for grant in readers_of(db, case.box_id)}:
        with suppress(UnreadableError):
            adopt(db, child=box, parent=open_for_writing(db, keyring, case.box_id), keep=[me.holder_id])
    return box


def end_without(db: Session, *, actor: SignedIn, row: Report, outcome: str) -> None:
    """End what is owed without a new report: the same harm is reported already, or the client turns out to be of age.

    :raises InvalidError: there is no report made before; by the roll the client is a minor.

    Records: ``safeguarding:report:ended``.
    """
    require(db, actor, Permission.REPORT_MAKE, report_facts(db, row), object_id=row.report_id)
    assert row.client_id is not None
    if outcome not in OTHER_ENDS:
        raise InvalidError(outcome="unknown")
    if outcome == "known" and not made_before(db, row):
        raise InvalidError(outcome="police_first")
    if outcome == "of_age" and (_age(db, actor, row.client_id) or 0) < 18:
        raise InvalidError(outcome="of_age")
    with recording(db) as record:
        _hold(db, row)
        _end(db, row, outcome)
        record.by(actor, "safeguarding:report:ended", subject_id=row.client_id, object_id=row.report_id, detail=outcome)


def made_before(db: Session, row: Report) -> list[Report]:
    """Return the reports about the same client in the same case, or by the same person, the newest first; never a colleague's."""
    query = select(Report).where(Report.client_id == row.client_id, Report.outcome == "reported", Report.kind == MANDATORY)
    found = db.scalars(query.order_by(Report.ended_on.desc(), Report.report_id)).all()
    in_case = {row.case_id} - {None}
    return [one for one in found if one.case_id in in_case or one.sender_id == row.sender_id]


def child_was_told(db: Session, *, actor: SignedIn, row: Report) -> None:
    """Note that the client has been told in person; from now on it stands on the own page.

    Records: ``safeguarding:report:told``.
    """
    require(db, actor, Permission.REPORT_READ, report_facts(db, row), object_id=row.report_id)
    box_of(db, actor, row)  # whoever may not read it does not say that it was told
    with recording(db) as record:
        db.refresh(row, with_for_update=True)
        if row.outcome == "reported" and row.told_on is None:
            row.told_on = today(house_of(db).settings.time_zone)
            record.by(actor, "safeguarding:report:told", subject_id=row.client_id, object_id=row.report_id)


def owed_by(db: Session, *, actor: SignedIn) -> list[Report]:
    """Return the reports that the actor owes, those left behind that fall to them included, the most urgent first."""
    own = select(Case.case_id).where(Case.counsellor_id == actor.holder_id)
    here = select(Account.holder_id).where(Account.status == "active", Account.holder_id.is_not(None))
    waiting = select(Report).where(Report.kind == MANDATORY, Report.ended_on.is_(None)).order_by(Report.due_at, Report.report_id)
    beside = Report.case_id.is_(None)
    mine = db.scalars(waiting.where(Report.case_id.in_(own) | (beside & (Report.sender_id == actor.holder_id)))).all()
    alone = select(Case.case_id).where(Case.counsellor_id.not_in(here))
    left = db.scalars(waiting.where((beside & Report.sender_id.not_in(here)) | Report.case_id.in_(alone))).all()
    return sorted([*mine, *(row for row in left if _falls_to(db, actor, row))], key=lambda row: row.due_at)


def _falls_to(db: Session, actor: SignedIn, row: Report) -> bool:
    """Return whether a report that was left behind is the director's, or duty's where no director may hear of it."""
    assert row.client_id is not None
    if not hears_about(db, actor.holder_id, row.client_id):
        return False
    able = [one for one in directors(db) if hears_about(db, one.holder_id, row.client_id)]
    return actor.role is Role.DIRECTOR or (actor.on_duty and not able)


def overdue_reports(db: Session) -> int:
    """Return how many reports are late, for the director: a figure, neither whose nor about whom."""
    late = select(Report.report_id).where(Report.kind == MANDATORY, Report.ended_on.is_(None), Report.due_at < now())
    return len(db.scalars(late).all())


def reports_in(db: Session, *, actor: SignedIn, case: Case) -> list[Report]:
    """Return the reports that a case's counsellor owes or made, the newest first; nobody else who reads along sees any.

    A second reader may be the one who is suspected.
    """
    if actor.holder_id != case.counsellor_id:
        return []
    query = select(Report).where(Report.case_id == case.case_id, Report.kind == MANDATORY)
    return list(db.scalars(query.order_by(Report.opened_on.desc(), Report.report_id)))
