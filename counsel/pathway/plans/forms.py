"""Form F05 in its short form."""

from flask_babel import lazy_gettext as _l
from wtforms import RadioField

from counsel.web.forms import Form, line, options, text

HOW_WORDS = [
    ("own_sign_in", _l("By the client's own sign-in")),
    ("in_room", _l("In the room, on this screen")),
    ("by_phone", _l("By telephone")),
    ("on_paper", _l("On paper")),
]


class PlanForm(Form):
    """F05: what both sides agree."""

    problem_order = text(_l("Which problem first"), rows=2)
    goals = text(_l("Goals, in the student's own words"), rows=3)
    method = line(_l("Way of working"), most=120, needed=False)
    number = line(_l("About how many sessions"), most=20, needed=False)
    frequency = line(_l("How often"), most=40, needed=False)
    homework = text(_l("Between sessions"), rows=2)
    disagreement = text(_l("What stays open between us"), rows=2)
    agreed = RadioField(
        _l("Do both sides agree?"), choices=options([("yes", _l("Yes")), ("no", _l("No"))]), validate_choice=False
    )
    how = RadioField(_l("How the client agreed"), choices=options(HOW_WORDS), validate_choice=False)
