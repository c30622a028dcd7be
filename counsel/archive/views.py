"""Views of the archive: hand a case in, count what arrived, look into the catalogue."""

from typing import Any

from flask import Blueprint, current_app, flash, render_template, request, stream_template, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.archive.catalogue import (
    PAGE,
    Wanted,
    catalogue,
    handed_in_by,
    late,
    opened_by_nobody,
    out_among,
    to_hand_in,
    waiting,
    years,
)
from counsel.archive.completeness import lacking
from counsel.archive.forms import BASIS_WORDS, FLAW_WORDS, LOAN_WORDS, REASON_WORDS, RETENTION_WORDS
from counsel.archive.hand_over import (
    FLAWS,
    accept,
    find_volume,
    hand_in,
    read_defects,
    read_manifest,
    send_back,
    volume_of,
)
from counsel.archive.integrity import check_integrity
from counsel.archive.manifest import entries_in, entries_of
from counsel.archive.models import RETENTIONS, Volume
from counsel.archive.names import search_names
from counsel.archive.places import move_to, standing
from counsel.archive.register import refused_this_month
from counsel.archive.retention import LONG, due_of, proposed
from counsel.archive.sheets import MOST_SPINES, sheets_of, spines
from counsel.archive.tickets import ask, drop, find_ticket, give_back, open_tickets, serve
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import today
from counsel.core.errors import InvalidError
from counsel.core.ids import parse_id
from counsel.keys.groups import members_of
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import find_case
from counsel.people.staff import counsellors, staff_name
from counsel.web.forms import clean
from counsel.web.messages import problem_words
from counsel.web.page import go, page, whole, zone_of
from counsel.web.progress import with_progress

blueprint = Blueprint("archive", __name__)
LIST = Permission.VOLUME_LIST


@page(blueprint, "/cases/<case>/hand-in", Permission.CASE_HAND_IN, ("GET", "POST"))
def submit(db: Session, actor: SignedIn, case: str) -> Any:
    """T25, first half: the list of contents, the pages of the paper, the period, the signature."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_HAND_IN)
    problems: dict[str, str] = {}
    if request.method == "POST":
        typed = {"pages": whole(request.form.get("pages", "")), "retention": request.form.get("retention", "")}
        try:
            hand_in(db, actor=actor, case=found, remark=clean(request.form.get("remark")), **typed)  # type: ignore[arg-type]
        except InvalidError as error:
            problems = {name: problem_words(code) for name, code in error.problems.items()}
        else:
            flash(_("Handed in, with your signature under the list. Nothing of it changes until the archivist answers."))
            return go(url_for("home.case", case=found.case_id))
    volume = volume_of(db, found)
    place: dict[str, Any] = {"entries": entries_of(db, found), "missing": lacking(db, actor=actor, case=found)}
    place |= {"defects": read_defects(db, actor=actor, volume=volume) if volume is not None else {}, "flaw_words": FLAW_WORDS}
    place |= {"least": proposed(db, found), "periods": RETENTION_WORDS, "problems": problems, "long": LONG}
    place["due"] = due_of(db, found) if found.closed_on else None
    return render_template("archive/submit.html", case=found, **place), 422 if problems else 200


@page(blueprint, "/archive", LIST)
def desk(db: Session, actor: SignedIn) -> Any:
    """What waits for the archivist: volumes to count, hand-overs that are late."""
    arrived, missing = waiting(db, actor=actor), late(db, actor=actor)
    people = {row.counsellor_id for row, _days in arrived} | {case.counsellor_id for case, _days in missing}
    names = {holder_id: staff_name(db, holder_id) for holder_id in people}
    asked = open_tickets(db, actor=actor)
    names |= {ticket.reader_id: staff_name(db, ticket.reader_id) for ticket, _volume in asked}
    place: dict[str, Any] = {"arrived": arrived, "late": missing, "names": names, "years": years(db, actor=actor)}
    place |= {"gone": opened_by_nobody(db, actor=actor)}
    day = today(zone_of(db))
    due = [ticket for ticket, _volume in asked if ticket.state in ("asked", "approved") or (ticket.until_on or day) < day]
    place |= {"asked": asked, "day": day, "due": len(due), "refused": refused_this_month(db)}
    place |= {"said": {"basis": BASIS_WORDS, "state": LOAN_WORDS}, "keyless": actor.holder_id not in members_of(db, "archive")}
    return render_template("archive/desk.html", **place)


@page(blueprint, "/cases/<case>/earlier/<volume>", Permission.TICKET_ASK, ("POST",))
def ask_for(db: Session, actor: SignedIn, case: str, volume: str) -> Any:
    """Ask to read the filed case of a client who came back."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.TICKET_ASK)
    ask(db, actor=actor, case=found, volume_id=parse_id(volume))
    flash(_("Asked for. The archivist opens it today; you are told."))
    return go(url_for("home.case", case=found.case_id))


@page(blueprint, "/archive/tickets/<ticket>", Permission.TICKET_SERVE, ("POST",))
def ticket(db: Session, actor: SignedIn, ticket: str) -> Any:
    """The lending desk: open a volume for its reader, take it back and seal it anew, or drop what nobody needs."""
    found = find_ticket(db, actor=actor, ticket_id=parse_id(ticket), permission=Permission.TICKET_SERVE)
    acts = {"serve": serve, "back": give_back, "drop": drop}
    act = acts.get(request.form.get("do", ""))
    if act is None:
        raise InvalidError(do="unknown")
    act(db, actor=actor, ticket=found)
    flash({"serve": _("Open for its reader."), "back": _("Sealed anew."), "drop": _("Dropped.")}[request.form["do"]])
    return go(url_for("archive.desk"))


@page(blueprint, "/archive/<volume>/sheets", Permission.VOLUME_PRINT)
def sheets(db: Session, actor: SignedIn, volume: str) -> Any:
    """Cover, list of contents and remarks sheet of a sealed volume, to be printed and bound in."""
    found = sheets_of(db, actor=actor, volume_id=parse_id(volume))
    place = {"periods": RETENTION_WORDS, "basis": BASIS_WORDS}
    return render_template("archive/sheets.html", found=found, row=found.volume, **place)


@page(blueprint, "/archive/spines", Permission.VOLUME_PRINT)
def spine_sheets(db: Session, actor: SignedIn) -> Any:
    """The spines of a year and the list of its shelf, in one go."""
    year = whole(request.args.get("year", ""))
    after = whole(request.args.get("after", "")) or 0
    rows = spines(db, actor=actor, year=year, after=after)
    place = {"rows": rows[:MOST_SPINES], "after": after, "more": after + MOST_SPINES if len(rows) > MOST_SPINES else 0}
    return render_template("archive/spines.html", year=year, periods=RETENTION_WORDS, **place)


@page(blueprint, "/archive/names", Permission.NAME_SEARCH, ("GET", "POST"))
def names(db: Session, actor: SignedIn) -> Any:
    """Find somebody's volumes by the sealed index, with a reason."""
    found, problems = None, {}
    if request.method == "POST":
        typed = {"wanted": clean(request.form.get("wanted")), "reason": request.form.get("reason", "")}
        try:
            found = search_names(db, actor=actor, **typed)
        except InvalidError as error:
            problems = {name: problem_words(code) for name, code in error.problems.items()}
    place = {"found": found, "problems": problems, "reasons": REASON_WORDS}
    return render_template("archive/names.html", **place), 422 if problems else 200


@page(blueprint, "/archive/integrity", LIST, ("GET", "POST"))
def integrity(db: Session, actor: SignedIn) -> Any:
    """Look at everything that is kept; the page tells how far it is while it works."""
    if request.method == "GET":
        return render_template("archive/integrity.html", steps=())
    sessions = current_app.extensions["counsel_sessions"]

    def work(progress: Any) -> Any:
        """Look in a database session of its own, so that a closed browser stops nothing half-way."""
        with sessions() as own:
            return check_integrity(own, actor=actor, progress=progress)

    return stream_template("archive/integrity.html", steps=with_progress(work))


@page(blueprint, "/handed-in", Permission.CASE_LIST)
def mine(db: Session, actor: SignedIn) -> Any:
    """What I handed in, and what I should have."""
    late_ones = to_hand_in(db, actor=actor)
    place: dict[str, Any] = {"rows": handed_in_by(db, actor=actor), "late": late_ones, "day": today(zone_of(db))}
    place["gone"] = opened_by_nobody(db, actor=actor) if actor.role is Role.DIRECTOR else []
    place["names"] = {case.counsellor_id: staff_name(db, case.counsellor_id) for case, _due in late_ones}
    return render_template("archive/mine.html", **place)


@page(blueprint, "/archive/<volume>/place", Permission.VOLUME_ENTER, ("GET", "POST"))
def stands(db: Session, actor: SignedIn, volume: str) -> Any:
    """Where a sealed volume stands, to be corrected when the paper was moved."""
    row, problems = standing(db, actor=actor, volume_id=parse_id(volume)), {}
    if request.method == "POST":
        try:
            move_to(db, actor=actor, volume=row, place=clean(request.form.get("place")))
        except InvalidError as error:
            problems = {name: problem_words(code) for name, code in error.problems.items()}
        else:
            flash(_("Noted. The place before stays on record."))
            return go(url_for("archive.shelf", year=row.year))
    typed = request.form.get("place", row.place)
    return render_template("archive/place.html", row=row, problems=problems, typed=typed), 422 if problems else 200


@page(blueprint, "/archive/catalogue", LIST)
def shelf(db: Session, actor: SignedIn) -> Any:
    """The catalogue, by code, year, period and counsellor."""
    wanted = _wanted()
    rows = catalogue(db, actor=actor, wanted=wanted)
    more = rows[PAGE - 1] if len(rows) > PAGE else None
    names = dict(counsellors(db))
    place: dict[str, Any] = {"rows": rows[:PAGE], "names": {row.counsellor_id: staff_name(db, row.counsellor_id) for row in rows}}
    place |= {"after": _mark(more) if more is not None else "", "wanted": wanted, "people": names, "periods": RETENTION_WORDS}
    place["out"] = out_among(db, rows[:PAGE])
    return render_template("archive/catalogue.html", years=years(db, actor=actor), **place)


def _wanted() -> Wanted:
    after = request.args.get("after", "").split(".")
    numbers = [whole(part) for part in (after[0], after[2])] if len(after) == 3 else []
    place = (numbers[0], after[1], numbers[1]) if numbers and None not in numbers else None
    return Wanted(
        code=clean(request.args.get("code")),
        year=whole(request.args.get("year", "")),
        retention=request.args.get("retention", "") if request.args.get("retention") in RETENTIONS else "",
        counsellor=parse_id(request.args.get("counsellor", "")),
        out=request.args.get("out") == "y",
        after=place,  # type: ignore[arg-type]
    )


def _mark(row: Volume) -> str:
    return f"{row.year}.{row.retention}.{row.number}"


@page(blueprint, "/archive/<volume>", Permission.VOLUME_ACCEPT, ("GET", "POST"))
def check(db: Session, actor: SignedIn, volume: str) -> Any:
    """T25, second half: count every item and the pages, then sign for the volume, or send it back."""
    row, case = find_volume(db, actor=actor, volume_id=parse_id(volume))
    problems: dict[str, str] = {}
    if request.method == "POST":
        problems = _answered(db, actor, row, case)
        if not problems:
            return go(url_for("archive.desk"))
    content = read_manifest(db, actor=actor, volume=row)
    place: dict[str, Any] = {"row": row, "content": content, "entries": entries_in(content), "problems": problems}
    place |= {"by": staff_name(db, row.counsellor_id), "flaws": FLAWS, "flaw_words": FLAW_WORDS, "periods": RETENTION_WORDS}
    place["counted"] = request.form.getlist("counted")
    return render_template("archive/check.html", **place), 422 if problems else 200


def _answered(db: Session, actor: SignedIn, row: Volume, case: Case) -> dict[str, str]:
    """Seal the volume or send it back; return what is wrong, field by field."""
    typed = request.form
    try:
        if typed.get("do") == "back":
            send_back(db, actor=actor, volume=row, case=case, flaws=typed.getlist("flaws"), words=clean(typed.get("words")))
            flash(_("Sent back; the counsellor sees why."))
        else:
            pages, place = whole(typed.get("pages", "")), clean(typed.get("place"))
            accept(db, actor=actor, volume=row, case=case, counted=typed.getlist("counted"), pages=pages, place=place)
            flash(_("Sealed as %(code)s. Nothing of it changes any more.", code=row.code))
    except InvalidError as error:
        return {name: problem_words(code) for name, code in error.problems.items()}
    return {}
