"""Forms of the roster."""

from flask_babel import lazy_gettext as _l
from wtforms import SelectField
from wtforms.fields import TimeField
from wtforms.validators import InputRequired

from counsel.web.forms import Form, line, options

VISITOR_WORDS = {
    "colleague": _l("a colleague"),
    "family": _l("a parent or another relative"),
    "repair": _l("cleaning or repair"),
    "inspection": _l("an inspection"),
    "other": _l("somebody else"),
}


class RoomForm(Form):
    """A room."""

    name = line(_l("Room"), most=40)
    place = line(_l("Where it is"), most=80, needed=False)


class HoursForm(Form):
    """Weekly hours."""

    holder = SelectField(_l("Counsellor"), choices=[])
    weekday = SelectField(_l("Day"), choices=[])
    start = TimeField(_l("From"), validators=[InputRequired(_l("Fill this in."))])
    end = TimeField(_l("Until"), validators=[InputRequired(_l("Fill this in."))])
    room = SelectField(_l("Room"), choices=[])


class VisitForm(Form):
    """Somebody goes into a room."""

    room = SelectField(_l("Room"), choices=[], validate_choice=False)
    who = SelectField(_l("Who comes"), choices=options(VISITOR_WORDS.items()), validate_choice=False)
    words = line(_l("Name or firm"), most=60, hint=_l("Never the name of a client or of somebody of a client's family."))
    escort = SelectField(_l("Counsellor beside them, all the time"), choices=[], validate_choice=False)
