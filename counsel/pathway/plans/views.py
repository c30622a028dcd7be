"""Views of the plan."""

from typing import Any

from flask import Blueprint, url_for
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.rules import Permission
from counsel.core.ids import parse_id
from counsel.pathway.cases.dossier import PLAN, write_form
from counsel.pathway.cases.pages import edit_page
from counsel.pathway.cases.services import find_case
from counsel.pathway.plans.forms import PlanForm
from counsel.pathway.plans.services import finish_plan
from counsel.web.page import go, page

blueprint = Blueprint("plans", __name__)
WRITE = Permission.CASE_WRITE


@page(blueprint, "/cases/<case>/plan", WRITE, ("GET", "POST"))
def negotiate(db: Session, actor: SignedIn, case: str) -> Any:
    """F05, on a page both look at."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=WRITE)

    def save(content: dict[str, Any], seen: int, sign: bool) -> object:
        """Save or sign this form."""
        return write_form(db, actor=actor, case=found, kind=PLAN, content=content, seen_version=seen, sign=sign)

    return edit_page(db, actor, found, PLAN, PlanForm, "sessions/form.html", save)


@page(blueprint, "/cases/<case>/planned", WRITE, ("POST",))
def finish(db: Session, actor: SignedIn, case: str) -> Any:
    """T13."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=WRITE)
    finish_plan(db, actor=actor, case=found)
    return go(url_for("sessions.case", case=found.case_id))
