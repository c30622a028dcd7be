"""Views of intake: receive, consent, risk screen, first interview, decision."""

from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.decide import decide as decided
from counsel.confidentiality.facts import NOTHING
from counsel.confidentiality.permissions import Permission
from counsel.core.database import house_of
from counsel.core.errors import InvalidError
from counsel.core.ids import parse_id
from counsel.pathway.cases.dossier import INTAKE, write_form
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.pages import edit_page
from counsel.pathway.cases.services import case_facts, find_case
from counsel.pathway.intake.consent import age_of, client_of, guardian_parts, record_consent
from counsel.pathway.intake.forms import POINT_WORDS, SHEET_WORDS, ConsentForm, IntakeForm, PaperForm
from counsel.pathway.intake.levels import (
    SHORT,
    apply_lowering,
    ask_lowering,
    ask_risk_owner,
    raise_level,
    record_screen,
    record_short_screen,
)
from counsel.pathway.intake.paper import Takeover, ask_takeover, open_from_paper, takeovers
from counsel.pathway.intake.services import decide_intake, receive_client, sign_intake
from counsel.risk.level import level_of
from counsel.risk.questions import ANSWERS, DEEDS, KEEPING, OTHERS, QUESTIONS, THOUGHTS
from counsel.web.forms import clean
from counsel.web.messages import problem_words
from counsel.web.page import go, page, whole

blueprint = Blueprint("intake", __name__)
WRITE = Permission.CASE_WRITE
TICKS = {code for question in QUESTIONS for code, _text in question.details}


@page(blueprint, "/receive/<appointment>", Permission.CASE_OPEN, ("POST",))
def receive(db: Session, actor: SignedIn, appointment: str) -> Any:
    """T01: begin with somebody who has come."""
    case = receive_client(db, actor=actor, appointment_id=parse_id(appointment))
    return go(url_for("home.case", case=case.case_id))


@page(blueprint, "/cases/<case>/consent", WRITE, ("GET", "POST"))
def consent(db: Session, actor: SignedIn, case: str) -> Any:
    """F02, on a page both look at."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=WRITE)
    form = ConsentForm()
    if form.validate_on_submit():
        content = {name: value for name, value in form.data.items() if name != "csrf_token"}
        try:
            record_consent(db, actor=actor, case=found, content=content)
        except InvalidError as error:
            form.take(error)
        else:
            flash(_("Consent recorded and sealed."))
            return go(url_for("home.case", case=found.case_id))
    age = age_of(db, client_of(db, actor=actor, case=found))
    parts = guardian_parts(age, house_of(db).settings.guardian_policy)
    body = render_template("intake/consent.html", form=form, case=found, age=age, parts=parts, points=POINT_WORDS)
    return body, 422 if form.errors else 200


@page(blueprint, "/cases/<case>/screen", Permission.CASE_FOLLOW_UP, ("GET", "POST"))
def screen(db: Session, actor: SignedIn, case: str) -> Any:
    """The risk questions with the server's own live level."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_FOLLOW_UP, danger=True)
    asked = {question.code for question in QUESTIONS}
    answers = {code: request.form[code] for code in asked if request.form.get(code) in ANSWERS}
    ticks = frozenset(request.form.getlist("ticks")) & TICKS
    problem = ""
    if request.method == "POST" and request.form.get("do") == "save":
        try:
            keeping = clean(request.form.get("keeping"))
            record_screen(db, actor=actor, case=found, answers=answers, ticks=ticks, keeping=keeping)
        except InvalidError:
            problem = problem_words("unanswered")
        else:
            flash(_("Recorded. The level stands on the case."))
            return go(url_for("home.case", case=found.case_id))
    return _screen_page(db, actor, found, answers, ticks, problem), 422 if problem else 200


def _screen_page(
    db: Session,
    actor: SignedIn,
    found: Case,
    answers: dict[str, str],
    ticks: frozenset[str],
    problem: str = "",
    problems: dict[str, str] | None = None,
) -> str:
    groups = [(word, [q for q in QUESTIONS if q.group == group]) for word, group in _group_words()]
    short = [(q.code, _(q.text)) for q in QUESTIONS if q.code in SHORT] + [("new", _("Is there anything new that worries you?"))]
    place = {"short": short, "groups": groups, "answers": answers, "ticks": ticks, "keeping_text": KEEPING, "problem": problem}
    writes = decided(actor, WRITE, case_facts(db, found) or NOTHING).allowed
    again = {"writes": writes, "problems": problems or {}, "typed": request.form}
    return render_template("intake/screen.html", case=found, level=level_of(answers, ticks), **place, **again)


@page(blueprint, "/cases/<case>/raise", Permission.CASE_FOLLOW_UP, ("POST",))
def higher(db: Session, actor: SignedIn, case: str) -> Any:
    """Raise the level at will; of a closed case too."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_FOLLOW_UP, danger=True)
    try:
        to, reason = whole(request.form.get("level", "")), clean(request.form.get("reason"))
        raise_level(db, actor=actor, case=found, level=-1 if to is None else to, reason=reason)
    except InvalidError as error:
        problems = {name: problem_words(code) for name, code in error.problems.items()}
        return _screen_page(db, actor, found, {}, frozenset(), problems=problems), 422
    flash(_("Raised. From level 2 on duty and the director are told at once, and the crisis record is due."))
    return go(url_for("home.case", case=found.case_id))


@page(blueprint, "/cases/<case>/lower", Permission.CASE_FOLLOW_UP, ("POST",))
def lower(db: Session, actor: SignedIn, case: str) -> Any:
    """A lower level: ask for its second signature, or apply what was signed; of a closed case too."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_FOLLOW_UP)
    if request.form.get("act") == "apply":
        apply_lowering(db, actor=actor, case=found)
        flash(_("Lowered as it was signed."))
    else:
        to, reason = whole(request.form.get("level", "")), clean(request.form.get("reason"))
        ask_lowering(db, actor=actor, case=found, level=-1 if to is None else to, reason=reason)
        flash(_("Asked. The level stands until it has been signed and applied."))
    return go(url_for("home.case", case=found.case_id))


@page(blueprint, "/cases/<case>/level", WRITE, ("POST",))
def level(db: Session, actor: SignedIn, case: str) -> Any:
    """The short questions of a session; somebody outside who watches on."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=WRITE)
    what, reason = request.form.get("act", ""), clean(request.form.get("reason"))
    if what == "short":
        try:
            answers = {code: request.form.get(f"short_{code}", "") for code in SHORT}
            record_short_screen(db, actor=actor, case=found, answers=answers)
        except InvalidError as error:
            flash(problem_words(error.problems["answers"]), "stop")
            return go(url_for("intake.screen", case=found.case_id))
        flash(_("Recorded."))
    elif what == "owner":
        ask_risk_owner(db, actor=actor, case=found, reason=reason)
        flash(_("Asked. It counts when the second signature has been given."))
    return go(url_for("home.case", case=found.case_id))


def _group_words() -> list[tuple[str, str]]:
    return [(_("Thoughts"), THOUGHTS), (_("Deeds, and right now"), DEEDS), (_("Others and surroundings"), OTHERS)]


@page(blueprint, "/cases/<case>/intake", WRITE, ("GET", "POST"))
def interview(db: Session, actor: SignedIn, case: str) -> Any:
    """F03."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=WRITE)

    def save(*, content: dict[str, Any], seen_version: int, sign: bool) -> None:
        """Save or sign this form."""
        if sign:
            sign_intake(db, actor=actor, case=found, content=content, seen_version=seen_version)
        else:
            write_form(db, actor=actor, case=found, kind=INTAKE, content=content, seen_version=seen_version)

    return edit_page(db, actor, found, INTAKE, IntakeForm, "intake/interview.html", save)


@page(blueprint, "/cases/<case>/decide", WRITE, ("POST",))
def decide(db: Session, actor: SignedIn, case: str) -> Any:
    """T02, T03 or T04."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=WRITE)
    to = request.form.get("to", "")
    decide_intake(db, actor=actor, case=found, to=to if to in ("out_of_scope", "single_session") else "assessment")
    return go(url_for("home.case", case=found.case_id) if to == "assessment" else url_for("home.cases"))


@page(blueprint, "/paper", Permission.CASE_FROM_PAPER, ("GET", "POST"))
def paper(db: Session, actor: SignedIn) -> Any:
    """T00: ask to take a running case over from paper; open it when the director has signed."""
    form = PaperForm()
    form.ask_for(("began_on", "talks", "reason"))
    if form.validate_on_submit():
        try:
            ask_takeover(db, actor=actor, wish=_takeover(form.data))
        except InvalidError as error:
            form.take(error)
        else:
            flash(_("The director has been asked. Nothing is opened before both of you have signed."))
            return go(url_for("intake.paper"))
    return render_template("intake/paper.html", form=form, asked=takeovers(db, actor=actor), forms=SHEET_WORDS)


def _takeover(data: dict[str, Any]) -> Takeover:
    sheets = {code: (data[f"{code}_on"], data[f"{code}_sheets"] or 0) for code in SHEET_WORDS}
    place = {name: data[name] for name in ("student_no", "state", "place", "no_conflict", "reason", "began_on", "talks")}
    return Takeover(sheets=sheets, **place)


@page(blueprint, "/paper/<task>/open", Permission.CASE_FROM_PAPER, ("POST",))
def open_paper(db: Session, actor: SignedIn, task: str) -> Any:
    """Open a case that the director has signed for."""
    case = open_from_paper(db, actor=actor, task_id=parse_id(task))
    flash(_("Opened. Renew the consent and ask the risk questions before the next note."))
    return go(url_for("home.case", case=case.case_id))
