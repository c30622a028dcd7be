"""THE table of case states and transitions (domain §1.2–§1.4): whatever has no row here cannot happen."""

from dataclasses import dataclass

STATES = (
    "intake",  # 初诊接待
    "assessment",  # 心理评估
    "planning",  # 方案协商
    "counselling",  # 咨询中
    "closed",  # 已结案, always with a reason
)
OPEN_STATES = STATES[:-1]
CLOSE_REASONS = ("out_of_scope", "single_session")


@dataclass(frozen=True)
class Transition:
    """One arrow.

    :param rule: its number in the regulation's state table.
    :param guards: codes of the evidence that must be brought.
    :param clause: clause of the regulations it carries out.
    """

    rule: str
    from_state: str | None
    to_state: str
    guards: tuple[str, ...]
    clause: str
    close_reason: str | None = None


TRANSITIONS = (
    Transition("T01", None, "intake", ("G1", "G4"), "篇10 二"),
    Transition("T02", "intake", "assessment", ("F03", "G2", "G3", "G4", "G5", "G6"), "篇10 二; 篇4 一"),
    Transition("T03", "intake", "closed", ("F03", "REC"), "篇10 二", "out_of_scope"),
    Transition("T04", "intake", "closed", ("F03", "G6", "LOW", "AGREED"), "篇10 六", "single_session"),
    Transition("T09", "assessment", "planning", ("G8", "G6"), "篇10 三"),
    Transition("T13", "planning", "counselling", ("G7",), "篇10 四"),
    Transition("T15", "counselling", "counselling", ("G6", "G9"), "篇10 五"),
    Transition("T16", "counselling", "planning", (), "篇10 四"),
)


def transition(from_state: str | None, to_state: str, close_reason: str | None = None) -> Transition | None:
    """Return the arrow between two states, or None when there is none."""
    for row in TRANSITIONS:
        if (row.from_state, row.to_state, row.close_reason) == (from_state, to_state, close_reason):
            return row
    return None
