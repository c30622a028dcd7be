"""Form F04 in its short form."""

from flask_babel import lazy_gettext as _l
from wtforms import SelectField

from counsel.web.forms import Form, options, text

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


class AssessmentForm(Form):
    """F04: never called a diagnosis."""

    main_problem = SelectField(_l("Main concern"), choices=options(_choices(PROBLEM_WORDS, True)))
    severity = SelectField(_l("Severity"), choices=options(_choices(SEVERITY_WORDS, True)))
    basis = SelectField(_l("Basis"), choices=options(_choices(BASIS_WORDS, False)))
    basis_note = text(_l("Which source, when"), rows=1)
    causes = text(_l("Causes: body, mind, surroundings"), rows=4)
    summary = text(_l("Summary"), rows=3)
