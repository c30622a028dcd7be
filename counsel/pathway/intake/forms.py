"""Forms F02 and F03."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, IntegerField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import Optional

from counsel.confidentiality.limits import LIMITS
from counsel.pathway.intake.consent import POINTS
from counsel.web.forms import Form, line, options, text

YES_NO = [("yes", _l("Yes")), ("no", _l("No"))]
POINT_WORDS = {
    "nature": _l("What counselling is and is not: no diagnosis, no treatment, no certificates"),
    "setting": _l("How we work: length, rhythm, changing and cancelling"),
    "records": _l("What is written down, who can open it, how long it is kept"),
    "supervision": _l("Supervision and case discussion: only without any recognisable detail"),
    "rights": _l("Rights: free will, stopping at any time, changing the counsellor, asking to see the file"),
    "sensitive": _l("Separate consent to keeping sensitive personal information, and why it is needed"),
}
WAY_WORDS = [
    ("own_sign_in", _l("By the client's own sign-in")),
    ("in_room", _l("In the room, on this screen")),
    ("by_phone", _l("By telephone")),
    ("on_paper", _l("On paper")),
]
GUARDIAN_WORDS = [
    ("signed", _l("The guardian signs")),
    ("informed", _l("The guardian has been told that counselling takes place, not what is said")),
    ("contraindicated", _l("Telling the guardian would harm; reason below")),
    ("first_talk", _l("Not yet: this is the one first talk that may come before")),
    ("emergency", _l("Exception: life or health is in danger and cannot wait (second signature)")),
    ("conflicted", _l("Exception: the guardian is suspected or has another interest (second signature)")),
    ("not_needed", _l("Not needed at this age")),
]


class ConsentForm(Form):
    """F02: informed consent."""

    points = SelectMultipleField(
        _l("Explained and understood, one by one"),
        choices=options([(limit.code.value, limit.code.value) for limit in LIMITS] + [(point, point) for point in POINTS]),
    )
    way = RadioField(_l("How the client agreed"), choices=options(WAY_WORDS), validate_choice=False)
    sheet_place = line(_l("Where the paper lies"), most=80, needed=False)
    emergency_contact = line(_l("Whom to reach in an emergency"), most=120)
    guardian = RadioField(_l("The guardian's part"), choices=options(GUARDIAN_WORDS), validate_choice=False)
    guardian_note = line(_l("Who signs and how related, or the reason"), most=200, needed=False)
    guardian_way = RadioField(_l("How the guardian agrees"), choices=options(WAY_WORDS[1:]), validate_choice=False)
    guardian_place = line(_l("Where the guardian's paper lies"), most=80, needed=False)


class IntakeForm(Form):
    """F03: first interview."""

    presenting_complaint = text(_l("Presenting complaint, in the client's words"))
    course = text(_l("Beginning and course"))
    past_help = text(_l("Counselling or medical help before"), rows=2)
    medication = line(_l("Medication, as told"), most=200, needed=False)
    family = text(_l("Family"), rows=2)
    study = text(_l("Study"), rows=2)
    relations = text(_l("Relations"), rows=2)
    sleep = text(_l("Sleep and appetite"), rows=2)
    events = text(_l("Events of weight"), rows=2)
    strengths = text(_l("Strengths and what helps"), rows=2)
    expectations = text(_l("What the client hopes for"), rows=2)
    in_scope = RadioField(_l("Within the scope of counselling?"), choices=options(YES_NO), validate_choice=False)
    within_competence = RadioField(_l("Within my competence?"), choices=options(YES_NO), validate_choice=False)
    recommendation = line(
        _l("If not: institution or counsellor recommended"), most=200, needed=False, hint=_l("Name and telephone.")
    )
    no_conflict = RadioField(
        _l("No other relationship with the client or the family?"),
        choices=options([("yes", _l("None")), ("no", _l("There is one"))]),
        validate_choice=False,
    )
    client_agrees = RadioField(
        _l("If one talk is enough: does the client agree?"), choices=options(YES_NO), validate_choice=False
    )
    disposition = text(_l("What comes next"), rows=2)


class PaperForm(Form):
    """A running case on paper: where it stands, what is held, how many sheets."""

    student_no = line(_l("Student number"), most=40)
    state = SelectField(
        _l("Where it stands"),
        choices=options(
            [("counselling", _l("in counselling")), ("planning", _l("planning")), ("assessment", _l("in assessment"))]
        ),
    )
    began_on = DateField(_l("First talk on"), validators=[Optional()])
    talks = IntegerField(_l("Talks held until now"), validators=[Optional()])
    place = line(_l("Where the sheets lie"), most=80)
    reason = text(_l("Why it is taken over, for the director"), rows=2, hint=_l("Nothing of what was said."))
    no_conflict = BooleanField(_l("I have no other relationship with the client or the family"))


SHEET_WORDS = {
    "F02": _l("Informed consent"),
    "F03": _l("First interview"),
    "F04": _l("Assessment"),
    "F05": _l("Plan"),
    "notes": _l("Session notes"),
}
for _code in SHEET_WORDS:
    setattr(PaperForm, f"{_code}_on", DateField(_l("Date (of the newest)"), validators=[Optional()]))
    setattr(PaperForm, f"{_code}_sheets", IntegerField(_l("Sheets"), validators=[Optional()]))
