"""Form F04, test results, and instruments to approve."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DateField, IntegerField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import InputRequired, NumberRange

from counsel.confidentiality.limits import LIMITS
from counsel.pathway.assessment.criteria import CRITERIA
from counsel.web.forms import Form, line, options, text

PROBLEM_WORDS = {
    "P01": _l("study and exam stress"),
    "P02": _l("school refusal, motivation"),
    "P03": _l("peer relations"),
    "P04": _l("relation to teachers"),
    "P05": _l("low mood"),
    "P06": _l("anxiety, fear"),
    "P07": _l("anger, impulse"),
    "P08": _l("family"),
    "P09": _l("romance, sexuality, gender"),
    "P10": _l("adjustment"),
    "P11": _l("self and self-esteem"),
    "P12": _l("career"),
    "P13": _l("internet and games"),
    "P14": _l("bullying"),
    "P15": _l("trauma, loss, grief"),
    "P16": _l("sleep, eating, body"),
    "P17": _l("substance use"),
    "P18": _l("suspected abuse"),
    "P19": _l("self-harm, suicide"),
    "P20": _l("harm to others"),
    "P21": _l("suspected disorder"),
    "P99": _l("other"),
}
SEVERITY_WORDS = {
    "LV0": _l("developmental concern"),
    "LV1": _l("general psychological problem"),
    "LV2": _l("serious psychological problem"),
    "LV3": _l("suspected neurotic-type problem"),
    "LV4": _l("suspected mental disorder: medical advice first"),
    "LV9": _l("undetermined"),
}
BASIS_WORDS = {
    "interview": _l("interview with the client"),
    "close_person": _l("interview with somebody close, with consent"),
    "test": _l("questionnaire"),
    "other": _l("another named source"),
}


def _choices(words: dict[str, object], coded: bool) -> list[tuple[str, object]]:
    return [("", "–")] + [
        (code, _l("%(code)s %(word)s", code=code, word=word) if coded else word) for code, word in words.items()
    ]


CONSENT_WORDS = [
    ("", "–"),
    ("agreed", _l("the client agreed")),
    *((limit.code.value, _l("%(code)s: %(title)s", code=limit.code.value, title=_l(limit.title))) for limit in LIMITS),
]


def criterion(code: str) -> Any:
    """Make the field of one criterion, its answers from light to heavy."""
    row = next(row for row in CRITERIA if row.code == code)
    answers = [("", "–"), *((answer, _l(words)) for answer, words in row.answers)]
    return SelectField(_l(row.title), choices=options(answers), validate_choice=False)


class AssessmentForm(Form):
    """F04: never called a diagnosis."""

    main_problem = SelectField(_l("Main concern"), choices=options(_choices(PROBLEM_WORDS, True)))
    other_problems = SelectMultipleField(_l("Other concerns"), choices=options(_choices(PROBLEM_WORDS, True)[1:]))
    duration = criterion("duration")
    distress = criterion("distress")
    function = criterion("function")
    generalisation = criterion("generalisation")
    conflict_type = criterion("conflict_type")
    insight = criterion("insight")
    severity = SelectField(_l("Severity, as you judge it"), choices=options(_choices(SEVERITY_WORDS, True)))
    severity_reason = text(_l("Why it differs from the suggestion"), rows=2)
    medical_advice = RadioField(
        _l("Medical advice given and recorded?"),
        choices=options([("yes", _l("Yes")), ("no", _l("No"))]),
        validate_choice=False,
    )
    basis = SelectMultipleField(_l("Basis"), choices=options(list(BASIS_WORDS.items())))
    close_person = line(_l("Somebody close: name and relation"), most=80, needed=False)
    close_person_consent = SelectField(_l("Consent to that talk"), choices=options(CONSENT_WORDS), validate_choice=False)
    basis_note = text(_l("Which source, when"), rows=1)
    causes = text(_l("Causes: body, mind, surroundings"), rows=4)
    summary = text(_l("Summary"), rows=3)


class ResultForm(Form):
    """A test result entered by hand."""

    instrument = SelectField(_l("Instrument"), choices=[], validate_choice=False)
    answers = line(_l("Raw answers, in order"), most=1000, hint=_l("Numbers with spaces between them."))
    score = line(_l("Score"), most=6)
    on_date = DateField(_l("Date"), validators=[InputRequired(_l("Fill this in."))])


class InstrumentForm(Form):
    """An instrument to approve."""

    code = line(_l("Code of the instrument"), most=24)
    version = line(_l("Version"), most=24)
    title = line(_l("Title"), most=120)
    items = IntegerField(_l("Number of questions"), validators=[InputRequired(_l("Fill this in.")), NumberRange(1, 200)])
    lowest = IntegerField(_l("Lowest answer"), validators=[InputRequired(_l("Fill this in.")), NumberRange(-9, 99)])
    highest = IntegerField(_l("Highest answer"), validators=[InputRequired(_l("Fill this in.")), NumberRange(-9, 99)])
