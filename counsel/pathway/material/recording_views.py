"""Views of recordings: the consent, bringing one in, hearing it in pieces, taking it back, copies and holds."""

from functools import partial
from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.decide import role_may
from counsel.confidentiality.permissions import Permission
from counsel.core.database import house_of
from counsel.core.errors import InvalidError
from counsel.core.ids import parse_id
from counsel.pathway.cases.dossier import RECORDING
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.pages import edit_page, writable
from counsel.pathway.cases.services import find_case
from counsel.pathway.material.consent import consents, newest_consent, possible_viewers, write_consent
from counsel.pathway.material.erasing import copy_given, decide_wish, holds, lift_hold, set_hold, wishes
from counsel.pathway.material.forms import MEDIUM_WORDS, PARTY_WORDS, PURPOSE_WORDS, TOLD_WORDS, RecordingForm
from counsel.pathway.material.models import CopyWish
from counsel.pathway.material.reading import bytes_of, open_material
from counsel.pathway.material.recordings import copies_to_give, find_recording, hearable, open_copy, recordings_in, span_of
from counsel.pathway.material.services import begin
from counsel.pathway.material.stopping import TakenBack, stop_use
from counsel.pathway.material.views import announced, answer_range, asked_range, blueprint, bring_whole, came, parts_follow
from counsel.records.inspecting import VIDEO
from counsel.web.forms import clean, options
from counsel.web.messages import problem_words
from counsel.web.page import go, page, whole

READ, WRITE, ADD = Permission.CASE_READ, Permission.CASE_WRITE, Permission.CASE_FOLLOW_UP
HEAR = Permission.RECORDING_HEAR


@page(blueprint, "/cases/<case>/recordings", READ, ("GET", "POST"))
def recordings(db: Session, actor: SignedIn, case: str) -> Any:
    """A case's recording consents and what was recorded; bring one in under a consent that stands."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=ADD if request.method == "POST" else READ)
    if request.method == "GET":
        return _list(db, actor, found)
    file = request.files.get("file")
    in_parts = request.form.get("do") == "parts"
    typed = {"kind": request.form.get("kind", ""), "title": clean(request.form.get("title"))}
    place = {"consent_id": parse_id(request.form.get("consent", "")), "size": announced() if in_parts else came(file)}
    try:
        row = begin(db, actor=actor, case=found, **typed, **place)  # type: ignore[arg-type]
        if in_parts:
            return parts_follow(row)
        assert file is not None
        bring_whole(db, actor, row, file)
    except InvalidError as error:
        problems = {name: problem_words(code) for name, code in error.problems.items()}
        return ({"problems": problems}, 422) if in_parts else (_list(db, actor, found, problems), 422)
    flash(_("Sealed and kept, for those who were agreed to."))
    return go(url_for("material.recordings", case=found.case_id))


def _list(db: Session, actor: SignedIn, case: Case, problems: dict[str, str] | None = None) -> str:
    rows = recordings_in(db, case)
    place: dict[str, Any] = {
        "given": consents(db, actor=actor, case=case),
        "rows": rows,
        "copies": {row.material_id: wish for row in rows if (wish := db.get(CopyWish, row.material_id)) is not None},
        "mine": {one.row.material_id for one in hearable(db, actor=actor)},
        "newest": newest_consent(db, case),
        "said": {"medium": MEDIUM_WORDS, "purpose": PURPOSE_WORDS},
        "problems": problems or {},
        "most": house_of(db).settings.recording_most_mib,
        "own": actor.holder_id == case.counsellor_id,
    }
    return render_template("material/recordings.html", case=case, **place)


@page(blueprint, "/cases/<case>/recordings/<int(max=999):number>", WRITE, ("GET", "POST"))
def recording_consent(db: Session, actor: SignedIn, case: str, number: int) -> Any:
    """F13, written for the client, and below 18 a guardian, to say yes to."""
    found = writable(db, actor, case)
    number = min(number, newest_consent(db, found) + 1)
    form_class = partial(_form, options(possible_viewers(db, found)))
    save = partial(write_consent, db, actor=actor, case=found, number=number)
    return edit_page(db, actor, found, RECORDING, form_class, "sessions/form.html", save, number)


def _form(people: list[Any], **given: Any) -> RecordingForm:
    form = RecordingForm(**given)
    form.supervision.choices = form.teaching.choices = people
    return form


@page(blueprint, "/recordings", Permission.RECORDING_LIST)
def hearing(db: Session, actor: SignedIn) -> Any:
    """What I may hear; for the director also wishes for copies, and holds."""
    return _hearing(db, actor, {})


def _hearing(db: Session, actor: SignedIn, problems: dict[str, str]) -> str:
    place: dict[str, Any] = {"rows": hearable(db, actor=actor), "said": {"medium": MEDIUM_WORDS, "purpose": PURPOSE_WORDS}}
    decides, stops = role_may(actor, Permission.COPY_DECIDE), role_may(actor, Permission.RECORDING_STOP)
    place |= {"decides": decides, "stops": stops, "problems": problems, "copies": copies_to_give(db, actor=actor)}
    place |= {"parties": PARTY_WORDS, "ways": TOLD_WORDS}
    place |= {"wishes": wishes(db, actor=actor), "holds": holds(db, actor=actor)} if decides else {}
    return render_template("material/hearing.html", **place)


@page(blueprint, "/recordings/wishes/<material>", Permission.COPY_DECIDE, ("POST",))
def wish(db: Session, actor: SignedIn, material: str) -> Any:
    """Let the client have a copy, or have the recording erased without."""
    decide_wish(db, actor=actor, material_id=parse_id(material), give=request.form.get("do") == "give")
    flash(_("Decided."))
    return go(url_for("material.hearing"))


@page(blueprint, "/recordings/stop", Permission.RECORDING_STOP, ("POST",))
def stop(db: Session, actor: SignedIn) -> Any:
    """Note that client or guardian took a yes back, by the numbers of case and session."""
    case_no, session_no = (whole(request.form.get(name, "")) for name in ("case", "session"))
    said = TakenBack(case_no, session_no, request.form.get("party", ""), request.form.get("way", ""))
    try:
        stop_use(db, actor=actor, said=said)
    except InvalidError as error:
        problems = {("case" if name == "number" else name): problem_words(code) for name, code in error.problems.items()}
        return _hearing(db, actor, problems), 422
    flash(_("Taken back. Nobody hears it any more; it is erased today, unless the law holds it."))
    return go(url_for("material.hearing"))


@page(blueprint, "/recordings/holds", Permission.HOLD_SET, ("POST",))
def hold(db: Session, actor: SignedIn) -> Any:
    """Set a hold over a case by its number, or lift one."""
    if request.form.get("hold"):
        lift_hold(db, actor=actor, hold_id=parse_id(request.form["hold"]))
        flash(_("Lifted."))
    else:
        try:
            set_hold(db, actor=actor, number=whole(request.form.get("number", "")))
        except InvalidError as error:
            return _hearing(db, actor, {name: problem_words(code) for name, code in error.problems.items()}), 422
        flash(_("Nothing of this case is erased until you lift it."))
    return go(url_for("material.hearing"))


@page(blueprint, "/recordings/<material>", HEAR)
def hear(db: Session, actor: SignedIn, material: str) -> Any:
    """The page that plays one recording."""
    row, case = find_recording(db, actor=actor, material_id=parse_id(material), permission=HEAR)
    held, _box = open_material(db, actor=actor, row=row)
    seen = held.type is not None and held.type.family == VIDEO
    return render_template("material/hear.html", held=held, row=row, case=case, seen=seen, said=MEDIUM_WORDS)


@page(blueprint, "/recordings/<material>/play", HEAR)
def play(db: Session, actor: SignedIn, material: str) -> Any:
    """A few MiB of a recording; whether the yes stands is asked for every one of them."""
    row, case = find_recording(db, actor=actor, material_id=parse_id(material), permission=HEAR)
    held, box = open_material(db, actor=actor, row=row)
    asked = asked_range(held)
    span = span_of(held.size, asked)
    if span is None:
        return "", 416, {"Content-Range": f"bytes */{held.size}"}
    body = bytes_of(db, held_=held, box=box, start=span[0], length=span[1])
    return answer_range(held, case, body, span, partial=asked is not None, how="inline")


@page(blueprint, "/recordings/<material>/copy", Permission.COPY_GIVE, ("GET", "POST"))
def copy(db: Session, actor: SignedIn, material: str) -> Any:
    """The copy that the director let the client have; once it is handed over the recording is erased."""
    row, case = find_recording(db, actor=actor, material_id=parse_id(material), permission=Permission.COPY_GIVE)
    if request.method == "GET":
        held, box = open_copy(db, actor=actor, row=row)
        body = bytes_of(db, held_=held, box=box, start=0, length=held.size)
        return answer_range(held, case, body, (0, held.size), partial=False, how="attachment")
    copy_given(db, actor=actor, row=row)
    flash(_("Erased: the client has the only copy."))
    return go(url_for("material.hearing") if case.is_filed else url_for("material.recordings", case=row.case_id))
