"""Views of the plan: one page both look at, the way back, the beginning of counselling."""

from functools import partial
from typing import Any

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.ids import parse_id
from counsel.pathway.cases.dossier import PLAN, SUPPORT
from counsel.pathway.cases.pages import as_before, back_to, draft_number, edit_page, writable
from counsel.pathway.cases.services import find_case
from counsel.pathway.plans.forms import RELATION_WORDS, SCOPE_WORDS, PlanForm, SupportForm
from counsel.pathway.plans.services import finish_plan, plan_anew, plan_number, write_plan
from counsel.pathway.plans.support import newest_supporter, supporters, write_supporter
from counsel.web.page import page, whole

blueprint = Blueprint("plans", __name__)
WRITE = Permission.CASE_WRITE


@page(blueprint, "/cases/<case>/plan", WRITE, ("GET", "POST"))
def negotiate(db: Session, actor: SignedIn, case: str) -> Any:
    """F05, on a page both look at."""
    found = writable(db, actor, case)
    number = draft_number(plan_number(db, found), True, whole(request.args.get("number", "")))

    save = partial(write_plan, db, actor=actor, case=found, number=number)
    before = partial(as_before, db, actor, found, PLAN, PlanForm, number, ("disagreement", "alternatives"))
    return edit_page(db, actor, found, PLAN, PlanForm, "plans/negotiate.html", save, number, before)


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


@page(blueprint, "/cases/<case>/support", Permission.CASE_READ)
def support(db: Session, actor: SignedIn, case: str) -> Any:
    """Support contacts of a case: with whose yes, for what, until when."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_READ)
    people = supporters(db, actor=actor, case=found)
    words = {"relation": RELATION_WORDS, "scope": SCOPE_WORDS}
    return render_template("plans/support.html", case=found, people=people, said=words, newest=newest_supporter(db, found))


@page(blueprint, "/cases/<case>/support/<int(max=999):number>", WRITE, ("GET", "POST"))
def supporter(db: Session, actor: SignedIn, case: str, number: int) -> Any:
    """One support contact, written for the client to say yes to."""
    found = writable(db, actor, case)
    number = min(number, newest_supporter(db, found) + 1)

    save = partial(write_supporter, db, actor=actor, case=found, number=number)
    return edit_page(db, actor, found, SUPPORT, SupportForm, "sessions/form.html", save, number)
