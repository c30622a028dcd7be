"""Views of what clients ask about their own file: asked on the client's page, answered by the director."""

from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import InvalidError
from counsel.core.ids import parse_id
from counsel.safeguarding.questions.services import answer, ask, own_questions, read_question, waiting_questions
from counsel.web.forms import clean
from counsel.web.messages import problem_words
from counsel.web.page import go, page

blueprint = Blueprint("safeguarding", __name__)
KIND_WORDS = {
    "opening": _l("An opening seems wrong to me"),
    "access": _l("I would like to see what is written"),
    "copy": _l("I would like a copy"),
    "correction": _l("Something is not right"),
    "erasure": _l("I would like something erased"),
}


@page(blueprint, "/my-questions", Permission.FILE_SIGHT, ("GET", "POST"))
def mine(db: Session, actor: SignedIn) -> Any:
    """Ask about my file, and read the answers."""
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            ask(db, actor=actor, kind=request.form.get("kind", ""), text=clean(request.form.get("text")))
        except InvalidError as error:
            problems = {name: problem_words(code) for name, code in error.problems.items()}
        else:
            flash(_("Asked. The director answers here."))
            return go(url_for("safeguarding.mine"))
    place = {"asked": own_questions(db, actor=actor), "kinds": KIND_WORDS, "problems": problems}
    return render_template("safeguarding/mine.html", **place), 422 if problems else 200


@page(blueprint, "/questions", Permission.QUESTION_ANSWER)
def waiting(db: Session, actor: SignedIn) -> Any:
    """What clients ask and nobody has answered."""
    return render_template("safeguarding/waiting.html", rows=waiting_questions(db, actor=actor), kinds=KIND_WORDS)


@page(blueprint, "/questions/<question>", Permission.QUESTION_ANSWER, ("GET", "POST"))
def question(db: Session, actor: SignedIn, question: str) -> Any:
    """Read one and answer it."""
    number, problems = parse_id(question), {}
    if request.method == "POST":
        try:
            answer(db, actor=actor, question_id=number, text=clean(request.form.get("text")))
        except InvalidError as error:
            problems = {name: problem_words(code) for name, code in error.problems.items()}
        else:
            flash(_("Answered. It stands on the client's page."))
            return go(url_for("safeguarding.waiting"))
    asked, card = read_question(db, actor=actor, question_id=number)
    body = render_template("safeguarding/question.html", asked=asked, card=card, kinds=KIND_WORDS, problems=problems)
    return body, 422 if problems else 200
