"""The words of reports, and the typed pages brought into the shape a report has."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from counsel.safeguarding.reports.draft import BODIES, MOST_SUSPECTS, SIGNS
from counsel.web.forms import clean

SIGN_WORDS = {
    "injury": _l("Injuries that do not fit what is said about them"),
    "neglect": _l("Severe neglect, hunger, unconsciousness, left without care"),
    "violence": _l("Beaten, abused, bullied"),
    "sexual": _l("Sexual assault, or signs of it"),
    "pregnancy": _l("Under 14 and pregnant, or after an abortion"),
    "abandoned": _l("Abandoned, or long without a guardian"),
    "trafficking": _l("Sold, bought, abducted, of unknown origin"),
    "begging": _l("Made to beg"),
    "other": _l("Other unlawful harm, or danger of it"),
}
BODY_WORDS = {"police": _l("Police (110)"), "education": _l("Education bureau"), "civil": _l("Civil affairs")}
EVENT_WORDS = {
    "death": _l("A death"),
    "harm_self": _l("A life in danger by one's own hand"),
    "harm_others": _l("Violence, or grave danger to others"),
    "abuse": _l("Harm to a minor"),
    "missing": _l("Somebody missing"),
    "many": _l("Many are affected"),
    "outside": _l("Press, authorities or a crowd from outside"),
    "secrecy": _l("A breach of secrecy"),
    "other": _l("Something else that is grave"),
}
END_WORDS = {
    "reported": _l("made"),
    "known": _l("reported before, nothing new"),
    "of_age": _l("of age, not owed"),
}


def report_of(form: Mapping[str, str], ticked: list[str]) -> dict[str, Any]:
    """Return what was typed in the shape of a mandatory report."""
    content: dict[str, Any] = {name: clean(form.get(name)) for name in ("seen", "safe_now", "child_knows", "why_later")}
    content["signs"] = [code for code in SIGNS if code in ticked]
    content["calls"] = {
        body: {part: clean(form.get(f"{body}_{part}")) for part in ("day", "clock", "taken", "reply")} for body in BODIES
    }
    people = [
        {"name": clean(form.get(f"suspect_{at}")), "holder": form.get(f"suspect_holder_{at}", "")} for at in range(MOST_SUSPECTS)
    ]
    content["suspects"] = [one for one in people if one["name"] or one["holder"]]
    return content


def event_of(form: Mapping[str, str], but: list[str]) -> dict[str, Any]:
    """Return what was typed in the shape of a major event; `but`: holders of leadership who are left out."""
    names = ("kind", "day", "clock", "place", "what", "measures", "needs", "why_late")
    return {**{name: clean(form.get(name)) for name in names}, "no_name": form.get("no_name") == "y", "but": but}
