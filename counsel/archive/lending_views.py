"""Views of lending: ask, say yes or no, serve, count back, the register. Same blueprint as `views`."""

from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.archive.agreeing import record_consent
from counsel.archive.forms import BASIS_WORDS, CONDITION_WORDS, LOAN_WORDS, MODE_WORDS, WAY_WORDS
from counsel.archive.lending import CHOICE, LONGEST, Wish, ask_loan, decide_loan, find_loan, loan_facts, read_line, readers_there
from counsel.archive.models import Ticket, Volume
from counsel.archive.reading import serve_loan
from counsel.archive.register import PAGE, loans_to_decide, losses, my_loans, refusals, register
from counsel.archive.returns import CONDITIONS, lose, loss_reported, renew, take_back
from counsel.archive.tickets import drop, find_ticket
from counsel.archive.views import blueprint
from counsel.confidentiality.decide import decide
from counsel.confidentiality.facts import NOTHING
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.errors import ConflictError, InvalidError
from counsel.core.ids import parse_id
from counsel.people.staff import staff_name
from counsel.safeguarding.asked.views import WHO_WORDS
from counsel.safeguarding.disclosure.approving import Verdict
from counsel.web.forms import clean
from counsel.web.messages import conflict_words, problem_words
from counsel.web.page import go, page, whole, zone_of

ASK, SEE, SERVE = Permission.LOAN_ASK, Permission.LOAN_SEE, Permission.TICKET_SERVE
SAID: dict[str, Any] = {"basis": BASIS_WORDS, "mode": MODE_WORDS, "state": LOAN_WORDS, "way": WAY_WORDS}
SAID |= {"condition": CONDITION_WORDS, "who": WHO_WORDS}


@page(blueprint, "/loans", ASK)
def loans(db: Session, actor: SignedIn) -> Any:
    """What I asked to read, what I read, what waits for my yes or no."""
    rows, waiting = my_loans(db, actor=actor), loans_to_decide(db, actor=actor)
    place = {"rows": rows, "waiting": waiting, "lost": losses(db, actor=actor), "said": SAID, "day": today(zone_of(db))}
    return render_template("archive/loans.html", **place)


@page(blueprint, "/loans/<ticket>/reported", Permission.LOAN_LOSS, ("POST",))
def loss_seen(db: Session, actor: SignedIn, ticket: str) -> Any:
    """The director has reported the loss of a volume."""
    loss_reported(db, actor=actor, ticket=find_loan(db, actor=actor, ticket_id=parse_id(ticket), permission=Permission.LOAN_LOSS))
    flash(_("Noted: the loss was reported."))
    return go(url_for("archive.loans"))


@page(blueprint, "/loans/new", ASK, ("GET", "POST"))
def new_loan(db: Session, actor: SignedIn) -> Any:
    """F15: which volume, on which ground, who reads, which forms."""
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            ticket = ask_loan(db, actor=actor, wish=_wish())
        except InvalidError as error:
            problems = {name: problem_words(code) for name, code in error.problems.items()}
        except ConflictError as error:
            problems = {"code": conflict_words(error.reason)}
        else:
            flash(_("Registered as number %(no)d. The director has been asked.", no=ticket.number))
            return go(url_for("archive.loan", ticket=ticket.ticket_id))
    people = [(holder_id, staff_name(db, holder_id)) for holder_id in readers_there(db)]
    place = {"problems": problems, "said": SAID, "people": people, "forms": CHOICE, "typed": request.values}
    return render_template("archive/new_loan.html", chosen=request.form.getlist("forms"), **place), 422 if problems else 200


def _wish() -> Wish:
    names = ("code", "basis", "mode", "applicant", "purpose", "paper_no", "paper_body", "statute", "identity", "way", "place")
    typed = {name: clean(request.form.get(name)) for name in names}
    reader = parse_id(request.form.get("reader", ""))
    return Wish(**typed, forms=tuple(request.form.getlist("forms")), reader_id=reader)


@page(blueprint, "/loans/<ticket>", SEE, ("GET", "POST"))
def loan(db: Session, actor: SignedIn, ticket: str) -> Any:
    """One line of the register, and what somebody may do with it now."""
    row = find_loan(db, actor=actor, ticket_id=parse_id(ticket), permission=SEE)
    problems: dict[str, str] = {}
    code = ""
    if request.method == "POST":
        try:
            code = _act(db, actor, row)
        except InvalidError as error:
            problems = {name: problem_words(reason) for name, reason in error.problems.items()}
        if not problems and not code:
            return go(url_for("archive.loan", ticket=row.ticket_id))
    facts = loan_facts(db, row) or NOTHING
    may = {name: decide(actor, permission, facts).allowed for name, permission in _MAY.items()}
    place: dict[str, Any] = {"said": SAID, "problems": problems, "may": may, "code": code, "typed": request.form}
    place["conditions"] = CONDITIONS
    place |= {"line": read_line(db, actor=actor, ticket=row), "volume": db.get_one(Volume, row.volume_id), "longest": LONGEST}
    names = {one: staff_name(db, one) for one in (row.asker_id, row.reader_id, row.decider_id, row.archivist_id) if one}
    return render_template("archive/loan.html", row=row, names=names, day=today(zone_of(db)), **place), 422 if problems else 200


_MAY = {"yes": Permission.LOAN_DECIDE, "serve": SERVE, "read": Permission.LOAN_READ, "drop": Permission.TICKET_DROP}


def _act(db: Session, actor: SignedIn, row: Ticket) -> str:
    """Do what was pressed; return the code of a copy, which is shown this once."""
    act, words = request.form.get("do", ""), clean(request.form.get("words"))
    if act in ("yes", "no"):
        opinion = {name: clean(request.form.get(name)) for name in ("opinion_by", "opinion")}
        decide_loan(db, actor=actor, ticket=row, verdict=Verdict(act == "yes", words, **opinion))
        flash(_("Recorded, with your signature."))
    elif act in ("agreed", "withdrawn"):
        said = {"way": request.form.get("way", ""), "place": clean(request.form.get("place"))}
        record_consent(db, actor=actor, ticket=row, agreed=act == "agreed", **said)
        flash(_("The yes is on the register.") if act == "agreed" else _("Taken back: nobody reads it any more."))
    elif act == "drop":
        found = find_ticket(db, actor=actor, ticket_id=row.ticket_id, permission=Permission.TICKET_DROP)
        drop(db, actor=actor, ticket=found)
        flash(_("Dropped."))
    else:
        return _at_the_desk(db, actor, row, act, words)
    return ""


def _at_the_desk(db: Session, actor: SignedIn, row: Ticket, act: str, words: str) -> str:
    """What only the archivist does."""
    row, code = find_ticket(db, actor=actor, ticket_id=row.ticket_id, permission=SERVE), ""
    pages = whole(request.form.get("pages", ""))
    if act == "serve":
        code = serve_loan(db, actor=actor, ticket=row, pages=pages, digits=clean(request.form.get("digits")))
        flash(_("Handed out; it stands on the register until it is back."))
    elif act == "back":
        counted, condition = frozenset(request.form.getlist("counted")), request.form.get("condition", "")
        take_back(db, actor=actor, ticket=row, pages=pages, condition=condition, counted=counted, words=words)
        flash(_("Back and sealed anew."))
    elif act == "renew":
        renew(db, actor=actor, ticket=row)
        flash(_("Renewed until %(day)s.", day=row.until_on))
    elif act == "lost":
        lose(db, actor=actor, ticket=row, words=words)
        flash(_("On the register as lost; the director has been told."))
    else:
        raise InvalidError(do="unknown")
    return code


@page(blueprint, "/archive/register", Permission.VOLUME_LIST)
def lending_register(db: Session, actor: SignedIn) -> Any:
    """Every loan by its number, and what was refused; to be printed and bound each term."""
    rows = register(db, actor=actor, before=whole(request.args.get("before", "")))
    names = {one: staff_name(db, one) for line in rows for one in (line.ticket.reader_id, line.ticket.asker_id) if one}
    place = {"rows": rows[:PAGE], "more": len(rows) > PAGE, "names": names, "said": SAID}
    return render_template("archive/register.html", refused=refusals(db, actor=actor), **place)
