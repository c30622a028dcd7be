"""The aids of an assessment: what the criteria suggest, and the referral score's worked vectors (domain §2.1)."""

import pytest

from counsel.pathway.assessment.criteria import CRITERIA, referral_score, suggestion

LIGHT = {criterion.code: criterion.answers[0][0] for criterion in CRITERIA}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "LV0"),
        ({"distress": "bad_mood"}, "LV1"),
        ({"function": "less"}, "LV1"),
        ({"distress": "lost_shortly"}, "LV2"),
        ({"function": "disturbed"}, "LV2"),
        ({"generalisation": "similar"}, "LV2"),
        ({"generalisation": "unrelated"}, "LV3"),
        ({"distress": "stuck"}, "LV3"),
        ({"conflict_type": "distorted"}, "LV3"),
        ({"insight": "broken"}, "LV4"),
        ({"insight": "broken", "duration": ""}, "LV4"),
        ({"duration": ""}, "LV9"),
        ({"duration": "over_12"}, "LV0"),
        ({"distress": "bad_mood", "duration": "under_3"}, "LV2"),
        ({"distress": "bad_mood", "duration": "under_6"}, "LV2"),
        ({"distress": "bad_mood", "duration": "under_12"}, "LV3"),
        ({"distress": "bad_mood", "function": "less", "duration": "over_12"}, "LV3"),
        ({"generalisation": "similar", "duration": "under_12"}, "LV3"),
    ],
)
def test_the_criteria_suggest_a_class(changes: dict[str, str], code: str) -> None:
    """The heaviest criterion decides, months included; a broken principle always says hospital; an open one says undetermined."""
    assert suggestion(LIGHT | changes) == code


@pytest.mark.parametrize(
    ("months", "distress", "function", "score"),
    [(2, 1, 1, (3, "no")), (6, 1, 2, (5, "doubtful")), (14, 2, 2, (7, "strong")), (12, 1, 1, (4, "doubtful"))],
)
def test_the_referral_score_adds_three_criteria(months: int, distress: int, function: int, score: tuple[int, str]) -> None:
    """Worked vectors; exactly twelve months count as two."""
    assert referral_score(months, distress, function) == score
