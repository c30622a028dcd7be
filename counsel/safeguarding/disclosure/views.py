"""Views of a disclosure for whoever sends it, says yes to it, or looks at it afterwards."""

from typing import Any

from flask import Blueprint, flash, jsonify, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.limits import LIMITS
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError
from counsel.core.ids import parse_id
from counsel.pathway.cases.services import case_at, find_case
from counsel.pathway.plans.support import supporters
from counsel.people.staff import staff_name
from counsel.safeguarding.disclosure.approving import Verdict, answer, verdict_of, waiting_for_yes
from counsel.safeguarding.disclosure.checking import card_and_guardians, colleagues_with_keys, shown_client
from counsel.safeguarding.disclosure.draft import Content, approval_of
from counsel.safeguarding.disclosure.forms import (
    FINDING_WORDS,
    PART_WORDS,
    SHOWN_WORDS,
    STATE_WORDS,
    TO_WORDS,
    WAY_WORDS,
    content_of,
    kinds_for,
    parts_for,
)
from counsel.safeguarding.disclosure.found import find_disclosure, form_of, read_form
from counsel.safeguarding.disclosure.models import Disclosure
from counsel.safeguarding.disclosure.receiving import receipts_of
from counsel.safeguarding.disclosure.reviewing import review as look_back
from counsel.safeguarding.disclosure.reviewing import review_of, waiting_for_review
from counsel.safeguarding.disclosure.sending import revoke_package, send, told_to
from counsel.safeguarding.disclosure.services import disclosures_of, problems_now, save, start, submit, withdraw
from counsel.safeguarding.disclosure.told import packages_of, tell_client
from counsel.web.forms import clean
from counsel.web.i18n import clock_time
from counsel.web.messages import conflict_words, problem_words
from counsel.web.page import go, page, whole

blueprint = Blueprint("disclosure", __name__)
SEND, READ = Permission.DISCLOSURE_SEND, Permission.DISCLOSURE_READ
WORDS: dict[str, Any] = {"to": TO_WORDS, "part": PART_WORDS, "shown": SHOWN_WORDS}
WORDS |= {"way": WAY_WORDS, "state": STATE_WORDS, "finding": FINDING_WORDS}


@page(blueprint, "/disclosures", Permission.DISCLOSURE_LIST)
def mine(db: Session, actor: SignedIn) -> Any:
    """What I tell, what waits for my yes, what I look at afterwards; numbers only."""
    lists = {"own": disclosures_of(db, actor=actor), "yes": waiting_for_yes(db, actor=actor)}
    return render_template("disclosure/mine.html", said=WORDS, look=waiting_for_review(db, actor=actor), **lists)


@page(blueprint, "/cases/<case>/disclose", Permission.DISCLOSURE_START, ("POST",))
def begin(db: Session, actor: SignedIn, case: str) -> Any:
    """Begin to tell somebody about a client of mine."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_READ)
    row = start(db, actor=actor, client_id=found.client_id, case=found)
    return go(url_for("disclosure.edit", disclosure=row.disclosure_id))


@page(blueprint, "/clients/<client>/disclose", Permission.DISCLOSURE_START, ("POST",))
def begin_on_duty(db: Session, actor: SignedIn, client: str) -> Any:
    """Begin to tell somebody about a client that duty has been told about, at the level duty sees."""
    number = parse_id(client)
    row = start(db, actor=actor, client_id=number, level=whole(request.form.get("level", "")) or 0)
    return go(url_for("disclosure.edit", disclosure=row.disclosure_id))


@page(blueprint, "/disclosures/<disclosure>/edit", SEND, ("GET", "POST"))
def edit(db: Session, actor: SignedIn, disclosure: str) -> Any:
    """F09: starts empty; recipient by recipient, part by part, each with its need."""
    row = find_disclosure(db, actor=actor, disclosure_id=parse_id(disclosure), permission=SEND)
    if row.state != "draft":
        return go(url_for("disclosure.show", disclosure=row.disclosure_id))
    if request.method == "GET":
        return _editor(db, actor, row, read_form(db, actor=actor, row=row), form_of(db, row).draft_version)
    content = content_of(request.form, house_of(db).settings.disclosure_hours)
    seen = whole(request.form.get("version", "0"))
    try:
        version = save(db, actor=actor, row=row, content=content, seen_version=-1 if seen is None else seen)
    except ConflictError as error:
        return _not_saved(db, actor, row, content, error)
    act = request.form.get("do", "save")
    if act == "autosave":
        return jsonify(version=version, message=_("Draft sealed and saved %(time)s.", time=clock_time(now())))
    if act != "check":
        return go(request.path + (f"#r{len(content['recipients']) - 1}" if act == "add" else ""))
    problems = problems_now(db, actor=actor, row=row)
    if problems:
        return _editor(db, actor, row, read_form(db, actor=actor, row=row), version, problems), 422
    return go(url_for("disclosure.show", disclosure=row.disclosure_id))


def _not_saved(db: Session, actor: SignedIn, row: Disclosure, content: Content, error: ConflictError) -> Any:
    """Answer a save that came too late; what was typed stays on the page."""
    if request.form.get("do") == "autosave":
        return jsonify(message=conflict_words(error.reason)), 409
    flash(conflict_words(error.reason), "stop")
    level = int(read_form(db, actor=actor, row=row)["level"])
    return _editor(db, actor, row, {**content, "level": level}, whole(request.form.get("version", "0")) or 0), 409


def _editor(
    db: Session, actor: SignedIn, row: Disclosure, content: Content, version: int, problems: dict[str, str] | None = None
) -> str:
    case = case_at(db, row.case_id)
    own = case is not None and case.counsellor_id == actor.holder_id
    place = {
        "letters": _letters(db, actor, row, content),
        "colleagues": colleagues_with_keys(db),
        "releases": [one for one in supporters(db, actor=actor, case=case) if one.stands] if own and case is not None else [],
        "problems": {name: problem_words(code) for name, code in (problems or {}).items()},
        "day": today(house_of(db).settings.time_zone),
        "nameless": not card_and_guardians(db, actor, row)[0].name,
    }
    words = {"said": WORDS, "limits_": LIMITS, "parts_for": parts_for, "kinds_for": kinds_for}
    return render_template("disclosure/edit.html", row=row, case=case, content=content, version=version, **place, **words)


def _letters(db: Session, actor: SignedIn, row: Disclosure, content: Content) -> list[tuple[Content, Content]]:
    """Return what each recipient would see, from the same words that are sealed for them."""
    card = shown_client(db, actor, row, content)
    return [
        told_to(content, {"kind": "", **to, "name": to.get("name", "")}, card)
        for to in content["recipients"]
        if content.get("code")
    ]


@page(blueprint, "/disclosures/<disclosure>", READ, ("GET", "POST"))
def show(db: Session, actor: SignedIn, disclosure: str) -> Any:
    """One disclosure: exactly what each recipient sees, and what comes next."""
    row = find_disclosure(db, actor=actor, disclosure_id=parse_id(disclosure), permission=READ)
    act, codes = request.form.get("do", ""), []
    try:
        if act == "submit":
            submit(db, actor=actor, row=row)
        elif act == "send":
            codes = [one for one in send(db, actor=actor, row=row) if one.code]
            flash(_("Sent. A second person looks at it within %(n)d working days.", n=house_of(db).settings.review_workdays))
        elif act == "withdraw":
            withdraw(db, actor=actor, row=row)
        elif act == "tell" and not tell_client(db, actor=actor, row=row):
            flash(_("The client has no keys yet: tell them in person."), "stop")
    except InvalidError as error:
        for code in dict.fromkeys(error.problems.values()):
            flash(problem_words(code), "stop")
        return _shown(db, actor, row, []), 422
    if act and not codes:
        return go(url_for("disclosure.show", disclosure=row.disclosure_id))
    return _shown(db, actor, row, codes)


def _shown(db: Session, actor: SignedIn, row: Disclosure, codes: list[Any]) -> str:
    content = read_form(db, actor=actor, row=row)
    packages = packages_of(db, row)
    place = {
        "letters": _letters(db, actor, row, content),
        "packages": packages,
        "receipts": {one.package_id: receipts_of(db, keyring=actor.keyring, package=one) for one in packages if actor.keyring},
        "verdict": verdict_of(db, actor=actor, row=row),
        "found": review_of(db, actor=actor, row=row),
        "approval": approval_of(content, int(content["level"])) if content.get("code") else None,
        "sender": staff_name(db, row.sender_id),
        "own": row.sender_id == actor.holder_id,
    }
    return render_template("disclosure/show.html", row=row, content=content, codes=codes, said=WORDS, now=now(), **place)


@page(blueprint, "/packages/<package>/revoke", Permission.DISCLOSURE_REVOKE, ("POST",))
def revoke(db: Session, actor: SignedIn, package: str) -> Any:
    """Take a package back."""
    found = revoke_package(db, actor=actor, package_id=parse_id(package))
    flash(_("Taken back. What was read before stays on record."))
    return go(url_for("disclosure.show", disclosure=found.disclosure_id))


@page(blueprint, "/disclosures/<disclosure>/approve", Permission.DISCLOSURE_APPROVE, ("GET", "POST"))
def approve(db: Session, actor: SignedIn, disclosure: str) -> Any:
    """Read the submitted page, and nothing else, and say yes or no."""
    row = find_disclosure(db, actor=actor, disclosure_id=parse_id(disclosure), permission=Permission.DISCLOSURE_APPROVE)
    problems: dict[str, str] = {}
    if request.method == "POST":
        typed = {name: clean(request.form.get(name)) for name in ("words", "opinion_by", "opinion")}
        try:
            answer(db, actor=actor, row=row, verdict=Verdict(request.form.get("answer") == "yes", **typed))
        except InvalidError as error:
            problems = {name: problem_words(code) for name, code in error.problems.items()}
        else:
            flash(_("Noted. Whoever asked is told."))
            return go(url_for("disclosure.mine"))
    return _judged(db, actor, row, "disclosure/approve.html", problems)


@page(blueprint, "/disclosures/<disclosure>/review", Permission.DISCLOSURE_REVIEW, ("GET", "POST"))
def review(db: Session, actor: SignedIn, disclosure: str) -> Any:
    """Look at it afterwards: was it needed, was it as little as it could be, was it in time."""
    row = find_disclosure(db, actor=actor, disclosure_id=parse_id(disclosure), permission=Permission.DISCLOSURE_REVIEW)
    problems: dict[str, str] = {}
    if request.method == "POST":
        finding, words = request.form.get("finding", ""), clean(request.form.get("words"))
        try:
            look_back(db, actor=actor, row=row, finding=finding, words=words)
        except InvalidError as error:
            problems = {name: problem_words(code) for name, code in error.problems.items()}
        else:
            left = len(waiting_for_review(db, actor=actor))
            flash(ngettext("Recorded. %(num)d waits still.", "Recorded. %(num)d wait still.", left))
            return go(url_for("disclosure.mine"))
    return _judged(db, actor, row, "disclosure/review.html", problems)


def _judged(db: Session, actor: SignedIn, row: Disclosure, template: str, problems: dict[str, str]) -> Any:
    """Show a submitted page to whoever judges it: its words as they were signed, no name beside them, no case."""
    content = read_form(db, actor=actor, row=row)
    place: dict[str, Any] = {"sender": staff_name(db, row.sender_id)}
    place["approval"] = approval_of(content, int(content["level"]))
    place |= {"verdict": verdict_of(db, actor=actor, row=row), "found": review_of(db, actor=actor, row=row)}
    body = render_template(template, row=row, content=content, said=WORDS, problems=problems, **place)
    return body, 422 if problems else 200
