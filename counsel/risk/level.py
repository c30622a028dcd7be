"""The level function: first match wins; a refusal counts as yes, a refused Q8 gives 3 (domain §3.2). An aid, no diagnosis."""

from collections.abc import Mapping
from dataclasses import dataclass

from counsel.risk.questions import QUESTIONS

YES, NO, REFUSED = "yes", "no", "refused"


@dataclass(frozen=True)
class Level:
    """What the answers come to.

    :param level: 0 none, 1 low, 2 moderate, 3 high, 4 imminent.
    :param because: codes of the questions that decided.
    :param unanswered: codes still open; the level counts what was answered.
    """

    level: int
    because: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()

    @property
    def report_due(self) -> bool:
        """Whether abuse is suspected; for a minor that starts the mandatory report whatever the level (§3.6)."""
        return "q11" in self.because


def level_of(answers: Mapping[str, str], ticks: frozenset[str] = frozenset()) -> Level:
    """Return the level for answers (code → yes, no, refused) and ticked details such as ``q9_care``."""

    def said(code: str) -> bool:
        return answers.get(code) in (YES, REFUSED)

    def plainly(code: str) -> bool:
        return answers.get(code) == YES

    unanswered = tuple(
        question.code for question in QUESTIONS if _asked(question.under, answers) and question.code not in answers
    )
    target, intent, means = (tick in ticks and said("q10") for tick in ("q10_named", "q10_intent", "q10_means"))
    rows: tuple[tuple[int, bool, tuple[str, ...]], ...] = (
        (4, plainly("q8b"), ("q8b",)),
        (4, said("q7") and (said("q4") or said("q5") or plainly("q8a")), ("q7",)),
        (4, target and intent and means, ("q10",)),
        (3, said("q4"), ("q4",)),
        (3, said("q5"), ("q5",)),
        (3, said("q6b"), ("q6b",)),
        (3, said("q7"), ("q7",)),
        (3, target and intent, ("q10",)),
        (3, said("q12") and "q12_danger" in ticks, ("q12",)),
        (3, REFUSED in (answers.get("q8a"), answers.get("q8b")), ("q8",)),
        (2, said("q3"), ("q3",)),
        (2, (said("q1") or said("q2")) and plainly("q8a"), ("q8a",)),
        (2, said("q6a"), ("q6a",)),
        (2, said("q10"), ("q10",)),
        (2, said("q9") and bool(ticks & {"q9_care", "q9_repeated"}), ("q9",)),
        (2, said("q11") and "q11_safe" not in ticks, ("q11",)),
        (2, said("q12"), ("q12",)),
        (1, said("q1") or said("q2"), tuple(code for code in ("q1", "q2") if said(code))),
        (1, said("q9"), ("q9",)),
        (1, said("q11"), ("q11",)),
    )
    for level, true, because in rows:
        if true:
            extra = ("q11",) if said("q11") and "q11" not in because else ()
            return Level(level, because + extra, unanswered)
    return Level(0, (), unanswered)


def _asked(under: str, answers: Mapping[str, str]) -> bool:
    return not under or answers.get(under) in (YES, REFUSED)
