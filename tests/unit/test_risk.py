"""The level function: all vectors of the domain sheet, refusals, unanswered questions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counsel.risk.level import level_of
from counsel.risk.questions import ANSWERS, QUESTIONS

VECTORS = [
    ("q1", "", 1),
    ("q2", "", 1),
    ("q2 q3", "", 2),
    ("q2 q8a", "", 2),
    ("q1 q2 q3 q4", "", 3),
    ("q2 q6a", "", 2),
    ("q6a q6b", "", 3),
    ("q7", "", 3),
    ("q7 q8a", "", 4),
    ("q2 q5 q7", "", 4),
    ("q8b", "", 4),
    ("q9", "", 1),
    ("q9", "q9_care", 2),
    ("q9", "q9_repeated", 2),
    ("q10", "", 2),
    ("q10", "q10_named q10_intent", 3),
    ("q10", "q10_named q10_intent q10_means", 4),
    ("q12", "q12_danger", 3),
    ("q12", "", 2),
    ("q11", "", 2),
    ("", "", 0),
]
CODES = [question.code for question in QUESTIONS]


@pytest.mark.parametrize(("yes", "ticks", "level"), VECTORS)
def test_vector(yes: str, ticks: str, level: int) -> None:
    """Domain §3.2, line by line."""
    answers = {code: "yes" if code in yes.split() else "no" for code in CODES}
    assert level_of(answers, frozenset(ticks.split())).level == level


@pytest.mark.parametrize(("code", "level"), [("q8a", 3), ("q8b", 3), ("q4", 3), ("q1", 1), ("q7", 3)])
def test_a_refusal_counts_as_yes_but_a_refused_q8_gives_three(code: str, level: int) -> None:
    """A human decides what a silence about means within reach is."""
    assert level_of({other: "refused" if other == code else "no" for other in CODES}).level == level


def test_unanswered_is_not_yes_and_is_named() -> None:
    """The level counts what was answered and says what is open; follow-ups are open only when their question was yes."""
    found = level_of({"q1": "yes"})
    assert found.level == 1
    assert "q2" in found.unanswered and "q3" not in found.unanswered and "q6b" not in found.unanswered
    assert "q3" in level_of({"q2": "yes"}).unanswered


def test_suspected_abuse_is_named_whatever_the_level() -> None:
    """§3.6: Q11 starts the mandatory report for a minor even when another question decides the level."""
    assert level_of({"q11": "yes", "q7": "yes"}).report_due


@given(st.dictionaries(st.sampled_from(CODES), st.sampled_from(ANSWERS)), st.sampled_from(CODES))
def test_one_more_yes_never_lowers(answers: dict[str, str], code: str) -> None:
    """Whatever was said, a further yes raises the level or leaves it; a refusal of Q8 may be replaced by a plain answer."""
    before = level_of({**answers, code: "no"})
    assert level_of({**answers, code: "yes"}).level >= before.level
