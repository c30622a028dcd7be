"""The interview questions Q1–Q13 in our own words, and the four asked when booking (domain §3.1).

Texts are message ids; the Chinese wording lives in the catalogue.
"""

from dataclasses import dataclass

from counsel.core.words import N_


@dataclass(frozen=True)
class Question:
    """One question. `codes`: its answers beyond yes, no and refused, as tick boxes (field name, text)."""

    code: str
    text: str
    group: str
    under: str = ""
    details: tuple[tuple[str, str], ...] = ()


THOUGHTS, DEEDS, OTHERS = "thoughts", "deeds", "others"
QUESTIONS = (
    Question("q1", N_("In the past month, have you wished you were gone, or could fall asleep and not wake up?"), THOUGHTS),
    Question("q2", N_("In the past month, have you thought of ending your life?"), THOUGHTS),
    Question("q3", N_("Have you thought of how you might do it?"), THOUGHTS, "q2"),
    Question("q4", N_("Did you really intend to do it, even a little?"), THOUGHTS, "q2"),
    Question("q5", N_("Have you settled on a time, a place or steps, and mean to follow them?"), THOUGHTS, "q2"),
    Question("q6a", N_("Have you ever done something, begun to, or prepared for it?"), DEEDS),
    Question("q6b", N_("Was that within the past three months?"), DEEDS, "q6a"),
    Question("q7", N_("Do you have such thoughts right now?"), DEEDS),
    Question("q8a", N_("Is there something within reach that you could use?"), DEEDS),
    Question("q8b", N_("Are you at that place already, or have you begun?"), DEEDS),
    Question(
        "q9",
        N_("In the past month, have you hurt yourself without wanting to die?"),
        DEEDS,
        details=(("q9_care", N_("It needed medical care")), ("q9_repeated", N_("More than once"))),
    ),
    Question(
        "q10",
        N_("Have you wanted to hurt somebody badly?"),
        OTHERS,
        details=(
            ("q10_named", N_("A particular person")),
            ("q10_intent", N_("Really means to")),
            ("q10_means", N_("Has the means at hand")),
        ),
    ),
    Question(
        "q11",
        N_("Does, or did, anybody hit you, frighten you with words, touch you or force you? Is it safe to go home today?"),
        OTHERS,
        details=(("q11_safe", N_("Safe today, for certain")),),
    ),
    Question(
        "q12",
        N_("Have you heard voices others do not hear, felt controlled, or not slept for days?"),
        OTHERS,
        details=(("q12_danger", N_("The voice commands, or there is danger")),),
    ),
)
KEEPING = N_("What has kept you going until now? Whom do you trust?")
BOOKING = ("q1", "q2", "q7")
ANSWERS = ("yes", "no", "refused")
