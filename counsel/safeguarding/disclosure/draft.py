"""What a disclosure says before it leaves: starts empty, is brought into one shape, and is checked against the ceiling."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from counsel.confidentiality.limits import LimitCode
from counsel.confidentiality.telling import READ_ONCE, WHOM, Approval, Part, Telling, To, approval_for, may_be_told
from counsel.core.clock import now
from counsel.people.exclusions import Excluded

Content = dict[str, Any]
MOST_RECIPIENTS, LONGEST, LONGEST_REASON, LONGEST_NAME = 8, 300, 1000, 80
PAGE, CODE, SPOKEN = "page", "code", "spoken"
TOLD_FIRST, NOT_FIRST = "told", "not_told"
IMMINENT = 4
PAPER, STATUTE = "paper", "statute"
DIRECT = {To.CLASS_TEACHER: "head_teacher", To.LEADER: "school_leader"}  # who reads it on the own page needs this role


@dataclass(frozen=True)
class Known:
    """What the check needs to know beside the form.

    :param level: the level in force; `roles`: holder as hex → roles in which colleagues may be told something on their page;
        `names`: holder as hex → the colleague's name.
    :param excluded: who must hear nothing; `others`: names of other people found in the texts.
    :param release: what the client has signed, for EX5; None without it.
    :param guardians: the names that the roll lists as the client's guardians today.
    :param nameless: the client's card does not open, so that the name must be typed.
    """

    level: int
    today: date
    most_days: int
    later_days: int
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    excluded: tuple[Excluded, ...] = ()
    others: tuple[str, ...] = ()
    release: Mapping[str, Any] | None = None
    guardians: tuple[str, ...] = ()
    nameless: bool = False


def empty(level: int) -> Content:
    """Return what a disclosure is when it begins: nothing chosen, nobody named."""
    return {"level": level, "recipients": []}


def telling_of(content: Content, recipient: Mapping[str, Any], level: int) -> Telling:
    """Return what the ceiling asks about one recipient."""
    behind = {PAPER: "paper_no", STATUTE: "statute"}.get(content.get("door", ""), "")
    return Telling(LimitCode(content["code"]), level, recipient.get("way") == SPOKEN, bool(content.get(behind)))


def approval_of(content: Content, level: int) -> Approval:
    """Return who must say yes to this one."""
    return approval_for(LimitCode(content["code"]), level)


def problems_of(content: Content, known: Known) -> dict[str, str]:
    """Return what keeps a disclosure from leaving, field by field; empty when nothing does."""
    found = _problems_of_reason(content, known)
    if content.get("code") not in set(LimitCode):
        return {"code": "unknown", **found}
    if not content["recipients"]:
        found["recipients"] = "nobody_named"
    for at, recipient in enumerate(content["recipients"]):
        found |= {f"r{at}_{name}": code for name, code in _problems_of_recipient(content, recipient, known).items()}
    if known.others and not content.get("others_needed"):
        found["others_needed"] = "other_people"
    if unlisted_guardians(content, known) and not content.get("guardian_known"):
        found["guardian_known"] = "not_on_list"
    return found


def unlisted_guardians(content: Content, known: Known) -> list[str]:
    """Return who is to be told as a guardian and does not stand on the roll as one; at level 4 nobody is held up by it."""
    if known.level >= IMMINENT:
        return []
    told = [to["name"] for to in content["recipients"] if to.get("kind") == To.GUARDIAN and to.get("name")]
    return [name for name in told if not is_listed(name, known.guardians)]


def is_listed(name: str, guardians: Iterable[str]) -> bool:
    """Return whether a name is one of the listed guardians', however it is spaced."""
    return any(Excluded(listed).is_meant(name) for listed in guardians)


def _problems_of_reason(content: Content, known: Known) -> dict[str, str]:
    found = {name: "too_long" for name, text in content.items() if isinstance(text, str) and len(text) > LONGEST_REASON}
    found |= {} if content.get("purpose", "").strip() else {"purpose": "empty"}
    if known.nameless and not str(content.get("called") or "").strip():
        found["called"] = "empty"
    if content.get("code") == LimitCode.EX4:
        needed = {PAPER: ("paper_no", "paper_body"), STATUTE: ("statute",)}.get(content.get("door", ""))
        found |= {name: "empty" for name in needed or () if not content.get(name, "").strip()}
        if needed is None:
            found["door"] = "unknown"
    if content.get("code") == LimitCode.EX5:
        return found if known.release else {**found, "release": "no_release"}
    if content.get("informed") not in (TOLD_FIRST, NOT_FIRST):
        found["informed"] = "unknown"
    if content.get("informed") == NOT_FIRST:
        found |= _problems_of_delay(content, known)
    return found


def _problems_of_delay(content: Content, known: Known) -> dict[str, str]:
    found = {} if content.get("why_not", "").strip() else {"why_not": "empty"}
    day = day_of(content.get("tell_on", ""))
    if day is None or not known.today <= day <= known.today + timedelta(days=known.later_days):
        found["tell_on"] = "told_later"
    return found


def _problems_of_recipient(content: Content, recipient: Mapping[str, Any], known: Known) -> dict[str, str]:
    found = {name: "too_long" for name, text in recipient.items() if isinstance(text, str) and len(text) > LONGEST_NAME}
    to = recipient.get("kind")
    if to not in WHOM[LimitCode(content["code"])]:
        found["kind"] = "not_for_this"
    if not recipient.get("name", "").strip():
        found["name"] = "empty"
    if any(person.is_meant(recipient.get("name", ""), recipient.get("holder", "")) for person in known.excluded):
        found["name"] = "excluded"
    found |= _problems_of_way(recipient, known)
    if not recipient["parts"]:
        found["parts"] = "nothing_chosen"
    for part, said in recipient["parts"].items():
        if to in set(To) and not may_be_told(telling_of(content, recipient, known.level), To(str(to)), Part(part)):
            found[f"p_{part}"] = "above_ceiling"
        if not said.get("need", "").strip():
            found[f"n_{part}"] = "empty"
        if not said.get("text", "").strip() and part not in (Part.IDENTITY, Part.CONCERN):
            found[f"t_{part}"] = "empty"
        if len(said.get("text", "")) > LONGEST or len(said.get("need", "")) > LONGEST:
            found[f"t_{part}"] = "too_long"
    return found | (_problems_of_release(recipient, known.release) if content["code"] == LimitCode.EX5 else {})


def _problems_of_way(recipient: Mapping[str, Any], known: Known) -> dict[str, str]:
    way, to, found = recipient.get("way"), recipient.get("kind"), {}
    if way == PAGE:
        roles = known.roles.get(recipient.get("holder", ""), ())
        wanted = DIRECT.get(To(to)) if to in set(To) else None
        if recipient.get("name", "") != known.names.get(recipient.get("holder", ""), recipient.get("name", "")):
            found["name"] = "not_this_colleague"
        if not roles or (wanted and wanted not in roles) or to in (To.GUARDIAN, To.HOSPITAL, To.AUTHORITY):
            found["way"] = "no_page"
    elif way == CODE:
        if len(_digits(recipient.get("phone", ""))) < 4:
            found["phone"] = "phone"
    elif way != SPOKEN:
        found["way"] = "unknown"
    if not 1 <= int(recipient.get("hours") or 0) <= known.most_days * 24:
        found["hours"] = "too_far"
    return found


def _digits(text: str) -> str:
    return "".join(ch for ch in text if ch in "0123456789")


def last_digits(phone: str) -> str:
    """Return the last four digits of the number that is rung: the second fact beside a code."""
    return _digits(phone)[-4:]


def _problems_of_release(recipient: Mapping[str, Any], release: Mapping[str, Any] | None) -> dict[str, str]:
    if release is None:
        return {}
    found = {}
    if not Excluded(str(release["name"])).is_meant(recipient.get("name", "")):
        found["name"] = "not_released"
    found |= {f"p_{part}": "not_released" for part in recipient["parts"] if part not in release["scope"]}
    end = day_of(str(release["until"]))
    if end is None or (now() + timedelta(hours=int(recipient.get("hours") or 0))).date() > end + timedelta(days=1):
        found["hours"] = "not_released"
    return found


def day_of(text: str) -> date | None:
    """Return the day a text names, or None."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def lines_for(content: Content, recipient: Mapping[str, Any], who: str, level: int) -> tuple[list[Content], list[Content]]:
    """Return exactly what one recipient is shown: (what may be read until its end, what may be read once).

    :param who: the client's name, with the class for whoever may know it.
    """
    lines: list[Content] = []
    for part in Part:
        said = recipient["parts"].get(part)
        if said is not None:
            line: Content = {"part": str(part), "text": said.get("text", "")}
            if part is Part.IDENTITY:
                line["text"] = "\n".join(text for text in (who, said.get("text", "")) if text)
            if part is Part.CONCERN:
                line["level"] = level
            lines.append(line)
    return [line for line in lines if line["part"] not in READ_ONCE], [line for line in lines if line["part"] in READ_ONCE]


def end_of(recipient: Mapping[str, Any]) -> datetime:
    """Return until when a recipient may read, to the second, from now on."""
    return now().replace(microsecond=0) + timedelta(hours=int(recipient["hours"]))


def texts_of(content: Content) -> Iterable[str]:
    """Return every text that leaves with a disclosure."""
    return [said.get("text", "") for recipient in content["recipients"] for said in recipient["parts"].values()]
