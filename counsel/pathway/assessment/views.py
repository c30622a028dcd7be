"""Views of the assessment: F04, test results, the approved instruments."""

from functools import partial
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import InvalidError
from counsel.core.ids import parse_id
from counsel.core.words import N_
from counsel.pathway.assessment.criteria import referral_score, suggestion
from counsel.pathway.assessment.forms import SEVERITY_WORDS, AssessmentForm, InstrumentForm, ResultForm
from counsel.pathway.assessment.services import (
    approve_instrument,
    assessments_of,
    finish_assessment,
    instruments,
    read_results,
    record_result,
    write_assessment,
)
from counsel.pathway.cases.dossier import ASSESSMENT
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.pages import as_before, back_to, draft_number, edit_page, writable
from counsel.web.forms import options
from counsel.web.page import go, page, whole

blueprint = Blueprint("assessment", __name__)
WRITE = Permission.CASE_WRITE
CLOSE = ("close_person", "close_person_consent")
AGAIN = ("severity", "severity_reason", "medical_advice", *CLOSE)  # judged and asked anew each time


@page(blueprint, "/cases/<case>/assessment", WRITE, ("GET", "POST"))
def assess(db: Session, actor: SignedIn, case: str) -> Any:
    """F04: criteria with the suggestion beside the choice, problems, basis, causes."""
    found = writable(db, actor, case)
    number = draft_number(assessments_of(db, found), True, whole(request.args.get("number", "")))

    save = partial(write_assessment, db, actor=actor, case=found, number=number)
    if request.method == "POST" and request.form.get("do") == "suggest":
        form = AssessmentForm()
        code = suggestion({field.name: field.data for field in form})
        return render_template("assessment/suggested.html", code=code, word=SEVERITY_WORDS[code])
    before = partial(as_before, db, actor, found, ASSESSMENT, AssessmentForm, number, AGAIN)
    return edit_page(db, actor, found, ASSESSMENT, AssessmentForm, "assessment/assess.html", save, number, before)


@page(blueprint, "/cases/<case>/results", WRITE, ("GET", "POST"))
def results(db: Session, actor: SignedIn, case: str) -> Any:
    """Test results: enter by hand, and those there are."""
    found, form = writable(db, actor, case), _entry(db)
    if form.validate_on_submit():
        place = {"answers": form.answers.data, "score": form.score.data, "on_date": form.on_date.data}
        try:
            record_result(db, actor=actor, case=found, instrument_id=parse_id(form.instrument.data or ""), **place)
        except InvalidError as error:
            form.take(error)
        else:
            flash(_("Entered and sealed."))
            return go(url_for("assessment.results", case=found.case_id))
    return _shown(db, actor, found, form), 422 if form.errors else 200


def _entry(db: Session) -> ResultForm:
    """Return the form a result is entered with, its instruments those that are approved."""
    form, said = ResultForm(), N_("%(title)s, version %(version)s")
    form.instrument.choices = options(
        [(row.instrument_id.hex, _(said, title=row.title, version=row.version)) for row in instruments(db)]
    )
    return form


def _shown(db: Session, actor: SignedIn, case: Case, form: ResultForm, problem: str = "") -> str:
    rows = read_results(db, actor=actor, case=case)
    return render_template("assessment/results.html", form=form, case=case, rows=rows, problem=problem)


@page(blueprint, "/cases/<case>/score", WRITE, ("POST",))
def score(db: Session, actor: SignedIn, case: str) -> Any:
    """The referral score of three criteria: an aid, no diagnosis."""
    found = writable(db, actor, case)
    months, *marks = (whole(request.form.get(name, "")) for name in ("months", "distress_mark", "function_mark"))
    if months is None or any(mark not in (1, 2, 3) for mark in marks):
        problem = _("Fill in all three: the months, and 1, 2 or 3 for both others. Nothing was added up.")
        return _shown(db, actor, found, _entry(db), problem), 422
    total, says = referral_score(min(months, 600), *marks)  # type: ignore[arg-type]
    words = {"no": _("no referral from this score"), "doubtful": _("doubtful"), "strong": _("a referral is strongly suggested")}
    flash(_("Score %(total)d: %(says)s. An aid, no diagnosis.", total=total, says=words[says]))
    return go(url_for("assessment.assess", case=found.case_id))


@page(blueprint, "/cases/<case>/assessed", WRITE, ("POST",))
def finish(db: Session, actor: SignedIn, case: str) -> Any:
    """T09."""
    found = writable(db, actor, case)
    finish_assessment(db, actor=actor, case=found)
    return back_to(found)


@page(blueprint, "/instruments", Permission.CREDENTIAL_RECORD, ("GET", "POST"))
def approved(db: Session, actor: SignedIn) -> Any:
    """The approved instruments, and approving one more."""
    form = InstrumentForm()
    if form.validate_on_submit():
        fields = {name: value for name, value in form.data.items() if name != "csrf_token"}
        try:
            approve_instrument(db, actor=actor, **fields)
        except InvalidError as error:
            form.take(error)
        else:
            flash(_("Approved."))
            return go(url_for("assessment.approved"))
    return render_template("assessment/approved.html", form=form, rows=instruments(db)), 422 if form.errors else 200
