"""Form F06: the session note as DAP or SOAP."""

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, RadioField, SelectField
from wtforms.validators import InputRequired, NumberRange

from counsel.web.forms import Form, line, options, text
from counsel.web.shell import MODE_WORDS


class NoteForm(Form):
    """F06. Which parts are needed depends on the format; the service says so."""

    format = RadioField(_l("Format"), choices=options([("dap", "DAP"), ("soap", "SOAP")]), default="dap", validate_choice=False)
    data = text(_l("Data: said and seen"), rows=5)
    subjective = text(_l("Subjective: as the client tells it"), rows=4)
    objective = text(_l("Objective: what could be seen"), rows=4)
    assessment = text(_l("Assessment: how I understand it"), rows=4)
    plan = text(_l("Plan: what comes next"), rows=3)
    homework = line(_l("Homework"), most=300, needed=False)
    goal_rating = line(_l("Goal progress, 0 to 10"), most=2, needed=False)


class BeginForm(Form):
    """A session begins."""

    mode = SelectField(_l("How"), choices=options(list(MODE_WORDS.items())))
    minutes = IntegerField(_l("Minutes"), default=50, validators=[InputRequired(), NumberRange(5, 600)])
