"""Views of reports: what the law demands about a harmed minor, what leadership must know, what leadership sees."""

from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from counsel.access.accounts import colleagues_here
from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import local, now
from counsel.core.errors import ConflictError, InvalidError
from counsel.core.ids import parse_id
from counsel.pathway.cases.services import case_at, find_case
from counsel.people.names import sees_the_roll
from counsel.people.staff import staff_name
from counsel.risk.models import Report
from counsel.risk.reports import EVENT, MANDATORY
from counsel.safeguarding.reports.draft import MOST_SUSPECTS, SOMEBODY_ELSE, with_names
from counsel.safeguarding.reports.events import LEADERSHIP, acknowledge, own_events, raise_event, told_to_me, who_saw
from counsel.safeguarding.reports.forms import BODY_WORDS, END_WORDS, EVENT_WORDS, SIGN_WORDS, event_of, report_of
from counsel.safeguarding.reports.found import add_to_report, find_report, people_in, read_report
from counsel.safeguarding.reports.mandatory import begin as begin_report
from counsel.safeguarding.reports.mandatory import child_was_told, end_without, made_before, make
from counsel.web.forms import clean
from counsel.web.messages import problem_words
from counsel.web.page import go, page, zone_of

blueprint = Blueprint("reports", __name__)
SAID: dict[str, Any] = {"sign": SIGN_WORDS, "body": BODY_WORDS, "event": EVENT_WORDS, "end": END_WORDS}
MAKE, READ = Permission.REPORT_MAKE, Permission.REPORT_READ


@page(blueprint, "/cases/<case>/harm", MAKE, ("POST",))
def begin(db: Session, actor: SignedIn, case: str) -> Any:
    """Owe the report about a client of mine from now on."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_READ, danger=True)
    return _begun(begin_report(db, actor=actor, client_id=found.client_id, case=found))


@page(blueprint, "/clients/<client>/harm", MAKE, ("POST",))
def begin_on_duty(db: Session, actor: SignedIn, client: str) -> Any:
    """Owe the report about a client that duty has been told about."""
    return _begun(begin_report(db, actor=actor, client_id=parse_id(client)))


def _begun(row: Report | None) -> Any:
    if row is None:
        flash(_("By the roll this client is of age: the law demands no report without their word. A disclosure can be made."))
        return go(url_for("home.today"))
    return go(url_for("reports.report", report=row.report_id))


@page(blueprint, "/reports/<report>", MAKE, ("GET", "POST"))
def report(db: Session, actor: SignedIn, report: str) -> Any:
    """The report that is owed; once it is made, what was reported and what came since."""
    number = parse_id(report)
    row = db.get(Report, number) if number is not None else None
    ended = row is not None and row.ended_on is not None
    row = find_report(db, actor=actor, report_id=number, kind=MANDATORY, permission=READ if ended else MAKE)
    return _made(db, actor, row) if ended else _owed(db, actor, row)


def _owed(db: Session, actor: SignedIn, row: Report) -> Any:
    act, problems = request.form.get("do", ""), {}
    content = report_of(request.form, request.form.getlist("signs"))
    try:
        if act in ("known", "of_age"):
            end_without(db, actor=actor, row=row, outcome=act)
        elif request.method == "POST":
            names = {holder.hex: name for holder, name in colleagues_here(db)}
            make(db, actor=actor, row=row, content=with_names(content, names))
            flash(_("Recorded. Leadership hears that a report was made, and nothing else."))
    except InvalidError as error:
        problems = {name: problem_words(code) for name, code in error.problems.items()}
    if request.method == "POST" and not problems:
        return go(url_for("reports.report", report=row.report_id))
    case = case_at(db, row.case_id)
    place: dict[str, Any] = {
        "row": row,
        "case": case,
        "content": content,
        "said": SAID,
        "problems": problems,
        "most": MOST_SUSPECTS,
        "somebody_else": SOMEBODY_ELSE,
    }
    place |= {"before": made_before(db, row), "colleagues": colleagues_here(db), "here_and_now": local(now(), zone_of(db))}
    return render_template("reports/mandatory.html", **place), 422 if problems else 200


def _made(db: Session, actor: SignedIn, row: Report) -> Any:
    problems = _added(db, actor, row)
    if request.method == "POST" and not problems:
        return go(url_for("reports.report", report=row.report_id))
    case = case_at(db, row.case_id)
    opened = read_report(db, actor=actor, row=row) if row.box_id else None
    place = {"row": row, "case": case, "opened": opened, "said": SAID, "problems": problems, "seen": who_saw(db, row)}
    return render_template("reports/made.html", **place), 422 if problems else 200


def _added(db: Session, actor: SignedIn, row: Report) -> dict[str, str]:
    """Do what was asked of a report that has been made; return what is wrong, field by field."""
    act = request.form.get("do", "")
    try:
        if act == "add":
            add_to_report(db, actor=actor, row=row, words=clean(request.form.get("words")))
        elif act == "told":
            child_was_told(db, actor=actor, row=row)
        elif act == "seen":
            acknowledge(db, actor=actor, row=row)
        elif request.method == "POST":
            raise ConflictError("task_ended")  # a whole report from another window: told so, and kept on the page
    except InvalidError as error:
        return {name: problem_words(code) for name, code in error.problems.items()}
    return {}


@page(blueprint, "/event", Permission.EVENT_RAISE, ("GET", "POST"))
def event(db: Session, actor: SignedIn) -> Any:
    """Tell leadership that something grave happened; below, what was told before."""
    problems: dict[str, str] = {}
    named = False
    content = event_of(request.form, request.form.getlist("but"))
    if request.method == "POST":
        try:
            row, reached = raise_event(db, actor=actor, content=content)
        except InvalidError as error:
            named = bool({"no_names", "names_unchecked"} & set(error.problems.values()))
            problems = {name: problem_words(code) for name, code in error.problems.items()}
        else:
            told = ngettext("Told %(num)d leader here. Ring as well.", "Told %(num)d leaders here. Ring as well.", reached)
            flash(told if reached else _("No leader has a page here: ring them now."), "" if reached else "stop")
            return go(url_for("reports.event_told", report=row.report_id))
    place: dict[str, Any] = {"content": content, "said": SAID, "problems": problems, "rows": own_events(db, actor=actor)}
    place["unchecked"] = actor.keyring is not None and not sees_the_roll(db, actor=actor)
    place["named"] = named or content["no_name"] or place["unchecked"]
    place["leadership"] = people_in(db, LEADERSHIP, but=[actor.holder_id])
    return render_template("reports/event.html", here_and_now=local(now(), zone_of(db)), **place), 422 if problems else 200


@page(blueprint, "/events/<report>", Permission.EVENT_READ, ("GET", "POST"))
def event_told(db: Session, actor: SignedIn, report: str) -> Any:
    """A major event as leadership was told of it, who has acknowledged it, what was added."""
    row = find_report(db, actor=actor, report_id=parse_id(report), kind=EVENT, permission=Permission.EVENT_READ)
    own = row.sender_id == actor.holder_id
    problems = _added(db, actor, row) if request.method == "POST" and (own or request.form.get("do") == "seen") else {}
    if request.method == "POST" and not problems:
        return go(url_for("reports.event_told", report=row.report_id))
    seen = who_saw(db, row)
    opened = read_report(db, actor=actor, row=row)
    place = {"row": row, "opened": opened, "seen": seen, "own": own, "said": SAID}
    place["left_out"] = [staff_name(db, parse_id(one)) for one in opened.content.get("but", ())]
    place["mine"] = [one for _name, one in seen if one.holder_id == actor.holder_id]
    body = render_template("reports/told.html", sender=staff_name(db, row.sender_id), problems=problems, **place)
    return body, 422 if problems else 200


@page(blueprint, "/leadership", Permission.REPORT_SEEN, ("GET", "POST"))
def leadership(db: Session, actor: SignedIn) -> Any:
    """What leadership was told: major events, which open; reports about minors, of which only the day is told."""
    if request.method == "POST":
        number = parse_id(request.form.get("report", ""))
        found = db.get(Report, number) if number is not None else None
        acknowledge(db, actor=actor, row=found)
        return go(url_for("reports.leadership"))
    return render_template("reports/leadership.html", rows=told_to_me(db, actor=actor))
