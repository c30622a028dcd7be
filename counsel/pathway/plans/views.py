"""Views of the plan: one page both look at, the way back, the beginning of counselling."""

from functools import partial
from typing import Any

from flask import Blueprint, request
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.rules import Permission
from counsel.pathway.cases.dossier import PLAN
from counsel.pathway.cases.pages import back_to, draft_number, edit_page, writable
from counsel.pathway.plans.forms import PlanForm
from counsel.pathway.plans.services import finish_plan, plan_anew, plan_number, write_plan
from counsel.web.page import page, whole

blueprint = Blueprint("plans", __name__)
WRITE = Permission.CASE_WRITE


@page(blueprint, "/cases/<case>/plan", WRITE, ("GET", "POST"))
def negotiate(db: Session, actor: SignedIn, case: str) -> Any:
    """F05, on a page both look at."""
    found = writable(db, actor, case)
    number = draft_number(plan_number(db, found), True, whole(request.args.get("number", "")))

    save = partial(write_plan, db, actor=actor, case=found, number=number)
    return edit_page(db, actor, found, PLAN, PlanForm, "plans/negotiate.html", save, number)


@page(blueprint, "/cases/<case>/planned", WRITE, ("POST",))
def finish(db: Session, actor: SignedIn, case: str) -> Any:
    """T13."""
    found = writable(db, actor, case)
    finish_plan(db, actor=actor, case=found)
    return back_to(found)


@page(blueprint, "/cases/<case>/anew", WRITE, ("POST",))
def anew(db: Session, actor: SignedIn, case: str) -> Any:
    """T16."""
    found = writable(db, actor, case)
    plan_anew(db, actor=actor, case=found, to=request.form.get("to", ""), reason=request.form.get("reason", ""))
    return back_to(found)
