"""What waits for me; and, for the administrator, messages that could not be sent."""

from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import ngettext
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.home.views import blueprint
from counsel.outbox.notices import mark_read, notices_of
from counsel.outbox.services import try_dead_again
from counsel.web.page import go, page, whole

NOTICE_PLACES = {
    "time_confirmed": "appointments.mine",
    "time_offered": "appointments.mine",
    "time_cancelled": "appointments.mine",
    "form_waits": "home.file",
    "signature_given": "home.cases",
    "case_arrives": "referral.arriving",
    "task_overdue": "home.today",
    "level_raised": "safety.cards",
    "conflict_found": "closing.direct",
    "question_asked": "safeguarding.waiting",
    "answered": "safeguarding.mine",
    "package": "disclosure.inbox",
    "approve": "disclosure.mine",
    "decided": "disclosure.mine",
    "look_back": "disclosure.mine",
    "told": "disclosure.about_me",
    "event": "reports.leadership",
    "pattern": "people.openings",
    "recording": "material.hearing",
    "volume": "archive.desk",
    "loan": "archive.loans",
}


@page(blueprint, "/health/outbox", Permission.OUTBOX_RETRY, ("POST",))
def send_again(db: Session, actor: SignedIn) -> Any:
    """Let dead messages be tried again."""
    again = try_dead_again(db)
    flash(ngettext("%(num)d message waits again.", "%(num)d messages wait again.", again))
    return go(url_for("home.health"))


@page(blueprint, "/notices", Permission.HOME, ("GET", "POST"))
def notices(db: Session, actor: SignedIn) -> Any:
    """What waits for me, and how much of it is unread."""
    if request.method == "POST":
        mark_read(db, actor.holder_id, whole(request.form.get("up_to", "")) or 0)
        return go(url_for("home.notices"))
    places = NOTICE_PLACES if actor.role is Role.SCHOOL_LEADER else {**NOTICE_PLACES, "event": "reports.event"}
    if actor.role is not Role.ARCHIVIST:
        places = {**places, "volume": "archive.mine"}
    else:
        places = {**places, "loan": "archive.desk"}
    return render_template("home/notices.html", rows=notices_of(db, actor.holder_id), places=places)
