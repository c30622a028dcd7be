"""Form F05: what both sides agree, point by point."""

from flask_babel import lazy_gettext as _l

from counsel.web.forms import Form, line, text

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
