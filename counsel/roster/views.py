"""Views of the roster: duty of each half-day, rooms, weekly hours."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import InvalidError
from counsel.core.ids import parse_id
from counsel.people.staff import counsellors, staff_name
from counsel.roster.forms import VISITOR_WORDS, HoursForm, RoomForm, VisitForm
from counsel.roster.models import HALVES, Availability
from counsel.roster.queries import rooms, week_of_duty
from counsel.roster.services import add_room, publish_hours, set_duty
from counsel.roster.visits import begin_visit, end_visit, visits
from counsel.web.forms import options
from counsel.web.i18n import weekday_word
from counsel.web.messages import problem_words
from counsel.web.page import go, page

blueprint = Blueprint("roster", __name__)
WRITE, LOG = Permission.ROSTER_WRITE, Permission.ROOM_LOG


def _page(db: Session, room: RoomForm, hours: HoursForm, status: int = 200) -> Any:
    people = counsellors(db)
    hours.holder.choices = options([(holder.hex, name) for holder, name in people])
    hours.weekday.choices = options([(str(day), weekday_word(day)) for day in range(7)])
    hours.room.choices = options([(key.hex, found.name) for key, found in rooms(db).items()])
    rows = db.query(Availability).order_by(Availability.weekday, Availability.start_minute).all()
    place = {"people": dict(people), "rooms": rooms(db), "duty": week_of_duty(db), "halves": HALVES, "rows": rows}
    return render_template("roster/week.html", room=room, hours=hours, **place), status


@page(blueprint, "/roster", WRITE)
def week(db: Session, actor: SignedIn) -> Any:
    """The week: who has duty, who has hours."""
    return _page(db, RoomForm(formdata=None), HoursForm(formdata=None))


@page(blueprint, "/roster/duty", WRITE, ("POST",))
def duty(db: Session, actor: SignedIn) -> Any:
    """Put somebody on duty for a half-day."""
    day, half = request.form.get("weekday", ""), request.form.get("half", "")
    holder = parse_id(request.form.get("holder", ""))
    if day in "0123456" and len(day) == 1 and half in HALVES:
        try:
            set_duty(db, actor=actor, weekday=int(day), half=half, holder_id=holder)
            flash(_("Duty recorded."))
        except InvalidError as error:
            flash(problem_words(error.problems["holder"]), "stop")
    return go(url_for("roster.week"))


@page(blueprint, "/roster/rooms", WRITE, ("POST",))
def room(db: Session, actor: SignedIn) -> Any:
    """Add a room."""
    form = RoomForm()
    if not form.validate():
        return _page(db, form, HoursForm(formdata=None), 422)
    add_room(db, actor=actor, name=form.name.data, place=form.place.data or "")
    return go(url_for("roster.week"))


@page(blueprint, "/roster/hours", WRITE, ("POST",))
def hours(db: Session, actor: SignedIn) -> Any:
    """Publish weekly hours."""
    form = HoursForm()
    _page(db, RoomForm(formdata=None), form)
    if not form.validate():
        return _page(db, RoomForm(formdata=None), form, 422)
    start, end = (field.data.hour * 60 + field.data.minute for field in (form.start, form.end))
    place = {"weekday": int(form.weekday.data), "start_minute": start, "end_minute": end}
    try:
        publish_hours(db, actor=actor, holder_id=UUID(form.holder.data), room_id=UUID(form.room.data), **place)
    except InvalidError as error:
        form.take(error)
        return _page(db, RoomForm(formdata=None), form, 422)
    flash(_("Hours published."))
    return go(url_for("roster.week"))


@page(blueprint, "/rooms/visits", LOG, ("GET", "POST"))
def visit_log(db: Session, actor: SignedIn) -> Any:
    """Who is in a room and may not be there alone; write somebody down."""
    form = VisitForm()
    form.room.choices = options([(key.hex, found.name) for key, found in rooms(db).items()])
    form.escort.choices = options([("", _("choose")), *((holder.hex, name) for holder, name in counsellors(db))])
    if request.method == "POST" and form.validate():
        place = {"who": form.who.data, "words": form.words.data}
        place |= {"room_id": parse_id(form.room.data or ""), "escort_id": parse_id(form.escort.data or "")}
        try:
            begin_visit(db, actor=actor, **place)
            flash(_("Written down."))
            return go(url_for("roster.visit_log"))
        except InvalidError as error:
            form.take(error)
    rows = visits(db, actor=actor)
    names = {escort_id: staff_name(db, escort_id) for escort_id in {one.row.escort_id for one in rows}}
    place = {"rows": rows, "rooms": rooms(db), "names": names, "said": VISITOR_WORDS}
    return render_template("roster/visits.html", form=form, **place), 422 if form.errors else 200


@page(blueprint, "/rooms/visits/<visit>", LOG, ("POST",))
def visit_over(db: Session, actor: SignedIn, visit: str) -> Any:
    """They have left."""
    end_visit(db, actor=actor, visit_id=parse_id(visit))
    flash(_("Written down."))
    return go(url_for("roster.visit_log"))
