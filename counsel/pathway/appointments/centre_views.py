"""Views of the centre's side: day sheet, walk-in, duty, triage, a teacher's concern. Same blueprint as `views`."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import local, today
from counsel.core.errors import ConflictError, InvalidError, TransitionError
from counsel.core.ids import parse_id
from counsel.pathway.appointments.concerns import raise_concern
from counsel.pathway.appointments.duty import call_duty, duty_tasks, finish_task, read_task
from counsel.pathway.appointments.forms import ConcernForm, WalkInForm
from counsel.pathway.appointments.lapsing import is_late_request
from counsel.pathway.appointments.merging import link_client
from counsel.pathway.appointments.reception import (
    cancel_for_centre,
    check_in,
    confirm_request,
    day_sheet,
    note_absence,
    offer_time,
    read_request,
    register_walk_in,
    standing_appointment,
    waiting_requests,
)
from counsel.pathway.appointments.talks import offer_talk
from counsel.pathway.appointments.views import blueprint
from counsel.people.staff import account_name, staff_name
from counsel.risk.cards import cards_unseen, has_card
from counsel.risk.questions import BOOKING, QUESTIONS
from counsel.roster.queries import coming_days, free_slots
from counsel.tasks.services import CONTACT_OUTCOMES, REVIEW_OUTCOMES
from counsel.web.forms import options
from counsel.web.i18n import moment_words
from counsel.web.messages import conflict_words, problem_words
from counsel.web.page import go, page, zone_of

RECEIVE = Permission.APPOINTMENT_RECEIVE


@page(blueprint, "/desk", Permission.APPOINTMENT_SHEET)
def desk(db: Session, actor: SignedIn) -> Any:
    """The day sheet: number and initial; names on request, for this page."""
    day = _day_asked(db)
    rows = day_sheet(db, actor=actor, day=day, names=False)
    return _desk_page(db, day, rows, False)


@page(blueprint, "/desk/names", Permission.NAME_REVEAL, ("POST",))
def desk_names(db: Session, actor: SignedIn) -> Any:
    """The day sheet with names."""
    day = _day_asked(db)
    return _desk_page(db, day, day_sheet(db, actor=actor, day=day, names=True), True)


def _day_asked(db: Session) -> date:
    here = today(zone_of(db))
    try:
        day = date.fromisoformat(request.values.get("day", ""))
    except ValueError:
        return here
    return day if abs((day - here).days) < 3660 else here


def _desk_page(db: Session, day: date, rows: list[Any], names: bool) -> str:
    who = {row.appointment.counsellor_id: staff_name(db, row.appointment.counsellor_id) for row in rows}
    around = (day - timedelta(days=1), day + timedelta(days=1))
    return render_template(
        "appointments/desk.html", day=day, rows=rows, who=who, names=names, around=around, today=today(zone_of(db))
    )


@page(blueprint, "/desk/<appointment>/times", RECEIVE)
def times(db: Session, actor: SignedIn, appointment: str) -> Any:
    """Choose another time to offer; the old one stands until the client says yes."""
    row = standing_appointment(db, actor=actor, appointment_id=parse_id(appointment))
    slots = [slot for day in coming_days(db, 7) for slot in free_slots(db, day, holder_id=row.counsellor_id)]
    return render_template("appointments/times.html", row=row, slots=slots, name=staff_name(db, row.counsellor_id))


@page(blueprint, "/desk/<appointment>/<act>", RECEIVE, ("POST",))
def receive(db: Session, actor: SignedIn, appointment: str, act: str) -> Any:
    """Check in, note an absence, cancel for the centre, offer another time."""
    number = parse_id(appointment)
    if act == "check-in":
        row = check_in(db, actor=actor, appointment_id=number)
        flash(
            _("Checked in.")
            if row.state == "checked_in"
            else _("More than half an hour late: the time is forfeited. Offer a new one.")
        )
    elif act == "absent":
        note_absence(db, actor=actor, appointment_id=number)
        flash(_("Noted. A kind message goes to the client's page."))
    elif act == "cancel":
        cancel_for_centre(db, actor=actor, appointment_id=number, reason=request.form.get("reason", "counsellor_away"))
        flash(_("Cancelled for the centre; it does not count against the client."))
    elif act == "link":
        return _link(db, actor, number)
    elif act == "offer":
        offer_time(db, actor=actor, appointment_id=number, slot_key=request.form.get("slot", ""))
        flash(_("Offered. The old time stands until the client says yes."))
    else:
        raise TransitionError("NO_STEP")
    return go(url_for("appointments.desk"))


def _link(db: Session, actor: SignedIn, number: UUID | None) -> Any:
    """Say that somebody registered by name is on the roll."""
    try:
        link_client(db, actor=actor, appointment_id=number, student_no=request.form.get("student_no", "")[:40])
    except InvalidError as error:
        flash(problem_words(error.problems["student_no"]), "stop")
    else:
        flash(_("Joined: one person, one card."))
    return go(url_for("appointments.desk"))


@page(blueprint, "/walk-in", RECEIVE, ("GET", "POST"))
def walk_in(db: Session, actor: SignedIn) -> Any:
    """Register somebody who stands at the desk, in one short form."""
    form = WalkInForm()
    slots = [slot for day in coming_days(db, 3) for slot in free_slots(db, day)][:20]
    form.slot.choices = options([(s.key, f"{moment_words(s.starts_at)} · {staff_name(db, s.holder_id)}") for s in slots])
    if form.validate_on_submit():
        try:
            place = {"student_no": form.student_no.data, "name": form.name.data, "slot_key": form.slot.data or ""}
            row = register_walk_in(db, actor=actor, mode=form.mode.data, **place)
        except InvalidError as error:
            form.take(error)
        except ConflictError as error:
            form.slot.errors = [conflict_words(error.reason)]
        else:
            flash(_("Booked for %(time)s.", time=moment_words(row.starts_at)))
            return go(url_for("appointments.desk", day=local(row.starts_at, zone_of(db)).date().isoformat()))
    return render_template("appointments/walk_in.html", form=form), 422 if form.errors else 200


@page(blueprint, "/help", Permission.DUTY_CALL, ("POST",))
def help_here(db: Session, actor: SignedIn) -> Any:
    """Somebody needs help at my desk: call duty, without text."""
    call_duty(db, actor=actor)
    flash(_("The duty counsellor has been called. Stay with the person; in danger ring 120 or 110."), "warm")
    return go(url_for("home.today"))


@page(blueprint, "/duty", Permission.TASK_LIST)
def duty(db: Session, actor: SignedIn) -> Any:
    """What waits for duty: tasks, and requests without a counsellor."""
    waiting = waiting_requests(db, actor=actor) if actor.on_duty or actor.role == "director" else []
    names = {row.counsellor_id: staff_name(db, row.counsellor_id) for row in waiting}
    late = {row.appointment_id for row in waiting if is_late_request(db, row)}
    place = {"tasks": duty_tasks(db, actor=actor), "waiting": waiting, "names": names, "late": late}
    place["unseen"] = cards_unseen(db, actor=actor) if actor.on_duty or actor.role == "director" else 0
    return render_template("appointments/duty.html", **place)


@page(blueprint, "/duty/request/<appointment>", Permission.REQUEST_READ, ("GET", "POST"))
def triage(db: Session, actor: SignedIn, appointment: str) -> Any:
    """Read a request and confirm it."""
    number = parse_id(appointment)
    if request.method == "POST":
        rank = request.form.get("rank", "0")
        confirm_request(db, actor=actor, appointment_id=number, queue_rank=int(rank) if rank in ("0", "1", "2") else 0)
        flash(_("Confirmed. From now on only the assigned counsellor opens the words."))
        return go(url_for("appointments.duty"))
    row, words = read_request(db, actor=actor, appointment_id=number)
    questions = [(question.code, _(question.text)) for question in QUESTIONS if question.code in BOOKING]
    questions.append(("urgent", _("Is it urgent?")))
    name = staff_name(db, row.counsellor_id)
    return render_template("appointments/triage.html", row=row, said=words, questions=questions, name=name)


@page(blueprint, "/duty/task/<task>", Permission.TASK_END, ("GET", "POST"))
def task(db: Session, actor: SignedIn, task: str) -> Any:
    """Open a task and end it with the recorded contact."""
    number = parse_id(task)
    if request.method == "POST" and request.form.get("student_no"):
        return _offer(db, actor, number, request.form["student_no"][:40])
    if request.method == "POST":
        outcome = request.form.get("outcome", "")
        if outcome in (*CONTACT_OUTCOMES, *REVIEW_OUTCOMES[1:]):
            finish_task(db, actor=actor, task_id=number, outcome=outcome)
            flash(_("Recorded. Thank you."))
            return go(url_for("appointments.duty"))
        flash(_("Choose what came of it."), "stop")
    return _task_page(db, actor, number)


def _offer(db: Session, actor: SignedIn, number: UUID | None, student_no: str) -> Any:
    """Offer the student of a concern a talk."""
    try:
        seen = offer_talk(db, actor=actor, task_id=number, student_no=student_no)
    except InvalidError as error:
        return _task_page(db, actor, number, problem_words(error.problems["student_no"])), 422
    flash(
        _("Offered. It waits on the student's page; nothing happens until the student says yes.")
        if seen
        else _("Offered. The student has no account yet: print a code and hand it over in person, without saying why."),
        "" if seen else "warm",
    )
    return go(url_for("appointments.duty"))


def _task_page(db: Session, actor: SignedIn, number: UUID | None, problem: str = "") -> str:
    row, said, card = read_task(db, actor=actor, task_id=number)
    questions = [(question.code, _(question.text)) for question in QUESTIONS if question.code in BOOKING]
    questions.append(("urgent", _("Is it urgent?")))
    caller = account_name(db, row.object_id)
    watched = row.client_id is not None and row.object_id is not None and has_card(db, row.client_id)
    place = {"row": row, "said": said, "card": card, "questions": questions, "caller": caller, "watched": watched}
    return render_template("appointments/task.html", problem=problem, **place)


@page(blueprint, "/concern", Permission.CONCERN_RAISE, ("GET", "POST"))
def concern(db: Session, actor: SignedIn) -> Any:
    """A class teacher raises a concern; the answer is always the same."""
    form = ConcernForm()
    if form.validate_on_submit():
        try:
            raise_concern(db, actor=actor, about=form.about.data, text=form.text.data)
        except InvalidError as error:
            form.take(error)
        else:
            return render_template("appointments/concern_sent.html")
    return render_template("appointments/concern.html", form=form), 422 if form.errors else 200
