"""What every page's frame needs: rails per role, the words for roles and states, numbers to ring."""

from typing import Any

from flask import Flask, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import SQLAlchemyError

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.limits import LIMITS
from counsel.confidentiality.roles import Role
from counsel.outbox.notices import unread
from counsel.web.i18n import is_chinese
from counsel.web.page import database, present_actor

ROLE_WORDS = {
    Role.STUDENT: _l("student"),
    Role.GUARDIAN: _l("guardian"),
    Role.HEAD_TEACHER: _l("class teacher"),
    Role.COUNSELLOR: _l("counsellor"),
    Role.SUPERVISOR: _l("supervisor"),
    Role.DIRECTOR: _l("centre director"),
    Role.DUTY_MANAGER: _l("duty manager"),
    Role.FRONT_DESK: _l("front desk"),
    Role.ARCHIVIST: _l("archivist"),
    Role.SCHOOL_LEADER: _l("school leader"),
    Role.EXPERT: _l("advisory expert"),
    Role.SYSADMIN: _l("system administrator"),
}
STATE_WORDS = {
    "requested": _l("waiting for confirmation"),
    "confirmed": _l("confirmed"),
    "offered": _l("another time offered"),
    "checked_in": _l("arrived"),
    "completed": _l("held"),
    "forfeited": _l("too late"),
    "no_show": _l("did not come"),
    "cancelled_by_client": _l("cancelled"),
    "cancelled_by_centre": _l("cancelled by the centre"),
    "lapsed": _l("not confirmed in time"),
    "moved": _l("moved"),
}
MODE_WORDS = {
    "in_person": _l("in person"),
    "video": _l("by video"),
    "phone": _l("by phone"),
    "group": _l("in a group"),
    "letter": _l("by letter"),
    "online": _l("online, in writing"),
}
BOOKED_MODES = ("in_person", "video", "phone")
CASE_WORDS = {
    "intake": _l("Intake"),
    "assessment": _l("Assessment"),
    "planning": _l("Plan"),
    "counselling": _l("Sessions"),
    "on_hold": _l("On hold"),
    "transfer_pending": _l("Being handed over"),
    "referred_medical": _l("With a doctor"),
    "closing": _l("Closing"),
    "follow_up": _l("Follow-up"),
    "closed": _l("Closed"),
    "archived": _l("Archived"),
}
HALF_WORDS = {"morning": _l("morning"), "afternoon": _l("afternoon")}
TASK_WORDS = {
    "contact": _l("Reach somebody"),
    "review": _l("Read a message to the centre"),
    "countersign": _l("Sign as second person"),
    "report": _l("Report"),
    "hand_over": _l("Hand over"),
    "approve": _l("Say yes or no"),
    "look_back": _l("Look at it afterwards"),
    "inform": _l("Tell whom it concerns"),
    "supervise": _l("Supervision"),
    "answer": _l("Answer a question about the own file"),
}
_TODAY = ("home.today", "sun", _l("Today"))
_DESK = ("appointments.desk", "calendar3", _l("Day sheet"))
_CASES = ("home.cases", "journal-text", _l("Cases"))
_SEARCH = ("home.search", "search", _l("Search"))
_ARRIVING = ("referral.arriving", "arrow-left-right", _l("Handed over to me"))
_DIRECT = ("closing.direct", "signpost-split", _l("Cases by number"))
_INSTRUMENTS = ("assessment.approved", "clipboard-check", _l("Instruments"))
_DUTY = ("appointments.duty", "bell", _l("On duty"))
_WALK = ("appointments.walk_in", "person-plus", _l("Register"))
_STUDENTS = ("people.students", "people", _l("Students"))
_STAFF = ("people.staff", "person-badge", _l("Staff"))
_ROSTER = ("roster.week", "calendar-week", _l("Roster"))
_VISITS = ("roster.visit_log", "door-open", _l("In the rooms"))
_RULES = ("people.rules", "journal-check", _l("Codes and rules"))
_SETTINGS = ("home.settings", "sliders", _l("Settings"))
_HEALTH = ("home.health", "heart-pulse", _l("Health"))
_ROLL = ("people.roll", "upload", _l("Import tables"))
_TELL = ("disclosure.mine", "box-arrow-up-right", _l("Disclosures"))
_TOLD = ("disclosure.inbox", "envelope", _l("Told to you"))
_EVENT = ("reports.event", "megaphone", _l("Major events"))
_LEAD = ("reports.leadership", "megaphone", _l("For leadership"))
_ASKED = ("asked.asked", "chat-left-text", _l("Somebody asks"))
_OPENINGS = ("people.openings", "eye", _l("Openings"))
_HEAR = ("material.hearing", "mic", _l("Recordings"))
_ARCHIVE = ("archive.desk", "inbox", _l("Arrived"))
_CATALOGUE = ("archive.shelf", "archive", _l("Catalogue"))
_LENDING = ("archive.loans", "arrow-left-right", _l("Lending"))
_REGISTER = ("archive.lending_register", "journal-text", _l("Lending register"))
_NAMES = ("archive.names", "person-lines-fill", _l("Index of names"))
_INTEGRITY = ("archive.integrity", "patch-check", _l("Integrity check"))
_DEPUTIES = ("people.deputies", "people", _l("Deputies"))
_COUNSELLING = (_TODAY, _CASES, _SEARCH, _DUTY, _TELL, _EVENT)
RAILS: dict[Role, tuple[tuple[str, str, Any], ...]] = {
    Role.COUNSELLOR: (
        *_COUNSELLING,
        _ARRIVING,
        _HEAR,
        _LENDING,
        _WALK,
        _STUDENTS,
        _ASKED,
        _VISITS,
        _RULES,
    ),
    Role.DIRECTOR: (
        *_COUNSELLING,
        _DIRECT,
        _ROSTER,
        _VISITS,
        _STAFF,
        _STUDENTS,
        _HEAR,
        _LENDING,
        _OPENINGS,
        _DEPUTIES,
    ),
    Role.FRONT_DESK: (_TODAY, _WALK, _STUDENTS, _ASKED, _VISITS, _RULES),
    Role.DUTY_MANAGER: (_TODAY, _TOLD, _ASKED, _EVENT, _DEPUTIES, _RULES),
    Role.SCHOOL_LEADER: (_TODAY, _LEAD, _TOLD, _DEPUTIES, _RULES),
    Role.SUPERVISOR: (_TODAY, _TELL, _HEAR, _LENDING, _OPENINGS, _RULES),
    Role.ARCHIVIST: (_ARCHIVE, _REGISTER, _CATALOGUE, _NAMES, _INTEGRITY, _RULES),
    Role.SYSADMIN: (_TODAY, _STAFF, _ROLL, _SETTINGS, _HEALTH, _RULES),
    Role.HEAD_TEACHER: (_TODAY, ("appointments.concern", "chat-left-text", _l("Raise a concern")), _TOLD, _ASKED, _RULES),
}
ICONS = {icon for rail in RAILS.values() for _endpoint, icon, _word in rail} | {
    "house",
    "calendar3",
    "clock",
    "shield-lock",
}


def rail_of(role: Role) -> tuple[tuple[str, str, Any], ...]:
    """Return the entries of a role's rail."""
    return RAILS.get(role, (_TODAY, _RULES))


def _unread(person: SignedIn | None) -> int:
    """Return how many notices are unread; an error page must come even when the database does not answer."""
    if person is None or person.room:
        return 0
    try:
        return unread(database(), person.holder_id)
    except SQLAlchemyError:
        database().rollback()
        return 0


def init(app: Flask) -> None:
    """Give every template its frame."""

    @app.context_processor
    def frame() -> dict[str, Any]:
        """Who looks, in which language, and what stands in the frame."""
        person = present_actor()
        return {
            "actor": person,
            "unread": _unread(person),
            "lang_code": "zh-CN" if is_chinese() else "en",
            "other_language": ("en", "English") if is_chinese() else ("zh_Hans_CN", "中文"),
            "school": app.config["SETTINGS"].school_name if is_chinese() else app.config["SETTINGS"].school_name_en,
            "settings": app.config["SETTINGS"],
            "is_demo": app.config["IS_DEMO"],
            "rail_of": rail_of,
            "here": request.endpoint,
            "limits": [(limit.code, _(limit.title), _(limit.meaning)) for limit in LIMITS],
            "words": {
                "role": ROLE_WORDS,
                "state": STATE_WORDS,
                "mode": MODE_WORDS,
                "booked": [(mode, MODE_WORDS[mode]) for mode in BOOKED_MODES],
                "case": CASE_WORDS,
                "half": HALF_WORDS,
                "task": TASK_WORDS,
            },
            "risk_words": [_("none"), _("low"), _("moderate"), _("high"), _("imminent")],
        }
