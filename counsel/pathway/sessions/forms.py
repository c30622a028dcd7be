"""Form F06: the session note as DAP, SOAP or BIRP; homework; the beginning of a session."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, IntegerField, RadioField, SelectField, TimeField
from wtforms.validators import InputRequired, NumberRange
from wtforms.validators import Optional as MayBeEmpty

from counsel.pathway.sessions.homework import LONGEST_TASK
from counsel.pathway.sessions.models import FORMS
from counsel.web.forms import Form, line, options, text
from counsel.web.shell import MODE_WORDS

FORMATS = [("dap", "DAP"), ("soap", "SOAP"), ("birp", "BIRP")]


class NoteForm(Form):
    """F06. Which parts are needed depends on the format; the service says so."""

    format = RadioField(_l("Format"), choices=options(FORMATS), default="dap", validate_choice=False)
    data = text(_l("Data: said and seen"), rows=5)
    subjective = text(_l("Subjective: as the client tells it"), rows=4)
    objective = text(_l("Objective: what could be seen"), rows=4)
    behaviour = text(_l("Behaviour: what the client did and said"), rows=4)
    intervention = text(_l("Intervention: what I did"), rows=3)
    response = text(_l("Response: what came of it"), rows=3)
    assessment = text(_l("Assessment: how I understand it"), rows=4)
    plan = text(_l("Plan: what comes next"), rows=3)
    method = line(_l("Way of working used"), most=120, needed=False)
    training = text(_l("Exercises practised"), rows=2)
    goal_rating = line(_l("Goal progress, 0 to 10"), most=2, needed=False)
    next_on = line(_l("Next time"), most=60, needed=False, hint=_l("A day, or that none is agreed."))


class BeginForm(Form):
    """A session begins."""

    mode = SelectField(_l("How"), choices=options([(form, MODE_WORDS[form]) for form in FORMS]))
    begun = TimeField(_l("Began at"), validators=[InputRequired()])
    minutes = IntegerField(_l("Minutes"), default=50, validators=[InputRequired(), NumberRange(5, 600)])
    crisis = BooleanField(_l("A crisis, outside the set hours"))


HOMEWORK_WORDS = {
    "given": _l("not answered yet"),
    "done": _l("done"),
    "not_done": _l("it was not done"),
    "declined": _l("declined"),
}


class HomeworkForm(Form):
    """A task until next time."""

    task = line(_l("Task"), most=LONGEST_TASK)
    due_on = DateField(_l("Until"), validators=[MayBeEmpty()])
