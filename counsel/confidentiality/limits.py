"""The limits of confidentiality: a closed list (篇9 二5; R9-14). The client's notice and, later, every disclosure are
made from these rows, so neither can name a limit that the other does not know."""

from dataclasses import dataclass
from enum import StrEnum

from counsel.core.words import N_


class LimitCode(StrEnum):
    """The six codes; there is no seventh."""

    EX1 = "EX1"  # serious danger to self
    EX2 = "EX2"  # serious danger to others
    EX3 = "EX3"  # a minor is being harmed
    EX4 = "EX4"  # the law demands it
    EX5 = "EX5"  # the client wants it
    EX6 = "EX6"  # a medical emergency


@dataclass(frozen=True)
class Limit:
    """One limit as the client reads it. Texts are message ids, translated where they are shown."""

    code: LimitCode
    title: str
    meaning: str
    clause: str


LIMITS = (
    Limit(
        LimitCode.EX1,
        N_("Your life may be in danger"),
        N_("Safety comes first: we tell those who can help keep you safe."),
        "篇4 五; 篇9 二5(1)",
    ),
    Limit(
        LimitCode.EX2,
        N_("Somebody else may come to serious harm"),
        N_("We warn those who can prevent it, and tell them no more than that."),
        "篇4 五; 篇9 二5(1)",
    ),
    Limit(
        LimitCode.EX3,
        N_("A minor is being hurt or abused"),
        N_("The law has us report it, whoever is responsible."),
        "篇8 二",
    ),
    Limit(
        LimitCode.EX4,
        N_("A court, the police or a health authority asks as the law allows"),
        N_("They need a formal paper, and get only the part it names."),
        "篇4 六; 篇9 二5(2)",
    ),
    Limit(
        LimitCode.EX5,
        N_("You ask us to tell somebody"),
        N_("You decide who, what and until when, and you sign it."),
        "篇9 一6",
    ),
    Limit(
        LimitCode.EX6,
        N_("You need a doctor at once"),
        N_("We give the rescuers what they need to treat you."),
        "篇4 五",
    ),
)
