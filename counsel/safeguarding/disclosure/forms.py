"""The words of a disclosure, and the typed page brought into the shape a disclosure has."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from counsel.confidentiality.limits import LimitCode
from counsel.confidentiality.telling import CEILING, WHOM, Part, To
from counsel.safeguarding.disclosure.draft import MOST_RECIPIENTS, Content
from counsel.web.forms import clean
from counsel.web.page import whole

TO_WORDS = {
    To.CLASS_TEACHER: _l("class teacher or adviser"),
    To.GUARDIAN: _l("guardian"),
    To.LEADER: _l("school leader"),
    To.RELATED: _l("dormitory, security, somebody in danger"),
    To.HOSPITAL: _l("hospital or rescuers"),
    To.AUTHORITY: _l("police, court, education bureau, civil affairs"),
    To.NAMED: _l("whom the client named"),
}
PART_WORDS = {
    Part.IDENTITY: _l("Name and class"),
    Part.CONCERN: _l("That there is a concern for safety, and how grave"),
    Part.ADVICE: _l("What to do, what not to do, whom to ring, until when"),
    Part.FACTS: _l("Facts that safety needs: means, time, place"),
    Part.SUMMARY: _l("The assessment in short"),
    Part.CONTENT: _l("Words from sessions"),
}
SHOWN_WORDS = {
    Part.IDENTITY: _l("It is about"),
    Part.CONCERN: _l("Why we write"),
    Part.ADVICE: _l("Please do"),
    Part.FACTS: _l("What you need to know"),
    Part.SUMMARY: _l("The assessment in short"),
    Part.CONTENT: _l("In their words"),
}
WAY_WORDS = {"page": _l("on the own page here"), "code": _l("by a code over the telephone"), "spoken": _l("by word of mouth")}
STATE_WORDS = {
    "draft": _l("being written"),
    "submitted": _l("waits for a yes"),
    "approved": _l("may be sent"),
    "declined": _l("declined"),
    "sent": _l("sent"),
    "withdrawn": _l("given up"),
}
FINDING_WORDS = {
    "in_order": _l("In order"),
    "too_much": _l("More was told than was needed"),
    "too_late": _l("It came too late"),
    "not_needed": _l("It should not have been told"),
}
REASON_FIELDS = (
    "purpose",
    "door",
    "paper_no",
    "paper_body",
    "statute",
    "informed",
    "why_not",
    "tell_on",
    "withheld",
    "release",
    "called",
)
TO_FIELDS = ("kind", "holder", "name", "phone", "way")


def content_of(form: Mapping[str, str], hours: int) -> Content:
    """Return what was typed in the shape of a disclosure; whatever it does not know is left out."""
    content: Content = {name: clean(form.get(name)) for name in REASON_FIELDS}
    content["code"] = form.get("code", "")
    content["others_needed"] = form.get("others_needed") == "y"
    content["guardian_known"] = form.get("guardian_known") == "y"
    count = min(whole(form.get("count", "0")) or 0, MOST_RECIPIENTS)
    content["recipients"] = [_recipient(form, f"r{at}_", hours) for at in range(count) if form.get("drop") != str(at)]
    if form.get("do") == "add" and len(content["recipients"]) < MOST_RECIPIENTS:
        content["recipients"].append({"kind": "", "way": "", "hours": hours, "parts": {}})
    return content


def _recipient(form: Mapping[str, str], at: str, hours: int) -> dict[str, Any]:
    found: dict[str, Any] = {name: clean(form.get(at + name)) for name in TO_FIELDS}
    typed = whole(form.get(f"{at}hours", ""))
    found["hours"] = hours if typed is None else typed
    found["print"] = form.get(f"{at}print") == "y"
    found["parts"] = {
        str(part): {"need": clean(form.get(f"{at}n_{part}")), "text": clean(form.get(f"{at}t_{part}")) or _usual(part)}
        for part in Part
        if form.get(f"{at}p_{part}") == "y"
    }
    return found


def _usual(part: Part) -> str:
    """Return what a concern says when nothing else is written."""
    return (
        _("The counselling centre is concerned for this person's safety and asks for your help.") if part is Part.CONCERN else ""
    )


def parts_for(code: str, kind: str) -> list[tuple[Part, bool]]:
    """Return every part and whether this kind of recipient may ever be told it under this limit."""
    known = code in set(LimitCode) and kind in set(To)
    return [(part, known and To(kind) in WHOM[LimitCode(code)] and part in CEILING[To(kind)]) for part in Part]


def kinds_for(code: str) -> list[To]:
    """Return whom this limit lets be told."""
    return list(WHOM[LimitCode(code)]) if code in set(LimitCode) else list(To)
