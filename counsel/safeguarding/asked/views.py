"""The page for everybody who is asked about somebody: what to say, what can be done instead, and that it was asked."""

from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import InvalidError
from counsel.safeguarding.asked.services import answer_enquiry, enquiries_of_the_year
from counsel.web.messages import problem_words
from counsel.web.page import page

blueprint = Blueprint("asked", __name__)
WHO_WORDS = {
    "class_teacher": _l("class teacher or another teacher"),
    "guardian": _l("parent or relative"),
    "leader": _l("school leader"),
    "authority": _l("police, court, an authority"),
    "press": _l("press or media"),
    "student": _l("another student"),
    "other": _l("somebody else"),
}
WHAT_WORDS = {
    "is_client": _l("whether somebody comes here"),
    "file": _l("to see or borrow a file"),
    "certificate": _l("a certificate, a diagnosis"),
    "result": _l("a test result, a level, a list"),
    "observation": _l("wants to tell us something"),
}


@page(blueprint, "/asked", Permission.ENQUIRY_ANSWER, ("GET", "POST"))
def asked(db: Session, actor: SignedIn) -> Any:
    """Somebody asks about a person: the answer, the same for everybody."""
    who, what, problems = request.form.get("who", ""), request.form.get("what", ""), {}
    if request.method == "POST":
        try:
            answer_enquiry(db, actor=actor, who=who, what=what)
        except InvalidError as error:
            problems = {name: problem_words(code) for name, code in error.problems.items()}
    given = request.method == "POST" and not problems
    place = {"who": who, "what": what, "given": given, "who_words": WHO_WORDS, "what_words": WHAT_WORDS, "problems": problems}
    counted = enquiries_of_the_year(db, actor=actor)
    return render_template("asked/asked.html", counted=counted, **place), 422 if problems else 200
