"""What may leave the room: for whom, which part, and who must say yes beforehand (篇4 五六; 篇9 二5; domain §3.4).

The ceiling, never the choice: a disclosure starts empty, and what stands here is the most that each recipient may be told.
Whoever or whatever is not in the tables is refused, and nobody's table holds the whole file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from counsel.confidentiality.limits import LimitCode as X


class To(StrEnum):
    """The kinds of recipients; there is no other."""

    CLASS_TEACHER = "class_teacher"  # 班主任，辅导员
    GUARDIAN = "guardian"  # 监护人
    LEADER = "leader"  # 校领导
    RELATED = "related"  # 宿管、保卫、处境危险的人
    HOSPITAL = "hospital"  # 医院、急救
    AUTHORITY = "authority"  # 公安、法院、教育局、民政
    NAMED = "named"  # whom the client named


class Part(StrEnum):
    """The parts a package can have, in the order in which they are shown. `FACTS` and what follows is read once."""

    IDENTITY = "identity"
    CONCERN = "concern"
    ADVICE = "advice"
    FACTS = "facts"
    SUMMARY = "summary"
    CONTENT = "content"


READ_ONCE = (Part.FACTS, Part.SUMMARY, Part.CONTENT)


@dataclass(frozen=True)
class Telling:
    """What the ceiling asks of one disclosure.

    :param level: the risk level in force, 0 to 4.
    :param spoken: this recipient is told by word of mouth.
    :param paper: a formal paper or a statute stands behind it.
    """

    code: X
    level: int
    spoken: bool = False
    paper: bool = False


Sentence = Callable[[Telling], bool]


def always(_case: Telling) -> bool:
    """Within the necessity that is written beside it."""
    return True


def high(case: Telling) -> bool:
    """The level is 3 or 4."""
    return case.level >= 3


def spoken(case: Telling) -> bool:
    """By word of mouth only."""
    return case.spoken


def in_danger(case: Telling) -> bool:
    """Somebody's life or health is at stake."""
    return case.code in (X.EX1, X.EX2, X.EX6)


def on_paper(case: Telling) -> bool:
    """A formal paper, or the statute that demands the report, names it."""
    return case.paper


def to_protect(case: Telling) -> bool:
    """A minor must be protected, or a formal paper names it."""
    return case.paper or case.code is X.EX3


CEILING: dict[To, dict[Part, Sentence]] = {
    To.CLASS_TEACHER: {Part.IDENTITY: always, Part.CONCERN: high, Part.ADVICE: always, Part.FACTS: always},
    To.GUARDIAN: {
        Part.IDENTITY: always,
        Part.CONCERN: always,
        Part.ADVICE: always,
        Part.FACTS: always,
        Part.SUMMARY: spoken,
    },
    To.LEADER: {Part.IDENTITY: always, Part.CONCERN: always, Part.ADVICE: always},
    To.RELATED: {Part.IDENTITY: always, Part.ADVICE: always, Part.FACTS: always},
    To.HOSPITAL: {
        Part.IDENTITY: always,
        Part.CONCERN: always,
        Part.FACTS: always,
        Part.SUMMARY: in_danger,
        Part.CONTENT: in_danger,
    },
    To.AUTHORITY: {
        Part.IDENTITY: to_protect,
        Part.CONCERN: to_protect,
        Part.FACTS: to_protect,
        Part.SUMMARY: on_paper,
        Part.CONTENT: on_paper,
    },
    To.NAMED: {
        Part.IDENTITY: always,
        Part.CONCERN: always,
        Part.ADVICE: always,
        Part.FACTS: always,
        Part.SUMMARY: always,
    },
}
_NEAR = (To.CLASS_TEACHER, To.GUARDIAN, To.LEADER, To.RELATED, To.HOSPITAL)
WHOM: dict[X, tuple[To, ...]] = {
    X.EX1: _NEAR,
    X.EX2: _NEAR,
    X.EX3: (To.AUTHORITY, To.HOSPITAL),
    X.EX4: (To.AUTHORITY,),
    X.EX5: (To.NAMED,),
    X.EX6: (To.HOSPITAL, To.GUARDIAN, To.RELATED),
}


def may_be_told(case: Telling, to: To, part: Part) -> bool:
    """Return whether the ceiling lets this recipient be told this part."""
    sentence = CEILING.get(to, {}).get(part)
    return to in WHOM.get(case.code, ()) and sentence is not None and sentence(case)


class Approval(StrEnum):
    """Who must say yes before anything leaves."""

    NOBODY = "nobody"
    DIRECTOR = "director"
    DIRECTOR_OR_DUTY = "director_or_duty"  # duty when the director is not reached in time
    DIRECTOR_AND_OPINION = "director_and_opinion"  # a legal opinion beside it
    CLIENT = "client"


def approval_for(code: X, level: int) -> Approval:
    """Return who must say yes. Life never waits: level 4 and a harmed minor ask nobody beforehand (篇4 五; 篇8 二)."""
    if code is X.EX3 or (level >= 4 and code in (X.EX1, X.EX2, X.EX6)):
        return Approval.NOBODY
    if code is X.EX5:
        return Approval.CLIENT
    if code is X.EX4:
        return Approval.DIRECTOR_AND_OPINION
    return Approval.DIRECTOR_OR_DUTY if level >= 3 else Approval.DIRECTOR
