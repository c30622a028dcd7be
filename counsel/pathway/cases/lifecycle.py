"""THE table of case states and transitions (domain §1.2–§1.4): whatever has no row here cannot happen.

Each row names who takes the step and which evidence must be brought. `END` stands before every arrow into a closed state:
no session was held, or the closing report is signed and the joint evaluation done or waived (篇10 六; R10-13); in intake
no session can have been held. `SAFE` is invariant I1: withdrawal ends counselling, not the duty to keep somebody safe.
"""

from collections.abc import Iterator
from dataclasses import dataclass

STATES = (
    "intake",  # 初诊接待
    "assessment",  # 心理评估
    "planning",  # 方案协商
    "counselling",  # 咨询中
    "on_hold",  # 暂停, until a date
    "transfer_pending",  # 移交中
    "referred_medical",  # 已转介待回复
    "closing",  # 结案评估
    "follow_up",  # 回访期
    "closed",  # 已结案, always with a reason
    "archived",  # 已归档
)
ACTIVE = STATES[:8]  # counselling is meant to go on, or to be ended properly
WORKING = ("intake", "assessment", "planning", "counselling")
OPEN_STATES = STATES[:9]  # the counsellor still has something to do
CLOSE_REASONS = (
    "completed",  # 目标达成
    "single_session",  # 一次性咨询
    "out_of_scope",  # 不属咨询范围(已转介)
    "no_agreement",  # 方案未达成一致
    "withdrawn",  # 来访者自愿终止
    "no_show_lapsed",  # 多次爽约
    "lost_contact",  # 失联
    "transferred_out",  # 转校外咨询
    "medical_referral",  # 转医学诊治
    "left_school",  # 离校或毕业
    "deceased",  # 去世
    "void",  # 误建
)
COUNSELLOR, CLIENT, DIRECTOR, RECEIVER, ARCHIVIST = "counsellor", "client", "director", "receiver", "archivist"


@dataclass(frozen=True)
class Transition:
    """One arrow.

    :param rule: its number in the table of transitions.
    :param by: who may take it: the assigned counsellor, the client, the director, the receiving counsellor.
    :param guards: codes of the evidence that must be brought.
    :param clause: clause of the regulations it carries out.
    """

    rule: str
    from_state: str | None
    to_state: str
    by: tuple[str, ...]
    guards: tuple[str, ...]
    clause: str
    close_reason: str | None = None


def _rows() -> Iterator[Transition]:
    c = (COUNSELLOR,)
    yield Transition("T24", None, "intake", c, ("G1", "G4", "EARLIER"), "篇10 六")
    yield Transition("T01", None, "intake", c, ("G1", "G4"), "篇10 二")
    for state in ("assessment", "planning", "counselling"):
        yield Transition("T00", None, state, c, ("G1", "G4", "PAPER", "SECOND"), "篇4 二; 篇10 二")
    yield Transition("T02", "intake", "assessment", c, ("F03", "G2", "G3", "G4", "G5", "G6"), "篇10 二; 篇4 一")
    yield Transition("T03", "intake", "closed", c, ("F03", "REC", "SAFE"), "篇10 二", "out_of_scope")
    yield Transition("T04", "intake", "closed", c, ("F03", "G6", "LOW", "AGREED"), "篇10 六", "single_session")
    for state in WORKING:
        yield Transition("T05", state, "transfer_pending", (COUNSELLOR, CLIENT, DIRECTOR), ("WHY",), "篇10 二")
        yield Transition("T06", "transfer_pending", state, (RECEIVER,), ("BACK", "G4", "G12"), "篇10 二")
        yield Transition("T07", "transfer_pending", state, (DIRECTOR,), ("BACK", "WHY"), "篇10 二")
    yield Transition("T08", "transfer_pending", "closed", c, ("RELEASE", "SAFE", "END"), "篇10 二; 篇4 五", "transferred_out")
    yield Transition("T09", "assessment", "planning", c, ("G8", "G5", "G6"), "篇10 三")
    for state in ACTIVE:
        if state != "referred_medical":
            yield Transition("T10", state, "referred_medical", c, ("G14",), "篇7 六")
        if state not in ("on_hold", "transfer_pending"):
            yield Transition("T17", state, "on_hold", c, ("RESUME", "SAFE"), "篇10 四")
            yield Transition("T17", "on_hold", state, c, ("BACK",), "篇10 四")
        if state != "closing":
            yield Transition("T19", state, "closing", (COUNSELLOR, CLIENT), (), "篇9 二2; 篇10 六")
        yield Transition("T22", state, "closed", c, ("MISSED", "LOW", "LETTER", "END"), "篇9 二4", "no_show_lapsed")
    yield Transition("T11", "referred_medical", "assessment", c, ("FEEDBACK", "G2", "G3"), "篇7 六; 篇4 一")
    yield Transition("T11", "referred_medical", "counselling", c, ("FEEDBACK", "G2", "G3", "G8"), "篇7 六; 篇4 一; 篇10 三")
    yield Transition("T12", "referred_medical", "closed", c, ("G11", "TRACKED", "SAFE", "END"), "篇7 六", "medical_referral")
    yield Transition("T13", "planning", "counselling", c, ("G7",), "篇10 四")
    yield Transition("T14", "planning", "closed", c, ("OFFERED", "SAFE", "END"), "篇10 四", "no_agreement")
    yield Transition("T15", "counselling", "counselling", c, ("G6", "G9"), "篇10 五")
    for state in ("planning", "assessment"):
        yield Transition("T16", "counselling", state, c, ("WHY",), "篇10 四")
    for reason in ("lost_contact", "left_school"):
        yield Transition("T18", "on_hold", "closed", c, ("TRIES", "SAFE", "END"), "篇10 六", reason)
    yield Transition("T20", "closing", "follow_up", c, ("G9", "F10", "G10", "G11", "SAFE"), "篇10 六; 篇4 五")
    yield Transition("T21", "closing", "closed", c, ("SAFE", "END"), "篇9 二2; 篇10 六", "withdrawn")
    yield Transition("T23", "follow_up", "closed", c, ("FOLLOWED", "SAFE"), "篇10 六; 篇4 五", "completed")
    yield Transition("T25", "closed", "archived", (ARCHIVIST,), ("G13", "ARCHIVE"), "篇4 二; 篇6 4")
    yield Transition("T26", "intake", "closed", (DIRECTOR,), ("EMPTY", "WHY"), "篇10 二", "void")
    for state in (*ACTIVE, "follow_up"):
        for reason in ("left_school", "deceased"):
            yield Transition("T27", state, "closed", (DIRECTOR,), ("NO_TASK", "WHY", "END"), "篇10 六", reason)


TRANSITIONS = tuple(_rows())


def transitions(from_state: str | None, to_state: str, close_reason: str | None, by: str) -> list[Transition]:
    """Return the arrows between two states that `by` may take; a pause can lead back where another arrow leads as well."""
    wanted = (from_state, to_state, close_reason)
    return [row for row in TRANSITIONS if (row.from_state, row.to_state, row.close_reason) == wanted and by in row.by]
