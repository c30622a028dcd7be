"""Views of referral, hand-over, pause, tries, second reader."""

from functools import partial
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import InvalidError
from counsel.core.ids import parse_id
from counsel.pathway.cases.dossier import HAND_OVER, REFERRAL, read_form
from counsel.pathway.cases.lifecycle import COUNSELLOR
from counsel.pathway.cases.pages import back_to, edit_page, typed_day, writable
from counsel.pathway.cases.services import find_case
from counsel.pathway.referral.conflicts import declare_relationship
from counsel.pathway.referral.forms import NOTHING_HEARD, FeedbackForm, HandOverForm, ReferralForm
from counsel.pathway.referral.services import (
    ask_return,
    hold,
    next_referral,
    recommended,
    record_feedback,
    record_try,
    refer_medically,
    referrals_of,
    resume,
    return_from_doctor,
    write_referral,
)
from counsel.pathway.referral.transfer import (
    accept_transfer,
    add_second_reader,
    ask_transfer,
    end_second_reader,
    give_key,
    hand_over_number,
    incoming,
    key_given,
    write_hand_over,
)
from counsel.web.forms import clean
from counsel.web.page import go, page

blueprint = Blueprint("referral", __name__)
WRITE, FOLLOW = Permission.CASE_WRITE, Permission.CASE_FOLLOW_UP


@page(blueprint, "/cases/<case>/referral", WRITE, ("GET", "POST"))
def refer(db: Session, actor: SignedIn, case: str) -> Any:
    """F08: written advice with its receipt."""
    found = writable(db, actor, case)
    number = next_referral(db, found)

    save = partial(write_referral, db, actor=actor, case=found, number=number)
    start = partial(recommended, db, actor=actor, case=found)
    return edit_page(db, actor, found, REFERRAL, ReferralForm, "sessions/form.html", save, number, start)


@page(blueprint, "/cases/<case>/refer", WRITE, ("POST",))
def act(db: Session, actor: SignedIn, case: str) -> Any:
    """T10, T11, T17 and back, a try to reach somebody: one button each."""
    found = writable(db, actor, case)
    what, reason = request.form.get("act", ""), request.form.get("reason", "")
    if what == "doctor":
        refer_medically(db, actor=actor, case=found)
    elif what == "return":
        return_from_doctor(db, actor=actor, case=found, to=request.form.get("to", ""))
    elif what == "ask_return":
        ask_return(db, actor=actor, case=found, reason=clean(reason))
        flash(_("Asked. It counts when the second signature has been given."))
    elif what == "hold":
        hold(db, actor=actor, case=found, resume_on=typed_day("resume_on"), reason=reason)
    elif what == "resume":
        resume(db, actor=actor, case=found)
    elif what == "try":
        record_try(db, actor=actor, case=found, way=request.form.get("way", ""))
        flash(_("Noted."))
    return back_to(found)


@page(blueprint, "/cases/<case>/feedback/<int(max=999):number>", FOLLOW, ("GET", "POST"))
def feedback(db: Session, actor: SignedIn, case: str, number: int) -> Any:
    """What came back from one referral, also after counselling has ended."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=FOLLOW)
    waiting = [row for row in referrals_of(db, found) if row.answered_on is None and row.number == number]
    form = FeedbackForm()
    if any(row.kind == "medical" for row in waiting):  # tracked until something is known (R7-11)
        form.source.choices = [one for one in form.source.choices if one.value != NOTHING_HEARD[0]]
    if form.validate_on_submit() and waiting:
        place = {"source": form.source.data, "text": form.text.data, "sheet_place": form.sheet_place.data or ""}
        try:
            record_feedback(db, actor=actor, case=found, number=number, **place)
        except InvalidError as error:
            form.take(error)
        else:
            flash(_("Recorded. The referral is answered."))
            return back_to(found)
    return render_template("referral/feedback.html", form=form, case=found, waiting=waiting), 422 if form.errors else 200


@page(blueprint, "/cases/<case>/transfer", WRITE, ("POST",))
def transfer(db: Session, actor: SignedIn, case: str) -> Any:
    """T05, and handing the key over when everything is signed."""
    found = writable(db, actor, case)
    if request.form.get("act") == "key":
        give_key(db, actor=actor, case=found)
        flash(_("Handed over. The colleague reads the summary and accepts."))
        return back_to(found)
    to = parse_id(request.form.get("to", ""))
    ask_transfer(db, actor=actor, case=found, by=COUNSELLOR, reason=request.form.get("reason", ""), to=to)
    return back_to(found)


@page(blueprint, "/cases/<case>/hand-over", WRITE, ("GET", "POST"))
def hand_over(db: Session, actor: SignedIn, case: str) -> Any:
    """The summary, read with the client."""
    found = writable(db, actor, case)
    number = hand_over_number(db, found)

    save = partial(write_hand_over, db, actor=actor, case=found, number=number)
    return edit_page(db, actor, found, HAND_OVER, HandOverForm, "sessions/form.html", save, number)


@page(blueprint, "/incoming", Permission.CASE_LIST)
def arriving(db: Session, actor: SignedIn) -> Any:
    """Cases that colleagues hand over to me."""
    return render_template("referral/arriving.html", rows=incoming(db, actor=actor))


@page(blueprint, "/incoming/<case>", Permission.CASE_RECEIVE, ("GET", "POST"))
def take_over(db: Session, actor: SignedIn, case: str) -> Any:
    """Read the summary, declare, accept."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_RECEIVE)
    if request.method == "POST":
        accept_transfer(db, actor=actor, case=found, no_conflict=request.form.get("no_conflict") == "yes")
        flash(_("The case is yours. The colleague before can read it for a while and write no more."))
        return back_to(found)
    given, number = key_given(db, actor=actor, case=found), hand_over_number(db, found)
    content = read_form(db, actor=actor, case=found, kind=HAND_OVER, number=number).content if given else {}
    form = HandOverForm(formdata=None, data=dict(content))
    return render_template("referral/take_over.html", case=found, form=form)


@page(blueprint, "/cases/<case>/conflict", WRITE, ("POST",))
def conflict(db: Session, actor: SignedIn, case: str) -> Any:
    """Declare another relationship with the client or the family."""
    found = writable(db, actor, case)
    kind, reason = request.form.get("kind", ""), clean(request.form.get("reason"))
    if declare_relationship(db, actor=actor, case=found, kind=kind, reason=reason):
        flash(_("Declared. The case is handed over; the director chooses to whom."))
    else:
        flash(_("Declared. The director weighs it and signs, or chooses somebody else."))
    return back_to(found)


@page(blueprint, "/cases/<case>/readers", WRITE, ("POST",))
def readers(db: Session, actor: SignedIn, case: str) -> Any:
    """Add or end a second reader."""
    found = writable(db, actor, case)
    holder = parse_id(request.form.get("holder", ""))
    if holder is None:
        raise InvalidError(holder="same_person")
    if request.form.get("act") == "end":
        end_second_reader(db, actor=actor, case=found, holder_id=holder)
        flash(_("Ended. What is written from now on stays closed to the colleague."))
    else:
        add_second_reader(db, actor=actor, case=found, holder_id=holder)
        flash(_("Added. The client sees the name under “who can see my file”."))
    return go(url_for("home.case", case=found.case_id))
