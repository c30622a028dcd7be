"""Forms of booking and reception."""

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField

from counsel.pathway.appointments.concerns import CONCERN_LENGTH
from counsel.pathway.appointments.models import REASON_LENGTH
from counsel.risk.questions import BOOKING
from counsel.web.forms import Form, line, options, text
from counsel.web.shell import BOOKED_MODES, MODE_WORDS

WAY_WORDS = [("in_page", _l("Messages on this site only")), ("phone", _l("By telephone"))]


class ReasonForm(Form):
    """The one free text of a booking."""

    reason = text(
        _l("What would you like to talk about?"),
        most=REASON_LENGTH,
        rows=4,
        hint=_l(
            "A few words are enough, or none. Read by your counsellor; before one is assigned, by the duty counsellor "
            "or the director. Never by the desk."
        ),
    )


class ContactForm(Form):
    """How to reach somebody safely."""

    contact_way = RadioField(_l("How may we reach you?"), choices=options(WAY_WORDS), default="in_page")
    phone = line(
        _l("Telephone"),
        most=30,
        needed=False,
        hint=_l("Best a number that only you answer. We say only that the school is calling."),
    )
    who_answers = line(_l("Who else may answer it?"), most=40, needed=False)


class ConcernForm(Form):
    """A teacher's concern."""

    about = line(_l("Whom is it about?"), most=60, hint=_l("Name and class as you know them."))
    text = text(
        _l("What have you noticed?"),
        most=CONCERN_LENGTH,
        needed=True,
        rows=6,
        hint=_l("What you saw and heard yourself, and when."),
    )


class WalkInForm(Form):
    """Somebody who stands at the desk."""

    student_no = line(_l("Student number"), most=40, needed=False, hint=_l("If it is on the roll, this is enough."))
    name = line(_l("Name"), most=40, needed=False, hint=_l("Only without a number."))
    mode = SelectField(_l("How"), choices=options([(mode, MODE_WORDS[mode]) for mode in BOOKED_MODES]))
    slot = SelectField(_l("Time"), choices=[], validate_choice=False)


SAFETY = (*BOOKING, "urgent")
