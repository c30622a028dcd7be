"""Views of danger: the crisis record, the safety plan; duty's cards, which are the director's watch list."""

from functools import partial
from typing import Any

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.rules import Permission
from counsel.pathway.cases.dossier import CRISIS, SAFETY
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.pages import draft_number, edit_page, writable
from counsel.pathway.safety.forms import CrisisForm, SafetyPlanForm
from counsel.pathway.safety.services import newest_of, write_crisis, write_safety_plan
from counsel.risk.cards import count_cards, read_cards
from counsel.tasks.services import tasks_about
from counsel.web.page import page, whole

blueprint = Blueprint("safety", __name__)
WRITE = Permission.CASE_WRITE


def _in_hand(db: Session, case: Case, kind: str, due: bool) -> int:
    """Return which of a case's forms is meant: a further one when it is due or asked for, else the newest."""
    newest, signed = newest_of(db, case, kind)
    return newest + 1 if due and signed else draft_number(newest, signed, whole(request.args.get("number", "")))


@page(blueprint, "/cases/<case>/crisis", WRITE, ("GET", "POST"))
def crisis(db: Session, actor: SignedIn, case: str) -> Any:
    """F07."""
    found = writable(db, actor, case)
    number = _in_hand(db, found, CRISIS.code, tasks_about(db, found.case_id, ("report",)) != [])

    save = partial(write_crisis, db, actor=actor, case=found, number=number)
    return edit_page(db, actor, found, CRISIS, CrisisForm, "sessions/form.html", save, number)


@page(blueprint, "/cases/<case>/safety-plan", WRITE, ("GET", "POST"))
def safety_plan(db: Session, actor: SignedIn, case: str) -> Any:
    """The safety plan, on a page both look at."""
    found = writable(db, actor, case)
    number = _in_hand(db, found, SAFETY.code, False)

    save = partial(write_safety_plan, db, actor=actor, case=found, number=number)
    return edit_page(db, actor, found, SAFETY, SafetyPlanForm, "sessions/form.html", save, number)


@page(blueprint, "/duty/cards", Permission.SAFETY_READ, ("GET", "POST"))
def cards(db: Session, actor: SignedIn) -> Any:
    """Safety cards: how many there are; opened on a press, each opening on record."""
    require(db, actor, Permission.SAFETY_READ)
    opened = read_cards(db, actor=actor) if request.method == "POST" else None
    return render_template("safety/cards.html", opened=opened, count=count_cards(db, actor=actor))
