"""Forms of danger: the crisis record, and the plan the client takes along."""

from flask_babel import lazy_gettext as _l
from wtforms import SelectField

from counsel.web.forms import Form, day, line, options, text

WHOM_WORDS = {"guardian": _l("guardian"), "leader": _l("school leader")}
OUTCOME_WORDS = {
    "told": _l("told, the least that safety needs"),
    "not_reached": _l("not reached; tried again"),
    "withheld": _l("not told, for a reason that a second person signs"),
}


class CrisisForm(Form):
    """F07: what was found, what was done, who stays, when it is looked at again."""

    found = text(_l("Found when, by whom and how"), rows=2)
    risk_factors = text(_l("What makes it more dangerous"), rows=2)
    protective = text(_l("What holds, and who is trusted"), rows=2)
    why = text(_l("Why this level"), rows=2)
    measures = text(_l("What has been done: means removed, who was fetched, hospital"), rows=3)
    notified = text(_l("Who was told what, and when"), rows=2)
    who_stays = line(_l("Who stays with the client, until when"), most=200, needed=False)
    next_review = line(_l("When it is looked at again"), most=80, needed=False)
    duty_needs = text(
        _l("For duty at night: what to know and to do"),
        rows=3,
        hint=_l("Goes on the card; nothing of what was told in sessions."),
    )
    reach = line(_l("How the client can be reached safely"), most=120, needed=False)
    unasked = text(_l("If the risk questions could not be asked: why"), rows=2)
    unplanned = text(_l("If there is no safety plan yet: why, and who writes it when"), rows=2)


class SafetyPlanForm(Form):
    """The plan of a client in danger, in the own words; the client reads and prints it."""

    signs = text(_l("How I notice that it begins"), rows=2)
    own_steps = text(_l("What I can do myself"), rows=3)
    people = text(_l("People and places that take my mind off it"), rows=2)
    helpers = text(_l("Whom I tell, and their numbers"), rows=2)
    professionals = text(_l("Where I find help at any hour"), rows=2)
    means = text(_l("What is put away, and by whom"), rows=2)
    reasons = text(_l("What I stay for"), rows=2)


class SupervisionForm(Form):
    """F21, about one case: what a supervisor was asked and what was agreed; without the client's name."""

    with_whom = line(_l("With whom"), most=80, needed=False)
    on_date = day(_l("On which day"))
    question = text(_l("What was asked"), rows=3, hint=_l("As little about the client as the question needs, and no name."))
    agreed = text(_l("What was agreed"), rows=3)
    risk_points = text(_l("What to watch for"), rows=2)
    next_step = line(_l("When it is spoken about again"), most=80, needed=False)


class ReturnForm(Form):
    """Back to school after a crisis: what comes before it, and what carries the first months (domain §3.8)."""

    opinion = text(_l("What the hospital's paper says, in quotation marks"), rows=2)
    sheet_place = line(_l("Where the paper lies"), most=80, needed=False)
    guardian_met = line(_l("Guardian met: when, and who was there"), most=120, needed=False)
    interviewed_on = day(_l("Re-entry talk on"))
    found = text(_l("How the client is now"), rows=3)
    class_load = SelectField(
        _l("Advice about the class load"),
        choices=options([("", _l("none asked")), ("fit", _l("can be talked about now")), ("not_yet", _l("not yet"))]),
        description=_l("Leave from school and return to it are decided by the school; the centre says nothing else."),
    )
    contact_plan = text(_l("Who is reached how in the first weeks"), rows=3)
    classmates = text(
        _l("What classmates hear"),
        rows=2,
        hint=_l("The client decides it. In the client's own words, nothing is also an answer."),
    )
    teacher_lines = text(_l("For the class teacher, five lines at most: do and do not"), rows=5)


class ToldForm(Form):
    """Who was told when a level rose, or why not."""

    whom = SelectField(_l("Whom"), choices=options(WHOM_WORDS.items()))
    outcome = SelectField(_l("What came of it"), choices=options(OUTCOME_WORDS.items()))
    words = text(_l("When, how and what; or why not"), rows=3, needed=True)
