"""Forms F08, hand-over, pause."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DateField, RadioField, SelectField
from wtforms.validators import Optional as MayBeEmpty

from counsel.confidentiality.limits import LIMITS, LimitCode
from counsel.pathway.cases.agreement import ASKED
from counsel.web.forms import Form, line, options, text

KIND_WORDS = [
    ("medical", _l("hospital or clinic")),
    ("institution", _l("another institution")),
    ("counsellor", _l("another counsellor outside")),
    ("social", _l("social or legal help")),
]
AGREED_BEFORE = ("agreed", _l("the client agreed"))  # what older forms say
CONSENT_WORDS = [
    ("", "–"),
    (ASKED, _l("As the client answers to this form")),
    *(
        (limit.code.value, _l("Without it: %(code)s, %(title)s", code=limit.code.value, title=_l(limit.title)))
        for limit in LIMITS
        if limit.code is not LimitCode.EX5
    ),
]
RECEIPT_WORDS = [
    ("client", _l("signed by the client")),
    ("guardian", _l("signed by the guardian")),
    ("refused", _l("nobody would sign; a witness was there")),
]
TRANSFER_WORDS = {
    "competence": _l("outside my competence"),
    "conflict": _l("another relationship"),
    "absence": _l("absence"),
    "client_wish": _l("the client's wish"),
    "leave": _l("leaving the centre"),
}
CONFLICT_WORDS = {
    "teaches": _l("I teach, grade or decide about the client"),
    "kin": _l("relative, friend or neighbour"),
    "business": _l("business with the family"),
    "inquiry": _l("part in a complaint, examination or inquiry"),
    "other_party": _l("counsellor of the other side, a parent or a close friend (the director decides)"),
    "manager": _l("over a parent at work (the director decides)"),
    "own_matter": _l("a matter of my own that touches it (the director decides)"),
}
HOLD_WORDS = {
    "holiday": _l("holidays"),
    "leave_of_absence": _l("leave from school"),
    "illness": _l("illness"),
    "placement": _l("placement"),
    "client_wish": _l("the client's wish"),
}
REACH_WORDS = {
    "phone": _l("By telephone"),
    "in_page": _l("By this site"),
    "in_person": _l("In person"),
    "letter": _l("By letter"),
}


NOTHING_HEARD = ("nothing", _l("nothing was heard"))


class ReferralForm(Form):
    """F08: written advice, with its receipt."""

    kind = SelectField(_l("Where to"), choices=options(KIND_WORDS))
    target = line(_l("Institution or person"), most=200, needed=False)
    phone = line(_l("Telephone"), most=40, needed=False)
    reason = text(_l("Why, as a suspicion"), rows=3)
    information = text(_l("What is told to them, and nothing beyond"), rows=3)
    consent = SelectField(_l("The client's consent"), choices=options(CONSENT_WORDS), validate_choice=False)
    receipt = RadioField(_l("Receipt of the written advice"), choices=options(RECEIPT_WORDS), validate_choice=False)
    witness = line(_l("Witness, when nobody signed"), most=80, needed=False)
    feedback_due = DateField(_l("Feedback wanted by"), validators=[MayBeEmpty()])

    def __init__(self, *place: Any, **given: Any) -> None:
        super().__init__(*place, **given)
        if self.consent.data == AGREED_BEFORE[0]:
            self.consent.choices = options([*CONSENT_WORDS, AGREED_BEFORE])


class FeedbackForm(Form):
    """What came back from a referral."""

    source = RadioField(
        _l("From whom"),
        choices=options([("hospital", _l("the hospital's paper")), ("client", _l("as the client tells it")), NOTHING_HEARD]),
    )
    text = text(_l("What it says"), rows=4, hint=_l("Words of diagnosis only in quotation marks, as the paper has them."))
    sheet_place = line(_l("Where the paper lies"), most=120, needed=False)


class HandOverForm(Form):
    """The summary a case is handed over with; read with the client."""

    course = text(_l("Course so far"), rows=4)
    goals = text(_l("Goals and how far they are"), rows=3)
    agreed = text(_l("What we have agreed on"), rows=2)
    open_matters = text(_l("What is open, and what to take care of"), rows=3)
    wishes = text(_l("What the client wishes for the next steps"), rows=2)
