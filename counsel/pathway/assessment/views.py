"""Views of the assessment."""

from typing import Any

from flask import Blueprint, url_for
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.rules import Permission
from counsel.core.ids import parse_id
from counsel.pathway.assessment.forms import AssessmentForm
from counsel.pathway.assessment.services import finish_assessment
from counsel.pathway.cases.dossier import ASSESSMENT, write_form
from counsel.pathway.cases.pages import edit_page
from counsel.pathway.cases.services import find_case
from counsel.web.page import go, page

blueprint = Blueprint("assessment", __name__)
WRITE = Permission.CASE_WRITE


@page(blueprint, "/cases/<case>/assessment", WRITE, ("GET", "POST"))
def assess(db: Session, actor: SignedIn, case: str) -> Any:
    """F04."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=WRITE)

    def save(content: dict[str, Any], seen: int, sign: bool) -> object:
        """Save or sign this form."""
        return write_form(db, actor=actor, case=found, kind=ASSESSMENT, content=content, seen_version=seen, sign=sign)

    return edit_page(db, actor, found, ASSESSMENT, AssessmentForm, "sessions/form.html", save)


@page(blueprint, "/cases/<case>/assessed", WRITE, ("POST",))
def finish(db: Session, actor: SignedIn, case: str) -> Any:
    """T09."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=WRITE)
    finish_assessment(db, actor=actor, case=found)
    return go(url_for("sessions.case", case=found.case_id))
