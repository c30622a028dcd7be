"""Form F13: what client and guardian say yes to before anything is recorded."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectMultipleField

from counsel.web.forms import Form, day, line, options

MEDIUM_WORDS = {"audio": _l("sound"), "video": _l("sound and picture")}
PURPOSE_WORDS = {
    "own": _l("the counsellor, to look back on the session"),
    "supervision": _l("for supervision"),
    "teaching": _l("for teaching"),
}
PARTY_WORDS = {"client": _l("the client"), "guardian": _l("a guardian")}
TOLD_WORDS = {"in_room": _l("said in the room"), "by_phone": _l("said on the telephone"), "on_paper": _l("signed on paper")}


class RecordingForm(Form):
    """F13: one session, its media, each purpose by itself with the people who may hear it, the last day."""

    session_no = line(_l("Which session, by its number"), most=3, needed=False)
    media = SelectMultipleField(_l("What is recorded"), choices=options(MEDIUM_WORDS.items()), validate_choice=False)
    own = BooleanField(_l("The counsellor may listen to it, to look back on the session"))
    supervision = SelectMultipleField(_l("Who may listen to it for supervision"), choices=[], validate_choice=False)
    teaching = SelectMultipleField(_l("Who may listen to it for teaching"), choices=[], validate_choice=False)
    until = day(
        _l("Erased at the latest on"),
        hint=_l("The yes can be taken back at any time, without a reason: nobody hears it any more, it is erased the same day."),
    )
