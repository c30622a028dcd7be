"""Views of follow-up: hold one, note that it is declined, end quietly."""

from functools import partial
from typing import Any

from flask import Blueprint, flash, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.gate import refuse
from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.ids import parse_id
from counsel.pathway.cases.dossier import FOLLOW_UP
from counsel.pathway.cases.pages import back_to, edit_page
from counsel.pathway.cases.services import find_case
from counsel.pathway.closing.forms import FollowUpForm
from counsel.pathway.closing.services import follow_ups_of
from counsel.pathway.followup.services import agreed_contact, decline_follow_up, finish, write_follow_up
from counsel.web.page import go, page

blueprint = Blueprint("followup", __name__)
FOLLOW_UP_ON = Permission.CASE_FOLLOW_UP


@page(blueprint, "/cases/<case>/follow-up/<int(max=9999):number>", FOLLOW_UP_ON, ("GET", "POST"))
def follow_up(db: Session, actor: SignedIn, case: str, number: int) -> Any:
    """F12."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=FOLLOW_UP_ON)
    if not any(row.number == number and row.state != "declined" for row in follow_ups_of(db, found)):
        refuse(db, actor, FOLLOW_UP_ON, found.case_id)

    save = partial(write_follow_up, db, actor=actor, case=found, number=number)
    agreed = partial(agreed_contact, db, actor=actor, case=found)
    return edit_page(db, actor, found, FOLLOW_UP, FollowUpForm, "sessions/form.html", save, number, agreed)


@page(blueprint, "/cases/<case>/follow-up", FOLLOW_UP_ON, ("POST",))
def act(db: Session, actor: SignedIn, case: str) -> Any:
    """Declined, or all settled: T23."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=FOLLOW_UP_ON)
    number = request.form.get("decline", "")
    if number.isdecimal():
        decline_follow_up(db, actor=actor, case=found, number=int(number[:3]))
        flash(_("Noted; nobody asks."))
        return back_to(found)
    finish(db, actor=actor, case=found)
    flash(_("Closed as completed."))
    return go(url_for("home.cases"))
