"""The page of one case: pathway, what happened, what comes next; the client's yes in the room or otherwise; search; print."""

from typing import Any

from flask import flash, render_template, request, stream_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from counsel.access.gate import refuse
from counsel.access.sign_ins import SignedIn
from counsel.access.vault import enter_room
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.errors import InvalidError
from counsel.core.ids import parse_id
from counsel.home.case_page import case_page
from counsel.home.forms_shown import answer_points, form_code, form_lines, form_title, lines_for, with_addenda
from counsel.home.search import search_own
from counsel.home.views import blueprint
from counsel.pathway.cases.agreement import GUARDIAN, IN_ROOM, record_agreement
from counsel.pathway.cases.dossier import (
    CLOSING,
    CONSENT,
    EVALUATION,
    RECORDING,
    SUPPORT,
    Form,
    prints_of,
    read_item,
    signer_of,
)
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.pages import writable
from counsel.pathway.cases.services import find_case
from counsel.pathway.closing.evaluation import client_marks, evaluation_of
from counsel.pathway.closing.forms import REASON_WORDS, WAIVER_WORDS
from counsel.pathway.closing.services import follow_ups_of
from counsel.pathway.material.erasing import end_use
from counsel.records.models import Item
from counsel.web.forms import clean
from counsel.web.messages import problem_words
from counsel.web.page import go, page

WRITE = Permission.CASE_WRITE
LONGEST_QUERY = 60
PRINT_REASONS = {
    "sign": _l("to be signed"),
    "bind": _l("for the paper volume"),
    "client": _l("for the client"),
}
WHO = "<any(client, guardian):party>"


@page(blueprint, "/cases/<case>", Permission.CASE_READ)
def case(db: Session, actor: SignedIn, case: str) -> Any:
    """One case."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_READ)
    with recording(db):  # everything that is opened for the page, and its lines, in one durable commit
        place = case_page(db, actor=actor, case=found)
    return render_template("home/case.html", titles=form_title, **place)


def _shared_item(db: Session, actor: SignedIn, case: Case, text: str, party: str) -> Item:
    """Return a signed form of this case that the client, or a guardian, may answer, or refuse as if it were absent."""
    number = parse_id(text)
    item = db.get(Item, number) if number is not None else None
    if item is None or item.box_id != case.shared_box_id or item.state != "signed":
        refuse(db, actor, WRITE, number)
    if party == GUARDIAN and item.kind not in (
        CONSENT.code,
        SUPPORT.code,
        RECORDING.code,
    ):  # a guardian has a part in these, in nothing else
        refuse(db, actor, WRITE, number)
    return item


@page(blueprint, f"/cases/<case>/agree/<item>/{WHO}", WRITE, ("GET", "POST"))
def agree(db: Session, actor: SignedIn, case: str, item: str, party: str) -> Any:
    """How somebody answers a form: hand the screen over, by telephone, on paper; the client's waits on the own page."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_FOLLOW_UP)
    form = _shared_item(db, actor, found, item, party)
    problems: dict[str, str] = {}
    if request.method == "POST" and request.form.get("way") == IN_ROOM:
        path = url_for("home.room", case=found.case_id, item=form.item_id, party=party)
        enter_room(db, actor=actor, path=path)
        return go(path)
    if request.method == "POST":
        problems = _answered(db, actor, found, form, party, request.form.get("way", ""))
        if not problems:
            flash(_("Recorded."))
            return go(url_for("home.case", case=found.case_id))
    asked = _asked(db, actor, found, form, party)
    return render_template("home/agree.html", case=found, problems=problems, **asked), 422 if problems else 200


def _answered(db: Session, actor: SignedIn, case: Case, form: Item, party: str, way: str) -> dict[str, str]:
    """Record what was answered and return nothing, or what is wrong field by field."""
    agreed, words = request.form.get("answer") == "yes", clean(request.form.get("words"))
    said = {"way": way, "agreed": agreed, "words": words, "sheet_place": clean(request.form.get("sheet_place"))}
    try:
        record_agreement(db, actor=actor, case=case, item=form, points=_points(form), party=party, **said)  # type: ignore[arg-type]
    except InvalidError as error:
        return {name: problem_words(code) for name, code in error.problems.items()}
    end_use(db, actor=actor, case=case, item=form, copy=request.form.get("copy") == "y")
    return {}


def _asked(db: Session, actor: SignedIn, case: Case, form: Item, party: str) -> dict[str, Any]:
    read = read_item(db, actor=actor, case=case, item=form)
    lines = with_addenda(lines_for(party, form.kind, read.content), read.addenda)
    return {"title": form_title(form.kind), "lines": lines, "points": answer_points(form.kind), "party": party}


def _points(form: Item) -> dict[str, bool]:
    return {code: request.form.get(f"point_{code}") == "yes" for code, _word in answer_points(form.kind)}


@page(blueprint, f"/room/<case>/<item>/{WHO}", WRITE, ("GET", "POST"))
def room(db: Session, actor: SignedIn, case: str, item: str, party: str) -> Any:
    """The one page that client or guardian sees on the counsellor's screen; nothing else opens until the passphrase is typed."""
    found = writable(db, actor, case)
    form = _shared_item(db, actor, found, item, party)
    if actor.room != request.path:
        refuse(db, actor, WRITE, form.item_id)
    problems: dict[str, str] = {}
    if request.method == "POST":
        problems = _answered(db, actor, found, form, party, IN_ROOM)
        if not problems:
            return render_template("home/room_done.html", case=found)
    asked = _asked(db, actor, found, form, party)
    return render_template("home/room.html", problems=problems, **asked), 422 if problems else 200


@page(blueprint, "/cases/<case>/signed/<item>", Permission.CASE_READ)
def signed(db: Session, actor: SignedIn, case: str, item: str) -> Any:
    """One signed text of a case to read, whatever it is: an earlier form, the risk questions, an answer, what was agreed."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_READ)
    form = _signed_item(db, actor, found, item)
    read = read_item(db, actor=actor, case=found, item=form)
    place = _as_read(db, actor, found, form, read)
    if form.kind == CONSENT.code and read.content.get("guardian") != "signed" and read.content.get("guardian_note"):
        place["lines"].append((_("The reason beside the guardian's part; it is never printed"), read.content["guardian_note"]))
    return render_template("home/signed.html", case=found, item=form, **place)


def _signed_item(db: Session, actor: SignedIn, case: Case, text: str) -> Item:
    number = parse_id(text)
    form = db.get(Item, number) if number is not None else None
    if form is None or form.box_id not in (case.box_id, case.shared_box_id) or form.state != "signed":
        refuse(db, actor, Permission.CASE_READ, number)  # a draft is no sheet to sign
    return form


def _as_read(db: Session, actor: SignedIn, case: Case, form: Item, read: Form) -> dict[str, Any]:
    lines = form_lines(form.kind, read.content) + _of_the_end(db, actor, case, form)
    return {
        "title": form_title(form.kind),
        "lines": with_addenda(lines, read.addenda),
        "signer": signer_of(db, case, form),
    }


@page(blueprint, "/cases/<case>/print/<item>", Permission.CASE_READ, ("POST",))
def sheet(db: Session, actor: SignedIn, case: str, item: str) -> Any:
    """A form as a sheet to sign or to keep on paper; the print is on record."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_READ)
    form = _signed_item(db, actor, found, item)
    reason, place = request.form.get("reason", ""), {"title": form_title(form.kind), "reasons": PRINT_REASONS}
    if reason not in PRINT_REASONS:
        return render_template("home/print_why.html", case=found, item=form, **place)
    read = read_item(db, actor=actor, case=found, item=form, what="printed", detail=reason)
    place |= _as_read(db, actor, found, form, read)
    place |= {"now": now(), "copy": prints_of(db, form.item_id), "reason": reason, "code": form_code(form.kind)}
    return render_template("home/sheet.html", case=found, item=form, **place)


def _of_the_end(db: Session, actor: SignedIn, case: Case, form: Item) -> list[tuple[Any, Any]]:
    """Return what a sheet says besides: why the case ended, when one asks again (F10); the client's marks or the waiver (F11)."""
    evaluation = evaluation_of(db, case)
    if form.kind == EVALUATION.code and evaluation is not None and evaluation.number == form.number:
        waived = [(_("Not to be had"), WAIVER_WORDS[evaluation.waiver])] if evaluation.waiver else []
        marks = client_marks(db, actor=actor, case=case)
        return [*(form_lines("rating", marks) if marks else []), *waived]
    if form.kind != CLOSING.code:
        return []
    days = [row.planned_on.isoformat() for row in follow_ups_of(db, case) if row.state != "declined"]
    reason = [(_("Why it ended"), REASON_WORDS[case.close_reason])] if case.close_reason else []
    return [*reason, (_("Follow-up"), ", ".join(days) or _("none agreed"))]


@page(blueprint, "/search", Permission.CASE_LIST, ("GET", "POST"))
def search(db: Session, actor: SignedIn) -> Any:
    """Search my own cases: names and every text, in memory; the first finds stand there while it still looks."""
    words = clean(request.form.get("words"))[:LONGEST_QUERY]
    if request.method == "POST" and (len(words) >= 2 or (words and not words.isascii())):  # one character is a word in Chinese
        return stream_template(
            "home/search.html", sought=words, found=search_own(db, actor=actor, words=words), titles=form_title
        )
    return render_template("home/search.html", sought=words, found=[], titles=form_title)
