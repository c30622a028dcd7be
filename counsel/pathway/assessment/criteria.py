"""The criteria of severity as data, the suggestion they lead to, and the referral score (domain §2.1): aids, no diagnosis.

Textbooks disagree on months; the rows show one teaching [DF], the counsellor decides and says why when deciding otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from counsel.core.words import N_


@dataclass(frozen=True)
class Criterion:
    """One thing to look at, and its answers from light to heavy as (code, text)."""

    code: str
    title: str
    answers: tuple[tuple[str, str], ...]


CRITERIA = (
    Criterion(
        "duration",
        N_("How long"),
        (
            ("under_2", N_("up to two months")),
            ("under_3", N_("two to three months")),
            ("under_6", N_("three to six months")),
            ("under_12", N_("six to twelve months")),
            ("over_12", N_("more than twelve months")),
        ),
    ),
    Criterion(
        "distress",
        N_("Distress and control"),
        (
            ("slight", N_("slight")),
            ("bad_mood", N_("bad mood, still under reasonable control")),
            ("lost_shortly", N_("a strong blow as cause; control lost for short times")),
            ("stuck", N_("hard to shake off by oneself")),
        ),
    ),
    Criterion(
        "function",
        N_("Study and daily life"),
        (
            ("full", N_("as before")),
            ("less", N_("works with less effect")),
            ("disturbed", N_("clearly disturbed")),
            ("withdrawn", N_("cannot study, withdraws")),
        ),
    ),
    Criterion(
        "generalisation",
        N_("Spreading"),
        (("none", N_("only the first event")), ("similar", N_("to similar things")), ("unrelated", N_("to unrelated things"))),
    ),
    Criterion(
        "conflict_type",
        N_("Kind of conflict"),
        (("realistic", N_("real, with a moral side")), ("distorted", N_("out of proportion, without a moral side"))),
    ),
    Criterion(
        "insight",
        N_("Three principles: inner and outer world agree, acts cohere, the person is the same as before"),
        (("kept", N_("all three hold")), ("broken", N_("one of them is broken"))),
    ),
)
SEVERITIES = ("LV0", "LV1", "LV2", "LV3", "LV4", "LV9")
MEDICAL_CLASS = "LV4"  # a doctor comes first (篇7 六)
UNCLEAR = ("LV4", "LV9")  # these may be chosen while a criterion is open: a doctor looks first, or it is not clear yet
ORDINARY = ("LV0", "LV1", "LV2")  # within the scope of counselling; LV3 with advice given (G5)
BEYOND_2_MONTHS, FROM_6_MONTHS = ("under_3", "under_6"), ("under_12", "over_12")  # LV1 ends at two, LV2 before six months [DF]


def suggestion(answers: Mapping[str, str]) -> str:
    """Return the class the criteria suggest, ``LV9`` while one of them is open.

    What is slight and leaves everything as before stays LV0 however long it lasts; anything else grows with its months.
    """
    if answers.get("insight") == "broken":
        return MEDICAL_CLASS
    if any(not answers.get(criterion.code) for criterion in CRITERIA):
        return "LV9"
    if answers["conflict_type"] == "distorted" or answers["generalisation"] == "unrelated" or answers["distress"] == "stuck":
        return "LV3"
    if (answers["distress"], answers["function"], answers["generalisation"]) == ("slight", "full", "none"):
        return "LV0"
    if answers["duration"] in FROM_6_MONTHS:
        return "LV3"
    graver = answers["generalisation"] == "similar" or answers["distress"] == "lost_shortly"
    graver = graver or answers["function"] in ("disturbed", "withdrawn") or answers["duration"] in BEYOND_2_MONTHS
    return "LV2" if graver else "LV1"


def referral_score(months: int, distress: int, function: int) -> tuple[int, str]:
    """Return the sum of the three criteria and what it says: ``no``, ``doubtful`` or ``strong``.

    :param months: 12 exactly counts as 2 [DF]; distress and function are 1 to 3 each.
    """
    duration = 1 if months < 3 else 2 if months <= 12 else 3
    total = duration + distress + function
    return total, "no" if total <= 3 else "doubtful" if total <= 5 else "strong"
