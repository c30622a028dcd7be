"""Views of booking (students), reception (desk, counsellors), duty, and a teacher's concern."""

from datetime import date
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import local, now
from counsel.core.errors import ConflictError, InvalidError
from counsel.core.ids import parse_id
from counsel.pathway.appointments.alarms import is_alarming, raise_alarm
from counsel.pathway.appointments.booking import book
from counsel.pathway.appointments.forms import SAFETY, ContactForm, ReasonForm
from counsel.pathway.appointments.models import MODES
from counsel.pathway.appointments.reminders import ask_reminder, has_reminder, reminder_time, stop_reminder
from counsel.pathway.appointments.requests import (
    Wish,
    accept_offer,
    cancel_own,
    find_own,
    move_own,
    my_appointments,
)
from counsel.pathway.appointments.talks import answer_talk
from counsel.people.conflicts import barred_for_oneself
from counsel.people.staff import staff_name
from counsel.risk.questions import ANSWERS, BOOKING, QUESTIONS
from counsel.roster.queries import Slot, coming_days, free_slots, rooms
from counsel.web.forms import clean
from counsel.web.i18n import moment_words, select_locale
from counsel.web.messages import conflict_words, problem_words
from counsel.web.page import go, page, zone_of

blueprint = Blueprint("appointments", __name__)
CARRIED = ("slot", "mode", "notice", *SAFETY, "contact_way", "phone", "who_answers", "reason")
NOTICE_VERSION = 1
OWN, ASK = Permission.APPOINTMENT_OWN, Permission.APPOINTMENT_REQUEST


def _chosen_day(days: list[date]) -> date | None:
    wanted = request.args.get("day", "")
    return next((day for day in days if day.isoformat() == wanted), days[0] if days else None)


def _slot_page(db: Session, template: str, actor: SignedIn, holder_id: Any = None, **more: Any) -> str:
    """Render a page on which a time is chosen; whoever teaches the student's class is not offered (篇9 一7)."""
    days = coming_days(db)
    whom = {"holder_id": holder_id, "client_id": actor.client_id, "without": barred_for_oneself(db, actor)}
    per_day = {day: free_slots(db, day, **whom) for day in days}
    day = _chosen_day([day for day in days if per_day[day]] if "day" not in request.args else days)
    slots = per_day.get(day, []) if day else []
    names = {slot.holder_id: staff_name(db, slot.holder_id) for slot in slots}
    parts = _parts(db, slots)
    return render_template(template, days=per_day, day=day, parts=parts, names=names, **more)


def _parts(db: Session, slots: list[Slot]) -> list[tuple[str, list[Slot]]]:
    zone = zone_of(db)
    morning = [slot for slot in slots if local(slot.starts_at, zone).hour < 13]
    return [(half, part) for half, part in (("morning", morning), ("afternoon", [s for s in slots if s not in morning])) if part]


@page(blueprint, "/book", ASK)
def choose(db: Session, actor: SignedIn) -> Any:
    """Step 1: choose a time."""
    return _slot_page(db, "appointments/choose.html", actor, mode=request.args.get("mode", "in_person"), move=None)


@page(blueprint, "/book/step", ASK, ("POST",))
def step(db: Session, actor: SignedIn) -> Any:
    """Steps 2 to 4: the limits, three questions and how to reach you, a few words; then send."""
    typed = {name: request.form.get(name, "") for name in CARRIED}
    wanted = request.form.get("step")
    if not typed["slot"]:
        flash(_("Choose a time first."), "warm")
        return go(url_for("appointments.choose"))
    if wanted == "limits":
        return _step_page("limits", typed)
    if not typed["notice"]:
        return _step_page("limits", typed, problem=problem_words("unread"))
    if wanted == "safety":
        return _step_page("safety", typed, contact=ContactForm(formdata=None))
    contact = ContactForm()
    answers = {code: typed[code] for code in SAFETY}
    if wanted == "reason" and is_alarming(answers):  # before anything else is looked at
        raise_alarm(db, actor=actor, answers=answers, phone=typed["phone"], again=True)
    if any(answer not in ANSWERS for answer in answers.values()) or not contact.validate() or _phone_missing(contact):
        problem = problem_words("unanswered") if any(answer not in ANSWERS for answer in answers.values()) else ""
        return _step_page("safety", typed, contact=contact, problem=problem, alarming=is_alarming(answers))
    reason = ReasonForm()
    if wanted != "send" or not reason.validate():
        if wanted != "send":
            reason = ReasonForm(formdata=None, reason=typed["reason"])
        return _step_page("reason", typed, form=reason, alarming=is_alarming(answers))
    return _send(db, actor, typed, answers, reason)


def _phone_missing(contact: ContactForm) -> bool:
    digits = sum(ch.isdigit() for ch in contact.phone.data or "")
    if contact.contact_way.data == "phone" and not 5 <= digits <= 15:
        contact.phone.errors = [problem_words("no_phone")]
        return True
    return False


def _step_page(name: str, typed: dict[str, str], problem: str = "", **more: Any) -> Any:
    questions = [(question.code, _(question.text)) for question in QUESTIONS if question.code in BOOKING]
    body = render_template(f"appointments/{name}.html", typed=typed, problem=problem, questions=questions, **more)
    return body, 422 if problem else 200


def _send(db: Session, actor: SignedIn, typed: dict[str, str], answers: dict[str, str], form: ReasonForm) -> Any:
    wish = Wish(
        slot=typed["slot"],
        mode=typed["mode"] if typed["mode"] in MODES else "in_person",
        answers=answers,
        reason=form.reason.data,
        contact_way=typed["contact_way"],
        phone=typed["phone"],
        who_answers=typed["who_answers"],
        notice_version=NOTICE_VERSION,
    )
    try:
        appointment = book(db, actor=actor, wish=wish)
    except ConflictError as error:
        if error.reason != "slot_taken":
            raise
        return _slot_page(db, "appointments/again.html", actor, typed=typed, words=conflict_words(error.reason)), 409
    except InvalidError as error:
        form.take(error)
        return _step_page("reason", typed, form=form, alarming=is_alarming(answers), problem=" ")
    return go(url_for("appointments.mine", sent=appointment.state))


@page(blueprint, "/my-times", OWN)
def mine(db: Session, actor: SignedIn) -> Any:
    """My appointments, coming and past."""
    rows = my_appointments(db, actor=actor)
    known = {row.counsellor_id: staff_name(db, row.counsellor_id) for row in rows}
    return _mine_page(db, rows, known)


def _mine_page(db: Session, rows: list[Any], known: dict[Any, str], problem: str = "", about: Any = None) -> Any:
    place: dict[str, Any] = {"rows": rows, "names": known, "rooms": rooms(db), "sent": request.args.get("sent")}
    place["reminded"] = {row.appointment_id for row in rows if has_reminder(db, row)}
    place["remindable"] = {row.appointment_id for row in rows if reminder_time(db, row) > now()}
    body = render_template("appointments/mine.html", problem=problem, about=about, **place)
    return (body, 422) if problem else body


@page(blueprint, "/my-times/<appointment>/remind", OWN, ("POST",))
def remind(db: Session, actor: SignedIn, appointment: str) -> Any:
    """Ask to be reminded the evening before, or no longer."""
    row = find_own(db, actor=actor, appointment_id=parse_id(appointment))
    if request.form.get("act") == "stop":
        stop_reminder(db, actor=actor, appointment=row)
        flash(_("Nothing is sent."))
        return go(url_for("appointments.mine"))
    place = {"channel": request.form.get("channel", ""), "address": clean(request.form.get("address"))}
    try:
        ask_reminder(db, actor=actor, appointment=row, language=select_locale(), **place)
    except InvalidError as error:
        rows = my_appointments(db, actor=actor)
        known = {found.counsellor_id: staff_name(db, found.counsellor_id) for found in rows}
        return _mine_page(db, rows, known, problem_words(next(iter(error.problems.values()))), row.appointment_id)
    flash(_("You will be reminded the evening before."))
    return go(url_for("appointments.mine"))


@page(blueprint, "/my-times/<appointment>/cancel", OWN, ("POST",))
def cancel(db: Session, actor: SignedIn, appointment: str) -> Any:
    """Cancel or decline, without a reason."""
    row = cancel_own(db, actor=actor, appointment_id=parse_id(appointment))
    flash(
        _("Cancelled. It was short notice; next time a day ahead helps somebody else.")
        if row.late_cancel
        else _("Cancelled. You can book again whenever you like.")
    )
    return go(url_for("appointments.mine"))


@page(blueprint, "/my-times/<appointment>/accept", OWN, ("POST",))
def accept(db: Session, actor: SignedIn, appointment: str) -> Any:
    """Say yes to another time."""
    row = accept_offer(db, actor=actor, appointment_id=parse_id(appointment))
    flash(_("Agreed: %(time)s.", time=moment_words(row.starts_at)))
    return go(url_for("appointments.mine"))


@page(blueprint, "/my-times/<appointment>/move", OWN, ("GET", "POST"))
def move(db: Session, actor: SignedIn, appointment: str) -> Any:
    """Take another published time."""
    old = find_own(db, actor=actor, appointment_id=parse_id(appointment))
    problem = ""
    if request.method == "POST":
        try:
            row = move_own(db, actor=actor, appointment_id=old.appointment_id, slot_key=request.form.get("slot", ""))
        except ConflictError as error:
            problem = conflict_words(error.reason)
        else:
            flash(_("Moved to %(time)s.", time=moment_words(row.starts_at)))
            return go(url_for("appointments.mine"))
    body = _slot_page(
        db,
        "appointments/choose.html",
        actor,
        old.counsellor_id if old.assigned else None,
        mode=old.mode,
        move=old,
        problem=problem,
    )
    return body, 409 if problem else 200


@page(blueprint, "/talk/<offer>", OWN, ("POST",))
def answer(db: Session, actor: SignedIn, offer: str) -> Any:
    """Say yes or no to a talk that was offered; nobody learns the answer."""
    yes = request.form.get("answer") == "yes"
    answer_talk(db, actor=actor, offer_id=parse_id(offer), accepted=yes)
    if yes:
        return go(url_for("appointments.choose"))
    flash(_("That is all right. Nobody is told, and you can come whenever you like."))
    return go(url_for("home.today"))
