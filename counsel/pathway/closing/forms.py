"""Forms F10 and F11, the agreed follow-up, and the ends of the closed list."""

from flask_babel import lazy_gettext as _l
from wtforms import DateField, RadioField
from wtforms.validators import Optional as MayBeEmpty

from counsel.web.forms import Form, line, options, text

REASON_WORDS = {
    "completed": _l("goals reached"),
    "single_session": _l("one talk was enough"),
    "out_of_scope": _l("out of scope, recommended elsewhere"),
    "no_agreement": _l("no agreement on a plan"),
    "withdrawn": _l("ended by the client"),
    "no_show_lapsed": _l("lapsed after several absences"),
    "lost_contact": _l("contact lost"),
    "transferred_out": _l("goes on outside the school"),
    "medical_referral": _l("in medical care"),
    "left_school": _l("left the school"),
    "deceased": _l("deceased"),
    "void": _l("opened by mistake"),
}
WAIVER_WORDS = {
    "withdrawn": _l("ended by the client"),
    "lost_contact": _l("contact lost"),
    "no_show_lapsed": _l("lapsed after several absences"),
    "left_school": _l("left the school"),
    "deceased": _l("deceased"),
    "declined": _l("the client would rather not"),
}
MARK_WORDS = {
    "understood": _l("I felt understood"),
    "useful": _l("It was useful"),
    "goal": _l("I have come nearer to my goal"),
    "change": _l("Something has changed"),
    "again": _l("I would come again"),
}


class ClosingForm(Form):
    """F10: closing report; sessions, days and level are added by the server."""

    summary = text(_l("Course in short"), rows=4)
    goals_reached = text(_l("Goals: what was reached"), rows=3)
    advice = text(_l("Advice and resources"), rows=3)
    open_matters = text(_l("What stays open"), rows=2)


class EvaluationForm(Form):
    """F11: the counsellor's part."""

    counsellor_mark = RadioField(
        _l("Your own view, 1 to 5"), choices=options([(str(n), str(n)) for n in range(1, 6)]), validate_choice=False
    )
    before_after = text(_l("Scores before and after, if there are any"), rows=2)
    changes = text(_l("What has changed, in facts"), rows=3)
    conclusion = text(_l("What we both conclude"), rows=3)


class FollowUpAgreementForm(Form):
    """When and how to ask later."""

    consent = RadioField(
        _l("May we ask later how things are?"),
        choices=options([("yes", _l("Yes")), ("no", _l("Rather not"))]),
        validate_choice=False,
    )
    first = DateField(_l("First time"), validators=[MayBeEmpty()])
    second = DateField(_l("Second time"), validators=[MayBeEmpty()])
    contact = line(_l("The safe way to ask"), most=120, needed=False)
    when = line(_l("When it is safe"), most=80, needed=False)


class FollowUpForm(Form):
    """F12."""

    reached = RadioField(_l("Reached?"), choices=options([("yes", _l("Yes")), ("no", _l("No"))]), validate_choice=False)
    channel = line(_l("By which way"), most=200, needed=False)
    state = text(_l("How things are"), rows=3)
    risk = text(_l("Anything that worries"), rows=2)
    again = RadioField(_l("A new appointment?"), choices=options([("yes", _l("Yes")), ("no", _l("No"))]), validate_choice=False)
