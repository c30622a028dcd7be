"""Views of sessions: begin, the note, homework, one's own working notes."""

from datetime import timedelta
from functools import partial
from typing import Any

from flask import Blueprint, current_app, flash, jsonify, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import at_local, now, today
from counsel.core.errors import ConflictError
from counsel.core.ids import parse_id
from counsel.pathway.appointments.requests import next_time
from counsel.pathway.cases.dossier import NOTE
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.pages import back_to, edit_page, writable
from counsel.pathway.cases.services import find_case
from counsel.pathway.sessions.forms import BeginForm, HomeworkForm, NoteForm
from counsel.pathway.sessions.homework import answer_homework, give_homework
from counsel.pathway.sessions.models import CounsellingSession
from counsel.pathway.sessions.process import read_process_note, write_process_note
from counsel.pathway.sessions.services import begin_session, read_notes, write_note
from counsel.web.forms import clean
from counsel.web.i18n import stamp
from counsel.web.messages import conflict_words
from counsel.web.page import go, page, whole

blueprint = Blueprint("sessions", __name__)
WRITE = Permission.CASE_WRITE


@page(blueprint, "/cases/<case>/sessions", WRITE, ("POST",))
def begin(db: Session, actor: SignedIn, case: str) -> Any:
    """T15: a session is held; go on to its note."""
    found = writable(db, actor, case)
    form = BeginForm()
    if not form.validate():
        flash(_("Choose how it was held, when it began and for how many minutes."), "stop")
        return back_to(found)
    zone, minute = current_app.config["ZONE"], form.begun.data.hour * 60 + form.begun.data.minute
    begun_at = at_local(today(zone), minute, zone)
    if begun_at > now():  # the evening before, written down after midnight
        begun_at = at_local(today(zone) - timedelta(days=1), minute, zone)
    place = {"mode": form.mode.data, "minutes": form.minutes.data, "crisis": bool(form.crisis.data), "begun_at": begun_at}
    session = begin_session(db, actor=actor, case=found, **place)
    return go(url_for("sessions.note", case=found.case_id, number=session.number))


@page(blueprint, "/cases/<case>/sessions/<int(max=9999):number>", Permission.NOTE_READ, ("GET", "POST"))
def note(db: Session, actor: SignedIn, case: str, number: int) -> Any:
    """F06: draft, sign, append."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.NOTE_READ)
    there = db.get(CounsellingSession, (found.case_id, number))
    if there is None:
        require(db, actor, Permission.NOTE_READ, None)

    save = partial(write_note, db, actor=actor, case=found, number=number)
    return edit_page(db, actor, found, NOTE, NoteForm, "sessions/note.html", save, number, partial(_booked, db, found))


def _booked(db: Session, case: Case) -> dict[str, str]:
    """Return the next time that is booked already."""
    moment = next_time(db, case.client_id, case.counsellor_id)
    return {"next_on": stamp(moment)} if moment is not None else {}


@page(blueprint, "/cases/<case>/notes", Permission.NOTE_READ)
def notes(db: Session, actor: SignedIn, case: str) -> Any:
    """All signed notes of a case to read through before the next session."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.NOTE_READ)
    form = NoteForm(formdata=None)
    labels = {field.name: field.label.text for field in form if field.name not in ("csrf_token", "format")}
    return render_template("sessions/notes.html", case=found, rows=read_notes(db, actor=actor, case=found), labels=labels)


@page(blueprint, "/cases/<case>/homework", WRITE, ("POST",))
def homework(db: Session, actor: SignedIn, case: str) -> Any:
    """Give a task until next time."""
    found = writable(db, actor, case)
    form = HomeworkForm()
    if not form.validate():
        flash(_("Write the task in a few words; the day is optional."), "stop")
        return back_to(found)
    number = whole(request.form.get("session_no", "")) or 0
    give_homework(db, actor=actor, case=found, session_no=number, task=form.task.data, due_on=form.due_on.data)
    flash(_("Given. The client sees it and may decline."))
    return back_to(found)


@page(blueprint, "/cases/<case>/homework/<int(max=9999):number>", WRITE, ("POST",))
def homework_answer(db: Session, actor: SignedIn, case: str, number: int) -> Any:
    """Note what the client says of a task."""
    found = writable(db, actor, case)
    state, result = request.form.get("state", ""), clean(request.form.get("result"))
    answer_homework(db, actor=actor, case=found, number=number, state=state, result=result)
    flash(_("Recorded."))
    return back_to(found)


@page(blueprint, "/cases/<case>/process", Permission.PROCESS_NOTE, ("GET", "POST"))
def process(db: Session, actor: SignedIn, case: str) -> Any:
    """One's own working notes on a case, for nobody else."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.PROCESS_NOTE)
    problem = ""
    text, version = read_process_note(db, actor=actor, case=found)
    if request.method == "POST":
        seen = whole(request.form.get("version", "0"))
        typed = clean(request.form.get("text"))
        try:
            version = write_process_note(db, actor=actor, case=found, text=typed, seen_version=-1 if seen is None else seen)
        except ConflictError as error:
            if request.form.get("do") == "autosave":
                return jsonify(message=conflict_words(error.reason)), 409
            problem, text, version = conflict_words(error.reason), typed, seen or 0
        else:
            if request.form.get("do") == "autosave":
                return jsonify(version=version, message=_("Saved."))
            flash(_("Saved for you alone."))
            return go(request.path)
    page_ = render_template("sessions/process.html", case=found, text=text, version=version, problem=problem)
    return page_, 409 if problem else 200
