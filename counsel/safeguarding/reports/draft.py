"""What a report must say before it counts; pure checks, and the shapes of both kinds."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from counsel.core.clock import now
from counsel.core.errors import InvalidError
from counsel.core.ids import parse_id
from counsel.people.exclusions import Excluded

SIGNS = (
    "injury",  # 非正常损伤
    "neglect",  # 严重营养不良、意识不清、无人照管
    "violence",  # 欺凌、虐待、殴打
    "sexual",  # 性侵害或疑似
    "pregnancy",  # 未满14周岁怀孕、流产
    "abandoned",  # 被遗弃、长期无人照料
    "trafficking",  # 被拐卖、收买、来源不明
    "begging",  # 被组织乞讨
    "other",
)  # occasions of the opinion of nine bodies, 2020 [OK]
BODIES = ("police", "education", "civil")
EVENTS = ("death", "harm_self", "harm_others", "abuse", "missing", "many", "outside", "secrecy", "other")
SOMEBODY_ELSE = "other"
MOST_SUSPECTS, LONGEST, LONGEST_LINE, EARLIEST = 4, 1500, 120, 1950
Content = Mapping[str, Any]


def moment_of(day: str, clock: str, zone: str) -> datetime | None:
    """Return the moment that a day and a time on a form mean at the school, or None."""
    try:
        found = datetime.combine(date.fromisoformat(day), time.fromisoformat(clock), ZoneInfo(zone))
    except ValueError:
        return None
    return found if found.year >= EARLIEST else None


def with_names(content: Content, colleagues: Mapping[str, str]) -> dict[str, Any]:
    """Return a report in which each suspected person stands once: a colleague with name and holder, others by name.

    A name typed beside a chosen colleague is another person. A colleague's name alone may be anybody's: the writer says whose.

    :param colleagues: holder as hex → name.
    :raises InvalidError: a typed name is a colleague's, and neither the colleague nor somebody else of that name was chosen.
    """
    people: list[dict[str, Any]] = []
    for one in content.get("suspects", ()):
        typed, holder = Excluded(str(one.get("name", "")).strip()), str(one.get("holder", ""))
        shared = any(typed.is_meant(name) for name in colleagues.values())
        if holder in colleagues:
            people.append({"name": colleagues[holder], "holder": holder})
        same = holder in colleagues and typed.is_meant(colleagues[holder])
        if typed.name and shared and not same and holder != SOMEBODY_ELSE:
            raise InvalidError(suspects="which_one")
        if typed.name and not same:
            people.append({"name": typed.name, "holder": "", "outside": holder == SOMEBODY_ELSE})
    return {**content, "suspects": people}


def suspects_of(content: Content) -> tuple[Excluded, ...]:
    """Return whom a report suspects, each once."""
    people = (
        Excluded(str(one.get("name", "")).strip(), _hex(str(one.get("holder", ""))), outside=bool(one.get("outside")))
        for one in content.get("suspects", ())
    )
    return tuple(dict.fromkeys(person for person in people if person.name))


def _hex(text: str) -> str:
    found = parse_id(text)
    return found.hex if found is not None else ""


def problems_of(content: Content, zone: str) -> dict[str, str]:
    """Return what a mandatory report lacks: the signs, what was seen, the police, the child's safety, what the child knows."""
    found = {}
    signs = list(content.get("signs") or ())
    if not signs or not set(signs) <= set(SIGNS):
        found["signs"] = "empty"
    for name in ("seen", "safe_now"):
        found |= _words(name, content)
    for body in BODIES:
        found |= _call(body, content, zone)
    if content.get("child_knows") not in ("told", "later"):
        found["child_knows"] = "unknown"
    elif content["child_knows"] == "later":
        found |= _words("why_later", content)
    suspects = content.get("suspects", ())
    if len(suspects) > 2 * MOST_SUSPECTS or any(
        len(one.get("name", "")) > LONGEST_LINE for one in suspects
    ):  # on each line a colleague and somebody else
        found["suspects"] = "too_long"
    return found


def _call(body: str, content: Content, zone: str) -> dict[str, str]:
    """Check one body that was rung: when, and who took it or under which number. The police are never left out."""
    call = content.get("calls", {}).get(body, {})
    typed = [str(call.get(part, "")).strip() for part in ("day", "clock", "taken")]
    if not any(typed):
        return {f"{body}_day": "police_first"} if body == "police" else {}
    at = moment_of(typed[0], typed[1], zone)
    if at is None:
        return {f"{body}_day": "police_first" if body == "police" else "empty"}
    if at > now():
        return {f"{body}_day": "in_future"}
    if not typed[2]:
        return {f"{body}_taken": "empty"}
    long = {"taken": len(typed[2]) > LONGEST_LINE, "reply": len(str(call.get("reply", ""))) > LONGEST}
    return {f"{body}_{part}": "too_long" for part, over in long.items() if over}


def _words(name: str, content: Content) -> dict[str, str]:
    text = str(content.get(name) or "").strip()
    if not text:
        return {name: "empty"}
    return {name: "too_long"} if len(text) > LONGEST else {}


def problems_of_event(content: Content, zone: str, minutes: int, names: list[str], *, unchecked: bool = False) -> dict[str, str]:
    """Return what the report of a major event lacks, or says too much.

    :param minutes: within which leadership must know; `names`: people's names found in the words, by whom nobody need be meant.
    :param unchecked: whoever writes has no key to the roll: pupils' names were not looked for.
    """
    found = {}
    if content.get("kind") not in EVENTS:
        found["kind"] = "unknown"
    known = moment_of(str(content.get("day", "")), str(content.get("clock", "")), zone)
    if known is None:
        found["day"] = "empty"
    elif known > now():
        found["day"] = "in_future"
    elif (now() - known).total_seconds() > minutes * 60 and not str(content.get("why_late") or "").strip():
        found["why_late"] = "why_late"
    for name in ("what", "measures", "needs"):
        found |= _words(name, content)
    if len(str(content.get("place") or "")) > LONGEST_LINE:
        found["place"] = "too_long"
    if (names or unchecked) and not content.get("no_name"):
        found.setdefault("what", "no_names" if names else "names_unchecked")
    return found


def texts_of_event(content: Content) -> list[str]:
    """Return every free text of an event."""
    return [str(content.get(name) or "") for name in ("what", "place", "measures", "needs", "why_late")]
