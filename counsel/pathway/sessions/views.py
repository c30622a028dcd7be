"""Views of a case's page and its session notes."""

from typing import Any

from flask import Blueprint, flash, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.rules import Permission
from counsel.core.ids import parse_id
from counsel.keys.boxes import readers_of
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.cases.countersign import second_signature
from counsel.pathway.cases.dossier import NOTE, signed_items
from counsel.pathway.cases.pages import edit_page
from counsel.pathway.cases.services import cover_of, find_case, moves_of
from counsel.pathway.intake.consent import age_of, client_of, guardian_settled, present_consent
from counsel.pathway.intake.services import screen_today
from counsel.pathway.sessions.forms import BeginForm, NoteForm
from counsel.pathway.sessions.models import CounsellingSession
from counsel.pathway.sessions.services import begin_session, sessions_of, write_note
from counsel.web.page import go, page

blueprint = Blueprint("sessions", __name__)


@page(blueprint, "/cases/<case>", Permission.CASE_READ)
def case(db: Session, actor: SignedIn, case: str) -> Any:
    """One case: pathway, what happened, what comes next."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_READ)
    card = client_of(db, actor=actor, case=found)
    agreed = present_consent(db, found)
    second = second_signature(db, agreed.countersign_id) if agreed else None
    times = db.query(Appointment).filter_by(client_id=found.client_id, counsellor_id=found.counsellor_id)
    return render_template(
        "sessions/case.html",
        case=found,
        cover=cover_of(db, actor=actor, case=found),
        card=card,
        age=age_of(db, card),
        items=signed_items(db, found),
        consent=agreed,
        settled=agreed is not None and guardian_settled(db, agreed),
        second=second,
        sole=len({grant.holder_id for grant in readers_of(db, found.box_id)}) == 1,
        screen=screen_today(db, found),
        sessions=sessions_of(db, found),
        moves=moves_of(db, found),
        coming=times.filter(Appointment.state.in_(("confirmed", "offered"))).order_by(Appointment.starts_at).all(),
        begin=BeginForm(formdata=None),
    )


@page(blueprint, "/cases/<case>/sessions", Permission.CASE_WRITE, ("POST",))
def begin(db: Session, actor: SignedIn, case: str) -> Any:
    """T15: a session is held; go on to its note."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_WRITE)
    form = BeginForm()
    if not form.validate():
        flash(_("Choose how it was held and for how many minutes."), "stop")
        return go(url_for("sessions.case", case=found.case_id))
    session = begin_session(db, actor=actor, case=found, mode=form.mode.data, minutes=form.minutes.data)
    return go(url_for("sessions.note", case=found.case_id, number=session.number))


@page(blueprint, "/cases/<case>/sessions/<int:number>", Permission.NOTE_WRITE, ("GET", "POST"))
def note(db: Session, actor: SignedIn, case: str, number: int) -> Any:
    """F06: draft, sign, append."""
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.NOTE_READ)
    if number > 9999 or db.get(CounsellingSession, (found.case_id, number)) is None:
        require(db, actor, Permission.NOTE_READ, None)

    def save(content: dict[str, Any], seen: int, sign: bool) -> None:
        """Save or sign this form."""
        write_note(db, actor=actor, case=found, number=number, content=content, seen_version=seen, sign=sign)

    return edit_page(db, actor, found, NOTE, NoteForm, "sessions/note.html", save, number=number)
