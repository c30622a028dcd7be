"""What the house itself knows of a form and writes into it before it is signed: days, times, numbers, the level.

It is part of the signed text, so that the sheet and the sealed file say it without the tables beside them (domain §1.7).
"""

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from counsel.web.shell import MODE_WORDS

KNOWN: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "agreed_on": (_l("Agreed for"), str),
    "opened_on": (_l("Begun on"), str),
    "last_on": (_l("Last session on"), str),
    "held_on": (_l("Date"), str),
    "time": (_l("From, to"), str),
    "mode": (_l("How"), lambda mode: MODE_WORDS.get(mode, mode)),
    "crisis": (_l("A crisis, outside the set hours"), lambda told: _("yes") if told else ""),
    "minutes": (_l("Length of a session, minutes"), str),
    "cancel_hours": (_l("Cancelling is free until so many hours before"), str),
    "kept_years": (_l("Kept after the closing for years, the longer after danger"), str),
    "sessions": (_l("Number of sessions"), str),
    "on_paper": (_l("Of these before, on paper"), str),
    "level": (_l("Risk level"), str),
    "suggestion": (_l("Suggested class, an aid"), str),
}


def known_lines(content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return (label, text) of everything the house wrote into a form."""
    lines = [(label, word(content[name])) for name, (label, word) in KNOWN.items() if content.get(name) not in (None, "")]
    return [(label, text) for label, text in lines if text]
