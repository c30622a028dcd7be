"""Views of whoever is told: on the own page, by a code from a telephone call; and of the client, who sees what was told."""

from typing import Any

from flask import flash, render_template, request
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.errors import ConflictError, InvalidError, NotFoundError
from counsel.core.ids import parse_id
from counsel.risk.reports import reports_told
from counsel.safeguarding.disclosure.receiving import (
    by_code,
    open_by_code,
    open_package,
    own_package,
    packages_for,
    read_facts,
    read_facts_by_code,
)
from counsel.safeguarding.disclosure.told import told_about_me
from counsel.safeguarding.disclosure.views import WORDS, blueprint
from counsel.web.messages import conflict_words, problem_words
from counsel.web.page import address, page


@page(blueprint, "/told-to-me", Permission.PACKAGE_READ)
def inbox(db: Session, actor: SignedIn) -> Any:
    """What I have been told and may still read."""
    return render_template("disclosure/inbox.html", rows=packages_for(db, actor=actor))


@page(blueprint, "/told-to-me/<package>", Permission.PACKAGE_READ, ("GET", "POST"))
def package(db: Session, actor: SignedIn, package: str) -> Any:
    """Open one: promise first, read, and the facts once."""
    number = parse_id(package)
    found = own_package(db, actor=actor, package_id=number)
    place: dict[str, Any] = {"package": found, "reader": actor.name, "said": WORDS, "now": now()}
    act = request.form.get("do", "")
    if request.method == "GET" and found.opened_on is None:
        return render_template("disclosure/promise.html", problem="", **place)
    try:
        place["facts"] = read_facts(db, actor=actor, package_id=number) if act == "facts" else None
        place["opened"] = open_package(db, actor=actor, package_id=number, promised=request.form.get("promised") == "y")
    except InvalidError as error:
        return render_template("disclosure/promise.html", problem=problem_words(error.problems["promised"]), **place), 422
    return render_template("disclosure/package.html", **place)


def typed_code() -> dict[str, str]:
    """Return the code and the digits that were typed."""
    return {name: request.form.get(name, "").strip()[:40] for name in ("code", "digits")}


def code_page(typed: dict[str, str], error: NotFoundError | ConflictError | None = None) -> Any:
    """Return the page that asks for a code, with what was wrong about the last one."""
    if error is not None:
        flash(conflict_words(error.reason) if isinstance(error, ConflictError) else problem_words("no_such_code"), "stop")
    status = 409 if isinstance(error, ConflictError) else 404 if error is not None else 200
    return render_template("disclosure/code.html", typed=typed), status


@page(blueprint, "/told", None, ("GET", "POST"))
def told(db: Session, actor: SignedIn | None) -> Any:
    """For somebody without an account: the code from the telephone and the last digits of the number that was rung."""
    typed = typed_code()
    if request.method == "GET":
        return code_page(typed)
    act, place = request.form.get("do", ""), {"said": WORDS, "now": now(), "typed": typed, "reader": ""}
    try:
        found, keyring = by_code(db, code=typed["code"], digits=typed["digits"], address=address())
        place |= {"package": found}
        if found.opened_on is None and act != "open":
            return render_template("disclosure/promise.html", problem="", **place)
        place["facts"] = read_facts_by_code(db, package=found, keyring=keyring) if act == "facts" else None
        promised = request.form.get("promised") == "y"
        place["opened"] = open_by_code(db, package=found, keyring=keyring, promised=promised)
    except (NotFoundError, ConflictError) as error:
        return code_page(typed, error)
    except InvalidError as error:
        return render_template("disclosure/promise.html", problem=problem_words(error.problems["promised"]), **place), 422
    return render_template("disclosure/package.html", **place)


@page(blueprint, "/told-about-me", Permission.FILE_SIGHT)
def about_me(db: Session, actor: SignedIn) -> Any:
    """What was told to whom about me, exactly as they had it."""
    reports = reports_told(db, actor.client_id)
    return render_template("disclosure/about_me.html", rows=told_about_me(db, actor=actor), reports=reports, said=WORDS)
