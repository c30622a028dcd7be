"""Forms of danger: the crisis record, and the plan the client takes along."""

from flask_babel import lazy_gettext as _l

from counsel.web.forms import Form, line, text


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


class SafetyPlanForm(Form):
    """The plan of a client in danger, in the own words; the client reads and prints it."""

    signs = text(_l("How I notice that it begins"), rows=2)
    own_steps = text(_l("What I can do myself"), rows=3)
    people = text(_l("People and places that take my mind off it"), rows=2)
    helpers = text(_l("Whom I tell, and their numbers"), rows=2)
    professionals = text(_l("Where I find help at any hour"), rows=2)
    means = text(_l("What is put away, and by whom"), rows=2)
    reasons = text(_l("What I stay for"), rows=2)
