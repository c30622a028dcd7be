"""Views of the first pages and of what belongs to no single domain: cases by number, who sees, settings, health."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.archive.catalogue import late_of
from counsel.audit.chain import verify_chain
from counsel.audit.marks import runs_behind
from counsel.confidentiality.decide import decide
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import KEY_HOLDING, Role
from counsel.core.clock import now
from counsel.core.clock import today as local_today
from counsel.core.database import house_of
from counsel.core.doctor import findings
from counsel.crypto.selftest import selftest
from counsel.home.overdue import overdue_in
from counsel.home.queries import file_sight, gaps, guardians_know, next_own, own_case, staff_count, student_count
from counsel.outbox.services import standing
from counsel.pathway.appointments.duty import duty_tasks
from counsel.pathway.appointments.reception import day_sheet, waiting_requests
from counsel.pathway.appointments.talks import my_talk_offers
from counsel.pathway.cases.countersign import waiting_signatures
from counsel.pathway.cases.covers import Cover
from counsel.pathway.cases.kept_away import keep_away_again
from counsel.pathway.cases.lifecycle import OPEN_STATES
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_by_number, caseload
from counsel.pathway.closing.services import overdue_follow_ups
from counsel.pathway.material.erasing import wishes
from counsel.pathway.referral.conflicts import look_for_conflicts
from counsel.pathway.referral.transfer import incoming, transfers_waiting
from counsel.pathway.sessions.services import unsigned_notes
from counsel.people.rule_texts import rules_waiting
from counsel.people.staff import colleagues, expiring, staff_name
from counsel.risk.cards import cards_unseen
from counsel.roster.queries import duty_holder, rooms
from counsel.safeguarding.disclosure.approving import waiting_for_yes
from counsel.safeguarding.disclosure.receiving import packages_for
from counsel.safeguarding.disclosure.reviewing import waiting_for_review
from counsel.safeguarding.disclosure.services import disclosures_of
from counsel.safeguarding.disclosure.suspected import ask_anew
from counsel.safeguarding.disclosure.told import count_what_arrived, take_back_what_fell, tell_what_is_due
from counsel.safeguarding.questions.services import waiting_questions
from counsel.safeguarding.reports.events import count_unseen
from counsel.safeguarding.reports.mandatory import overdue_reports, owed_by
from counsel.web.page import go, page, whole, zone_of

blueprint = Blueprint("home", __name__)
HIGH_LEVEL = 2


@page(blueprint, "/", Permission.HOME)
def today(db: Session, actor: SignedIn) -> Any:
    """The first page of whoever is signed in."""
    if actor.role is Role.STUDENT:
        return _student(db, actor)
    waiting = rules_waiting(db, actor=actor)
    if actor.role in KEY_HOLDING and not actor.vouched:
        return render_template("home/waiting.html", rules=waiting)
    pages = {
        Role.COUNSELLOR: _counsellor,
        Role.DIRECTOR: _director,
        Role.FRONT_DESK: _desk,
        Role.DUTY_MANAGER: _desk,
        Role.ARCHIVIST: _archive,
        Role.SYSADMIN: _administrator,
    }
    if actor.role in pages:
        return pages[actor.role](db, actor, waiting)
    outside = actor.role is Role.SUPERVISOR
    place: dict[str, Any] = {"signatures": waiting_signatures(db, actor=actor) if outside else []}
    place["questions"] = waiting_questions(db, actor=actor) if outside else []
    return render_template("home/plain.html", rules=waiting, arrived=_arrived(db, actor), **place)


def _student(db: Session, actor: SignedIn) -> str:
    times = next_own(db, actor=actor)
    names = {row.counsellor_id: staff_name(db, row.counsellor_id) for row in times}
    place = {"times": times, "names": names, "rooms": rooms(db), "case": own_case(db, actor=actor)}
    return render_template("home/student.html", talks=my_talk_offers(db, actor=actor), **place)


def _day(db: Session, actor: SignedIn, holder: bool) -> dict[str, Any]:
    day = local_today(zone_of(db))
    rows = day_sheet(db, actor=actor, day=day, holder_id=actor.holder_id if holder else None)
    who = {row.appointment.counsellor_id: staff_name(db, row.appointment.counsellor_id) for row in rows}
    return {"day": day, "rows": rows, "who": who, "now": now()}


def _counsellor(db: Session, actor: SignedIn, waiting: list[Any]) -> str:
    _catch_up(db, actor)
    place = _day(db, actor, True)
    place |= {"arrived": _arrived(db, actor), "owed": owed_by(db, actor=actor)}
    place["notes"] = unsigned_notes(db, actor.holder_id)
    place["numbers"] = {case.case_id: case.case_no for case, _cover in caseload(db, actor=actor)} if actor.keyring else {}
    place["duty"] = staff_name(db, duty_holder(db))
    place["tasks"] = duty_tasks(db, actor=actor)
    place["follow_ups"] = overdue_follow_ups(db, actor.holder_id, place["day"])
    place["arriving"] = incoming(db, actor=actor)
    return render_template("home/counsellor.html", rules=waiting, **place)


def _catch_up(db: Session, actor: SignedIn) -> None:
    """What an unlocked session owes the own disclosures: clients whose day has come, packages nothing stands behind."""
    if actor.keyring is None:
        return
    for case in look_for_conflicts(db, actor=actor):
        flash(_("Case %(no)s must be handed over: another relationship.", no=f"{case.case_no:04}"), "stop")
    told = tell_what_is_due(db, actor=actor)
    if told:
        flash(ngettext("%(num)d client now sees what was told.", "%(num)d clients now see what was told.", told))
    count_what_arrived(db, actor=actor)
    keep_away_again(db, actor=actor)
    ask_anew(db, actor=actor)
    for _package in take_back_what_fell(db, actor=actor):
        flash(_("A message was taken back: nothing stands behind it any more."), "stop")


def _arrived(db: Session, actor: SignedIn) -> dict[str, int]:
    """Return how much waits about disclosures and reports: for the actor's yes, look, sending, reading."""
    found = {"told": len([row for row in packages_for(db, actor=actor) if row.opened_on is None])}
    if decide(actor, Permission.DISCLOSURE_LIST).allowed:
        own = [row for row in disclosures_of(db, actor=actor) if row.state in ("draft", "approved", "declined")]
        found |= {"yes": len(waiting_for_yes(db, actor=actor)), "look": len(waiting_for_review(db, actor=actor)), "own": len(own)}
    if decide(actor, Permission.CASE_LIST).allowed:
        found["filing"] = len(late_of(db, actor=actor))
    if decide(actor, Permission.COPY_DECIDE).allowed:
        found["copies"] = len([one for one in wishes(db, actor=actor) if one.wish.state == "asked"])
    if decide(actor, Permission.REPORT_SEEN).allowed:
        found["led"] = count_unseen(db, actor=actor)
    return found


def _director(db: Session, actor: SignedIn, waiting: list[Any]) -> str:
    _catch_up(db, actor)
    place: dict[str, Any] = {
        "arrived": _arrived(db, actor),
        "owed": owed_by(db, actor=actor),
        "late": overdue_reports(db),
        "day": local_today(zone_of(db)),
        "requests": waiting_requests(db, actor=actor),
        "tasks": duty_tasks(db, actor=actor),
        "unseen": cards_unseen(db, actor=actor),
        "signatures": waiting_signatures(db, actor=actor),
        "questions": waiting_questions(db, actor=actor),
        "gaps": gaps(db),
        "transfers": transfers_waiting(db, actor=actor),
        "newcomers": [who for who in colleagues(db, actor=actor) if who.waiting],
        "expiring": [(row, staff_name(db, row.holder_id)) for row in expiring(db)],
    }
    place["names"] = {row.counsellor_id: staff_name(db, row.counsellor_id) for row in place["requests"]}
    return render_template("home/director.html", rules=waiting, **place)


def _desk(db: Session, actor: SignedIn, waiting: list[Any]) -> Any:
    if waiting:
        return render_template("home/plain.html", rules=waiting, arrived=_arrived(db, actor))
    return go(url_for("appointments.desk"))


def _archive(db: Session, actor: SignedIn, waiting: list[Any]) -> Any:
    if waiting:
        return render_template("home/plain.html", rules=waiting, arrived=_arrived(db, actor))
    return go(url_for("archive.desk"))


def _administrator(db: Session, actor: SignedIn, waiting: list[Any]) -> str:
    counts = (student_count(db, actor=actor), staff_count(db))
    return render_template("home/administrator.html", rules=waiting, counts=counts, findings=_findings(db))


def _findings(db: Session) -> list[tuple[str, bool, str]]:
    clock = ("clock", not runs_behind(db), "" if not runs_behind(db) else "earlier than before: set it right")
    return [*findings(house_of(db)), clock, ("crypto", not selftest(), ", ".join(selftest()))]


@page(blueprint, "/cases", Permission.CASE_LIST, ("GET", "POST"))
def cases(db: Session, actor: SignedIn) -> Any:
    """My caseload by covers, filtered by state, level or what is overdue; a number opens one of mine."""
    number = whole(request.form.get("number", ""))
    if request.method == "POST" and number is not None:
        found = case_by_number(db, actor=actor, number=number)
        return go(url_for("home.case", case=found.case_id))
    covers = caseload(db, actor=actor)
    late = overdue_in(db, holder_id=actor.holder_id, cases=covers, day=local_today(zone_of(db)))
    chosen = request.args.get("show", "")
    shown = [row for row in covers if _fits(chosen, *row, late)]
    states = [state for state in OPEN_STATES if any(case.state == state for case, _cover in covers)]
    return render_template("home/cases.html", covers=shown, whole=len(covers), late=late, states=states, chosen=chosen)


def _fits(chosen: str, case: Case, cover: Cover, late: Mapping[UUID, list[str]]) -> bool:
    if chosen == "overdue":
        return case.case_id in late
    if chosen == "high":
        return cover.level >= HIGH_LEVEL
    return case.state == chosen or chosen not in OPEN_STATES


@page(blueprint, "/who-sees", Permission.FILE_SIGHT)
def sight(db: Session, actor: SignedIn) -> Any:
    """Who can see my file."""
    place = {"sight": file_sight(db, actor=actor), "guardians": guardians_know(db, actor=actor)}
    return render_template("home/sight.html", day=local_today(zone_of(db)), **place)


@page(blueprint, "/settings", Permission.SETTINGS_READ)
def settings(db: Session, actor: SignedIn) -> Any:
    """Every setting with its source."""
    return render_template("home/settings.html", policies=house_of(db).settings.policies())


@page(blueprint, "/health", Permission.HEALTH_READ)
def health(db: Session, actor: SignedIn) -> Any:
    """What the doctor finds, and whether the audit chain holds."""
    return render_template("home/health.html", findings=_findings(db), verdict=verify_chain(db), outbox=standing(db))
