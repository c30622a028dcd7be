"""Views of the client's own file: read, answer, goals, homework, evaluate, end, ask for somebody else."""

from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.archive.agreeing import own_loans
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import InvalidError
from counsel.core.ids import parse_id
from counsel.home.file import own_case, own_files, own_form
from counsel.home.forms_shown import answer_points, form_lines, form_title, with_addenda
from counsel.home.views import blueprint
from counsel.pathway.cases.agreement import agree_oneself, newest_answer
from counsel.pathway.cases.dossier import ANSWERED, EACH
from counsel.pathway.cases.lifecycle import ACTIVE, CLIENT
from counsel.pathway.cases.models import Case
from counsel.pathway.closing.evaluation import MARKS, decline_evaluation, rate
from counsel.pathway.closing.forms import MARK_WORDS
from counsel.pathway.closing.services import end_counselling
from counsel.pathway.followup.services import decline_follow_up
from counsel.pathway.material.erasing import end_use
from counsel.pathway.material.forms import MEDIUM_WORDS
from counsel.pathway.material.recordings import recorded_under
from counsel.pathway.plans.services import write_own_goals
from counsel.pathway.referral.transfer import ask_transfer
from counsel.pathway.sessions.forms import HOMEWORK_WORDS
from counsel.pathway.sessions.homework import answer_homework
from counsel.web.forms import clean
from counsel.web.messages import problem_words
from counsel.web.page import go, page, whole

OWN = Permission.FILE_OWN


@page(blueprint, "/file", OWN)
def file(db: Session, actor: SignedIn) -> Any:
    """My file: what waits for my answer, my goals, my homework, the way out."""
    return _mine(db, actor)


def _mine(db: Session, actor: SignedIn, case: Case | None = None, error: InvalidError | None = None) -> Any:
    """Show the whole file; after a problem, in this case, with what was typed and what is wrong beside it."""
    problems = {name: problem_words(code) for name, code in error.problems.items()} if error else {}
    place = {"files": own_files(db, actor=actor), "loans": own_loans(db, actor=actor), "problems": problems}
    place |= {"wrong_in": case.case_id if case else None, "number": (request.view_args or {}).get("number")}
    shown = render_template("home/file.html", titles=form_title, homework_words=HOMEWORK_WORDS, mark_words=MARK_WORDS, **place)
    return shown, 422 if error else 200


@page(blueprint, "/file/<case>/<item>", OWN, ("GET", "POST"))
def own(db: Session, actor: SignedIn, case: str, item: str) -> Any:
    """One form: read it, and say yes or no."""
    found = own_case(db, actor=actor, case_id=parse_id(case))
    form, texts = own_form(db, actor=actor, case=found, item_id=parse_id(item))
    answer = newest_answer(db, form.item_id)
    answer = answer if answer is not None and answer.revision == form.revision else None  # a text that was added to is asked anew
    back = form.kind in EACH and answer is not None and answer.agreed  # taken back at any time, also after the end
    answerable = form.kind in ANSWERED and (found.state in ACTIVE or back)
    problems: dict[str, str] = {}
    if request.method == "POST" and answerable:
        points = {code: request.form.get(f"point_{code}") == "yes" for code, _word in answer_points(form.kind)}
        agreed, words = request.form.get("answer") == "yes", clean(request.form.get("words"))
        try:
            agree_oneself(db, actor=actor, case=found, item=form, agreed=agreed, words=words, points=points)
        except InvalidError as error:
            problems = {name: problem_words(code) for name, code in error.problems.items()}
        else:
            end_use(db, actor=actor, case=found, item=form, copy=request.form.get("copy") == "y")
            flash(_("Thank you. Your answer is sealed with your own key."))
            return go(url_for("home.file"))
    lines, points_ = with_addenda(form_lines(form.kind, texts[0]), texts[1:]), answer_points(form.kind)
    place = {"title": form_title(form.kind), "lines": lines, "points": points_, "answerable": answerable, "back": back}
    place |= {"recorded": recorded_under(db, form.item_id), "medium_words": MEDIUM_WORDS, "problems": problems}
    shown = render_template("home/own.html", case=found, item=form, answer=answer, **place)
    return shown, 422 if problems else 200


@page(blueprint, "/file/<case>/goals", OWN, ("POST",))
def goals(db: Session, actor: SignedIn, case: str) -> Any:
    """Write my goals in my own words."""
    found = own_case(db, actor=actor, case_id=parse_id(case))
    try:
        write_own_goals(db, actor=actor, case=found, text=clean(request.form.get("goals")))
    except InvalidError as error:
        return _mine(db, actor, found, error)
    flash(_("Your goals are kept in your own words. You can change them at any time."))
    return go(url_for("home.file"))


@page(blueprint, "/file/<case>/homework/<int(max=9999):number>", OWN, ("POST",))
def homework(db: Session, actor: SignedIn, case: str, number: int) -> Any:
    """Say what became of a task; declining is fine."""
    found = own_case(db, actor=actor, case_id=parse_id(case))
    result = clean(request.form.get("result"))
    state = request.form.get("state", "")
    try:
        answer_homework(db, actor=actor, case=found, number=number, state=state, result=result)
    except InvalidError as error:
        return _mine(db, actor, found, error)
    flash(_("Noted. Whatever came of it is a good place to go on from."))
    return go(url_for("home.file"))


@page(blueprint, "/file/<case>/evaluate", OWN, ("POST",))
def evaluate(db: Session, actor: SignedIn, case: str) -> Any:
    """Five marks and a few words, or no thank you."""
    found = own_case(db, actor=actor, case_id=parse_id(case))
    if request.form.get("answer") == "no":
        decline_evaluation(db, actor=actor, case=found)
        flash(_("That is all right. The door stays open."))
        return go(url_for("home.file"))
    marks = {name: whole(request.form.get(name, "")) or 0 for name in MARKS}
    try:
        rate(db, actor=actor, case=found, marks=marks, words=clean(request.form.get("words")))
    except InvalidError as error:
        return _mine(db, actor, found, error)
    flash(_("Thank you. It helps us both to see what it was good for."))
    return go(url_for("home.file"))


@page(blueprint, "/file/<case>/end", Permission.CASE_END, ("GET", "POST"))
def end(db: Session, actor: SignedIn, case: str) -> Any:
    """End counselling: my decision alone, without a reason (篇9 二2)."""
    found = own_case(db, actor=actor, case_id=parse_id(case))
    if request.method == "POST":
        end_counselling(db, actor=actor, case=found)
        flash(_("Ended. The door stays open; you can book again whenever you like."))
        return go(url_for("home.file"))
    return render_template("home/end.html", case=found)


@page(blueprint, "/file/<case>/somebody-else", Permission.CASE_END, ("POST",))
def somebody_else(db: Session, actor: SignedIn, case: str) -> Any:
    """Ask for another counsellor; no reason is needed."""
    found = own_case(db, actor=actor, case_id=parse_id(case))
    ask_transfer(db, actor=actor, case=found, by=CLIENT, reason="client_wish")
    flash(_("The director will find somebody. Until then your times stand as they are."))
    return go(url_for("home.file"))


@page(blueprint, "/file/<case>/follow-up/<int(max=9999):number>", OWN, ("POST",))
def no_follow_up(db: Session, actor: SignedIn, case: str, number: int) -> Any:
    """Say that I would rather not be asked."""
    found = own_case(db, actor=actor, case_id=parse_id(case))
    decline_follow_up(db, actor=actor, case=found, number=min(number, 99))
    flash(_("Noted; nobody asks."))
    return go(url_for("home.file"))
