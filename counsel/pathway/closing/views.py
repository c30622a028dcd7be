"""Views of the end: report, evaluation, follow-up agreed, the closing arrows; and the director's own arrows."""

from functools import partial
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import InvalidError
from counsel.core.ids import parse_id
from counsel.pathway.assessment.services import read_results
from counsel.pathway.cases.dossier import CLOSING, EVALUATION, FormKind
from counsel.pathway.cases.lifecycle import COUNSELLOR, DIRECTOR
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.pages import Save, back_to, edit_page, typed_day, writable
from counsel.pathway.closing.evaluation import (
    MARKS,
    client_marks,
    ending_number,
    evaluation_of,
    rate,
    waive_evaluation,
    words_before,
    write_evaluation,
)
from counsel.pathway.closing.forms import (
    MARK_WORDS,
    REASON_WORDS,
    WAIVER_WORDS,
    ClosingForm,
    EvaluationForm,
    FollowUpAgreementForm,
)
from counsel.pathway.closing.services import (
    agree_follow_ups,
    begin_follow_up,
    case_for_director,
    close_case,
    close_for_leaving,
    closing_state,
    end_counselling,
    follow_ups_of,
    send_last_letter,
    void_case,
    write_report,
)
from counsel.pathway.referral.forms import TRANSFER_WORDS
from counsel.pathway.referral.transfer import ask_transfer, choose_receiver, refuse_transfer
from counsel.people.staff import counsellors
from counsel.web.forms import clean
from counsel.web.page import go, page, whole

blueprint = Blueprint("closing", __name__)
WRITE = Permission.CASE_WRITE


@page(blueprint, "/cases/<case>/closing", WRITE)
def closing(db: Session, actor: SignedIn, case: str) -> Any:
    """What is there for an end, and what is still missing."""
    found = writable(db, actor, case)
    return render_template(
        "closing/closing.html",
        case=found,
        ready=closing_state(db, actor=actor, case=found),
        evaluation=evaluation_of(db, found),
        marks=client_marks(db, actor=actor, case=found),
        mark_words=MARK_WORDS,
        follow_ups=follow_ups_of(db, found),
        agree=FollowUpAgreementForm(formdata=None),
        reasons=REASON_WORDS,
        waivers=WAIVER_WORDS,
    )


@page(blueprint, "/cases/<case>/end", WRITE, ("POST",))
def act(db: Session, actor: SignedIn, case: str) -> Any:
    """T19 to T22 and the steps between: one button each."""
    found = writable(db, actor, case)
    what = request.form.get("act", "")
    if what == "end":
        end_counselling(db, actor=actor, case=found, asked_by=request.form.get("by", COUNSELLOR))
        return go(url_for("closing.closing", case=found.case_id))
    if what == "waive":
        waive_evaluation(db, actor=actor, case=found, reason=request.form.get("reason", ""))
    elif what == "letter":
        send_last_letter(db, actor=actor, case=found)
        flash(_("The last kind message stands on the client's page: the door stays open."))
    elif what == "follow_up":
        begin_follow_up(db, actor=actor, case=found)
        return back_to(found)
    elif what == "close":
        close_case(db, actor=actor, case=found, reason=request.form.get("reason", ""))
        flash(_("Closed. It can be read, and no longer written."))
        return go(url_for("home.cases"))
    return go(url_for("closing.closing", case=found.case_id))


@page(blueprint, "/cases/<case>/report", WRITE, ("GET", "POST"))
def report(db: Session, actor: SignedIn, case: str) -> Any:
    """F10."""
    found = writable(db, actor, case)

    save = partial(write_report, db, actor=actor, case=found)
    return _ending(db, actor, found, CLOSING, ClosingForm, save)


def _scores(db: Session, actor: SignedIn, case: Case) -> dict[str, str]:
    """Return of each instrument that was used twice its first and its last score, as F11 begins with them."""
    first: dict[str, Any] = {}
    lines: dict[str, str] = {}
    for row in read_results(db, actor=actor, case=case):
        code, then = str(row["instrument"]), first.setdefault(str(row["instrument"]), row)
        if then is not row:
            lines[code] = f"{row['title']}: {then['score']} ({then['on']}) → {row['score']} ({row['on']})"
    return {"before_after": "\n".join(lines.values())} if lines else {}


def _ending(db: Session, actor: SignedIn, found: Case, kind: FormKind, form: Any, save: Save) -> Any:
    def before() -> dict[str, Any]:
        """Nothing is asked twice: what the last one said, and for F11 the scores that are there."""
        scores = _scores(db, actor, found) if kind is EVALUATION else {}
        return {**words_before(db, actor=actor, case=found, kind=kind), **scores}

    return edit_page(db, actor, found, kind, form, "sessions/form.html", save, ending_number(db, found), before)


@page(blueprint, "/cases/<case>/evaluation", WRITE, ("GET", "POST"))
def evaluation(db: Session, actor: SignedIn, case: str) -> Any:
    """F11, the counsellor's part."""
    found = writable(db, actor, case)

    save = partial(write_evaluation, db, actor=actor, case=found)
    return _ending(db, actor, found, EVALUATION, EvaluationForm, save)


@page(blueprint, "/cases/<case>/marks", WRITE, ("POST",))
def marks(db: Session, actor: SignedIn, case: str) -> Any:
    """Enter what the client says by telephone or wrote on paper."""
    found = writable(db, actor, case)
    given = {name: whole(request.form.get(name, "")) or 0 for name in MARKS}
    place = {"way": request.form.get("way", ""), "sheet_place": clean(request.form.get("sheet_place"))}
    rate(db, actor=actor, case=found, marks=given, words=clean(request.form.get("words")), **place)
    flash(_("Recorded. Thank you."))
    return go(url_for("closing.closing", case=found.case_id))


@page(blueprint, "/cases/<case>/follow-ups", WRITE, ("POST",))
def agree(db: Session, actor: SignedIn, case: str) -> Any:
    """Agree when and how to ask later, or that nobody asks."""
    found = writable(db, actor, case)
    days = [day for day in (typed_day("first"), typed_day("second")) if day is not None]
    place = {"contact": clean(request.form.get("contact")), "when": clean(request.form.get("when"))}
    consent = request.form.get("consent") == "yes"
    if not consent and (request.form.get("consent") != "no" or days):  # nobody declines by a field that was left open
        raise InvalidError(consent="choose_one")
    agree_follow_ups(db, actor=actor, case=found, days=days if consent else [], consent=consent, **place)
    flash(_("Agreed."))
    return go(url_for("closing.closing", case=found.case_id))


@page(blueprint, "/direct", Permission.CASE_DIRECT, ("GET", "POST"))
def direct(db: Session, actor: SignedIn) -> Any:
    """The director's arrows, by number: who takes over, void, left school. Nothing of the case is opened."""
    if request.method == "POST":
        found = case_for_director(db, actor=actor, number=whole(request.form.get("number", "")) or 0)
        _direct(db, actor, found)
        flash(_("Done."))
        return go(url_for("closing.direct"))
    place = {"people": counsellors(db), "reasons": TRANSFER_WORDS}
    return render_template("closing/direct.html", **place)


def _direct(db: Session, actor: SignedIn, found: Any) -> None:
    what, reason = request.form.get("act", ""), request.form.get("reason", "")
    to = parse_id(request.form.get("to", ""))
    if what == "order":
        ask_transfer(db, actor=actor, case=found, by=DIRECTOR, reason=reason, to=to)
    elif what == "assign":
        if to is None:
            raise InvalidError(to="same_person")
        choose_receiver(db, actor=actor, case=found, to=to)
    elif what == "refuse":
        refuse_transfer(db, actor=actor, case=found, reason=reason)
    elif what == "void":
        void_case(db, actor=actor, case=found, reason=reason)
    elif what in ("left_school", "deceased"):
        close_for_leaving(db, actor=actor, case=found, close_reason=what, reason=reason)
    else:
        raise InvalidError(act="unknown")
