"""Form F05: what both sides agree, point by point."""

from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField, SelectMultipleField
from wtforms.validators import Optional

from counsel.web.forms import Form, line, options, text

POINT_WORDS = {
    "order": _l("Which problem first"),
    "goals": _l("The goals"),
    "method": _l("The way of working"),
    "times": _l("How many sessions and how often"),
}


class PlanForm(Form):
    """F05."""

    problem_order = text(_l("Which problem first"), rows=2)
    goals = text(_l("Goals, in the student's own words"), rows=3)
    method = line(_l("Way of working"), most=120, needed=False)
    number = line(_l("About how many sessions"), most=20, needed=False)
    frequency = line(_l("How often"), most=40, needed=False)
    place = line(_l("Where and when"), most=120, needed=False)
    duties = text(_l("What each side does"), rows=2)
    homework = text(_l("Between sessions"), rows=2)
    progress = text(_l("How we see whether it helps"), rows=2)
    support = text(
        _l("Support: whom we thought of asking, and why or why not"),
        rows=2,
        hint=_l("Teachers and parents join only with the student's consent."),
    )
    disagreement = text(_l("What stays open between us"), rows=2)
    alternatives = text(_l("Other ways that were offered, and the open door"), rows=2)


REPLAN_WORDS = {
    "new_concern": _l("a new concern"),
    "no_progress": _l("no progress"),
    "client_wish": _l("the client's wish"),
    "risk": _l("risk"),
    "other": _l("something else"),
}
RELATION_WORDS = {
    "class_teacher": _l("class teacher or adviser"),
    "teacher": _l("teacher"),
    "parent": _l("parent or guardian"),
    "relative": _l("relative"),
    "friend": _l("friend"),
    "professional": _l("doctor or counsellor outside"),
    "other": _l("somebody else"),
}
SCOPE_WORDS = {
    "identity": _l("Name and class"),
    "concern": _l("That there is a concern for safety, and how grave"),
    "advice": _l("What to do, what not to do, whom to ring, until when"),
    "facts": _l("Facts that safety needs: means, time, place"),
    "summary": _l("The assessment in short"),
}


class SupportForm(Form):
    """A support contact: who, what for, what may be shared, until when; the client says yes to exactly this."""

    name = line(_l("Who, by name"), most=80, needed=False)
    relation = SelectField(_l("Who that is to the client"), choices=options(RELATION_WORDS.items()), validate_choice=False)
    purpose = text(_l("What for"), rows=2)
    scope = SelectMultipleField(_l("What may be shared"), choices=options(SCOPE_WORDS.items()), validate_choice=False)
    until = DateField(_l("Until"), validators=[Optional()])
    reach = line(_l("How to reach them"), most=80, needed=False)
