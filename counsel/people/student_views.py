"""Views about students: codes, class sheets, guests, imported tables. Registered on the blueprint of the door."""

from datetime import date, timedelta
from typing import Any

from flask import current_app, flash, render_template, request, stream_template, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.errors import InvalidError
from counsel.people.cards import StudentCard
from counsel.people.door import blueprint
from counsel.people.forms import GuestForm, RollForm, StudentSearchForm
from counsel.people.guardians import import_guardians
from counsel.people.guests import register_guest
from counsel.people.invitations import invite_class, invite_student, look_up_student
from counsel.people.roll import import_students
from counsel.people.staff_views import id_of
from counsel.people.timetable import import_timetable
from counsel.web.forms import clean
from counsel.web.page import go, page
from counsel.web.progress import with_progress

SHEET_DAYS = 60


@page(blueprint, "/students", Permission.STUDENT_INVITE, ("GET", "POST"))
def students(db: Session, actor: SignedIn) -> Any:
    """Find one student by number and print a code: half a minute at the desk."""
    form = StudentSearchForm()
    found = None
    if form.validate_on_submit():
        try:
            found = look_up_student(db, actor=actor, student_no=form.student_no.data)
        except InvalidError as error:
            form.take(error)
    guest = GuestForm(formdata=None)
    return render_template("people/students.html", form=form, found=found, guest=guest), 422 if form.errors else 200


@page(blueprint, "/students/<student>/code", Permission.STUDENT_INVITE, ("POST",))
def student_code(db: Session, actor: SignedIn, student: str) -> Any:
    """Issue a student's code, to be printed and handed over in person."""
    student_id = id_of(db, actor, Permission.STUDENT_INVITE, student)
    code, card = invite_student(db, actor=actor, student_id=student_id, ends=now() + timedelta(days=SHEET_DAYS))
    return _sheet([(code, card)])


def _sheet(rows: list[tuple[str, StudentCard]]) -> str:
    return render_template("people/student_code.html", rows=rows, until=date.today() + timedelta(days=SHEET_DAYS))


@page(blueprint, "/students/sheets", Permission.STUDENT_INVITE, ("POST",))
def class_sheets(db: Session, actor: SignedIn) -> Any:
    """Printed sheets for a whole class."""
    name = clean(request.form.get("class_name"))[:60]
    rows = invite_class(db, actor=actor, class_name=name, ends=now() + timedelta(days=SHEET_DAYS))
    if not rows:
        flash(_("Nobody of this class waits for a code. Write the class exactly as it stands on the roll."), "warm")
        return go(url_for("people.students"))
    return _sheet(rows)


@page(blueprint, "/guests", Permission.STUDENT_INVITE, ("POST",))
def guests(db: Session, actor: SignedIn) -> Any:
    """Register a parent or a colleague as a possible client, and print their code."""
    form = GuestForm()
    if form.validate_on_submit():
        try:
            row, _number = register_guest(db, actor=actor, name=form.name.data, born=form.born.data, kind=form.kind.data)
        except InvalidError as error:
            form.take(error)
        else:
            ends = now() + timedelta(days=SHEET_DAYS)
            return _sheet([invite_student(db, actor=actor, student_id=row.student_id, ends=ends)])
    return render_template("people/students.html", form=StudentSearchForm(formdata=None), found=None, guest=form), 422


IMPORTS = {"students": import_students, "guardians": import_guardians, "timetable": import_timetable}


@page(blueprint, "/roll", Permission.ROLL_IMPORT, ("GET", "POST"))
def roll(db: Session, actor: SignedIn) -> Any:
    """Import a table: the page tells how far it is while it works, and row by row what is wrong."""
    form = RollForm()
    if not form.validate_on_submit():
        return render_template("people/roll.html", form=form), 422 if form.errors else 200
    raw, act = form.roll.data.read(), IMPORTS[form.kind.data]

    def work(progress: Any) -> Any:
        """Import in a database session of its own, so that a closed browser stops nothing half-way."""
        with current_sessions() as own:
            return act(own, actor=actor, raw=raw, progress=progress)

    current_sessions = current_app.extensions["counsel_sessions"]
    return stream_template("people/importing.html", steps=with_progress(work))
