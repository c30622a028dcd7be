"""Views of danger: the crisis record, the safety plan; duty's cards, which are the director's watch list."""

from functools import partial
from typing import Any

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import InvalidError
from counsel.core.ids import parse_id
from counsel.pathway.cases.dossier import CRISIS, RETURN, SAFETY, SUPERVISION, FormKind
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.pages import draft_number, edit_page, writable
from counsel.pathway.cases.services import find_case
from counsel.pathway.intake.informing import record_told, settle_what_fell, still_owed, told_in
from counsel.pathway.safety.forms import (
    OUTCOME_WORDS,
    WHOM_WORDS,
    CrisisForm,
    ReturnForm,
    SafetyPlanForm,
    SupervisionForm,
    ToldForm,
)
from counsel.pathway.safety.services import (
    newest_of,
    said_before,
    write_crisis,
    write_return,
    write_safety_plan,
    write_supervision,
)
from counsel.risk.cards import count_cards, read_cards
from counsel.tasks.services import tasks_about
from counsel.web.page import go, page, whole

blueprint = Blueprint("safety", __name__)
ON = Permission.CASE_FOLLOW_UP  # danger is found after the end too


def _watched_over(db: Session, actor: SignedIn, case: str) -> Case:
    return find_case(db, actor=actor, case_id=parse_id(case), permission=ON, danger=True)


def _edit(db: Session, actor: SignedIn, case: Case, kind: FormKind, form: Any, write: Any, task: str = "") -> Any:
    """Answer one request about a form that a case may have several of: a further one when its task waits, else the newest."""
    newest, signed = newest_of(db, case, kind.code)
    due = bool(task) and tasks_about(db, case.case_id, (task,)) != []
    number = newest + 1 if due and signed else draft_number(newest, signed, whole(request.args.get("number", "")))
    save = partial(write, db, actor=actor, case=case, number=number)
    start = partial(said_before, db, actor=actor, case=case) if kind is CRISIS else dict
    return edit_page(db, actor, case, kind, form, "sessions/form.html", save, number, start)


@page(blueprint, "/cases/<case>/crisis", ON, ("GET", "POST"))
def crisis(db: Session, actor: SignedIn, case: str) -> Any:
    """F07."""
    return _edit(db, actor, _watched_over(db, actor, case), CRISIS, CrisisForm, write_crisis, "report")


@page(blueprint, "/cases/<case>/safety-plan", ON, ("GET", "POST"))
def safety_plan(db: Session, actor: SignedIn, case: str) -> Any:
    """The safety plan, on a page both look at."""
    return _edit(db, actor, _watched_over(db, actor, case), SAFETY, SafetyPlanForm, write_safety_plan)


@page(blueprint, "/cases/<case>/supervision", ON, ("GET", "POST"))
def supervision(db: Session, actor: SignedIn, case: str) -> Any:
    """F21: what a supervisor was asked about this case, and what was agreed."""
    return _edit(db, actor, _watched_over(db, actor, case), SUPERVISION, SupervisionForm, write_supervision, "supervise")


@page(blueprint, "/cases/<case>/return", Permission.CASE_WRITE, ("GET", "POST"))
def back_to_school(db: Session, actor: SignedIn, case: str) -> Any:
    """Back to school after a crisis."""
    return _edit(db, actor, writable(db, actor, case), RETURN, ReturnForm, write_return)


@page(blueprint, "/cases/<case>/told", ON, ("GET", "POST"))
def told(db: Session, actor: SignedIn, case: str) -> Any:
    """Who must be told since the level rose, and what was recorded about it."""
    found = _watched_over(db, actor, case)
    form = ToldForm()
    if request.method == "POST" and form.validate():
        said = {"whom": form.whom.data, "outcome": form.outcome.data, "words": form.words.data}
        try:
            record_told(db, actor=actor, case=found, **said)
        except InvalidError as error:
            form.take(error)
        else:
            flash(_("Recorded."))
            return go(request.path)
    settle_what_fell(db, actor=actor, case=found)
    place: dict[str, Any] = {"owed": still_owed(db, actor=actor, case=found), "before": told_in(db, actor=actor, case=found)}
    place |= {"whom_words": WHOM_WORDS, "outcome_words": OUTCOME_WORDS}
    return render_template("safety/told.html", case=found, form=form, **place), 422 if form.errors else 200


@page(blueprint, "/duty/cards", Permission.SAFETY_READ, ("GET", "POST"))
def cards(db: Session, actor: SignedIn) -> Any:
    """Safety cards: how many there are; opened on a press, each opening on record."""
    require(db, actor, Permission.SAFETY_READ)
    opened = read_cards(db, actor=actor) if request.method == "POST" else None
    return render_template("safety/cards.html", opened=opened, count=count_cards(db, actor=actor))
