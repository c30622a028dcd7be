"""Forms of the roster."""

from flask_babel import lazy_gettext as _l
from wtforms import SelectField
from wtforms.fields import TimeField
from wtforms.validators import InputRequired

from counsel.web.forms import Form, line


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
