"""Views about people: my account, rules, staff, students, the roll. Registered on the blueprint of the door."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import flash, make_response, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.devices import end_device, my_devices
from counsel.access.gate import refuse
from counsel.access.sign_ins import SignedIn, change_role
from counsel.confidentiality.roles import Role
from counsel.confidentiality.rules import Permission
from counsel.core.clock import now
from counsel.core.errors import InvalidError
from counsel.core.ids import parse_id
from counsel.people.cards import StudentCard
from counsel.people.door import blueprint
from counsel.people.forms import (
    ConfirmCodeForm,
    CredentialForm,
    EducationForm,
    RollForm,
    StaffForm,
    StudentSearchForm,
    passphrase_field,
)
from counsel.people.invitations import invite_class, invite_staff, invite_student, look_up_student, reinvite_staff
from counsel.people.recovery import change_passphrase, confirm_code
from counsel.people.roll import import_students
from counsel.people.rule_texts import acknowledge_rule, rules_waiting
from counsel.people.staff import colleagues, dismiss, record_credential, record_education, vouch_for
from counsel.web.forms import Form, clean
from counsel.web.page import COOKIE, address, device_name, go, page, set_cookie, whole

SHEET_DAYS = 60


class ChangeForm(Form):
    """Old and new passphrase."""

    old = passphrase_field("")
    new = passphrase_field("")


def _id_of(db: Session, actor: SignedIn, permission: Permission, text: str) -> UUID:
    """Return the id in an address, or refuse as if it named nothing."""
    found = parse_id(text)
    if found is None:
        refuse(db, actor, permission)
    return found


@page(blueprint, "/account", Permission.ACCOUNT_OWN)
def account(db: Session, actor: SignedIn) -> Any:
    """My account: role, devices, code, passphrase."""
    return render_template("people/account.html", devices=my_devices(db, actor=actor), form=ChangeForm(), code=ConfirmCodeForm())


@page(blueprint, "/account/passphrase", Permission.ACCOUNT_OWN, ("POST",))
def change_my_passphrase(db: Session, actor: SignedIn) -> Any:
    """Change my passphrase."""
    form = ChangeForm()
    if form.validate_on_submit():
        try:
            change_passphrase(db, actor=actor, old=form.old.data, new=form.new.data, address=address())
        except InvalidError as error:
            form.take(error)
        else:
            flash(_("Your passphrase is changed. Every other device has been signed out."))
            return go(url_for("people.account"))
    devices = my_devices(db, actor=actor)
    return render_template("people/account.html", devices=devices, form=form, code=ConfirmCodeForm(formdata=None)), 422


@page(blueprint, "/account/code", Permission.ACCOUNT_OWN, ("POST",))
def confirm_my_code(db: Session, actor: SignedIn) -> Any:
    """Type the printed code back once."""
    form = ConfirmCodeForm()
    try:
        confirm_code(db, actor=actor, code=form.code.data or "")
    except InvalidError as error:
        form.take(error)
        devices = my_devices(db, actor=actor)
        return render_template("people/account.html", devices=devices, form=ChangeForm(formdata=None), code=form), 422
    flash(_("The code fits. Keep the paper where only you find it."))
    return go(url_for("home.today"))


@page(blueprint, "/account/role", Permission.ACCOUNT_OWN, ("POST",))
def switch_role(db: Session, actor: SignedIn) -> Any:
    """Act in another of my roles."""
    wanted = request.form.get("role", "")
    role = next((role for role in actor.roles if role == wanted), actor.role)
    person = change_role(db, actor=actor, role=Role(role), device=device_name())
    response = go(url_for("home.today"))
    set_cookie(response, COOKIE, person.token)
    return response


@page(blueprint, "/account/devices", Permission.ACCOUNT_OWN, ("POST",))
def end_my_device(db: Session, actor: SignedIn) -> Any:
    """Sign one of my devices out."""
    if end_device(db, actor=actor, number=request.form.get("number", "")):
        flash(_("That device is signed out."))
    return go(url_for("people.account"))


@page(blueprint, "/rules", Permission.ACKNOWLEDGE, ("GET", "POST"))
def rules(db: Session, actor: SignedIn) -> Any:
    """Codes and rules that wait for my acknowledgement."""
    if request.method == "POST":
        version = whole(request.form.get("version", "")) or 0
        acknowledge_rule(db, actor=actor, code=request.form.get("code", ""), version=version)
        return go(url_for("people.rules"))
    return render_template("people/rules.html", waiting=rules_waiting(db, actor=actor))


@page(blueprint, "/staff", Permission.STAFF_LIST, ("GET", "POST"))
def staff(db: Session, actor: SignedIn) -> Any:
    """Colleagues: invite, vouch, dismiss."""
    form = StaffForm()
    code = None
    if form.validate_on_submit():
        roles = {Role(name) for name in form.roles.data or []}
        try:
            code = invite_staff(db, actor=actor, login=form.login.data, display=form.display.data, roles=roles)
        except InvalidError as error:
            form.take(error)
    status = 422 if form.errors else 200
    return render_template("people/staff.html", people=colleagues(db, actor=actor), form=form, code=code), status


@page(blueprint, "/staff/<account>/vouch", Permission.STAFF_VOUCH, ("POST",))
def vouch(db: Session, actor: SignedIn, account: str) -> Any:
    """Vouch for a colleague after comparing the fingerprint in person."""
    account_id = _id_of(db, actor, Permission.STAFF_VOUCH, account)
    missing = vouch_for(db, actor=actor, account_id=account_id, seen=request.form.get("seen", ""))
    if missing:
        flash(_("Noted. A second colleague must vouch as well before the keys work."), "warm")
    else:
        flash(_("Done. The colleague can work from the next sign-in on."))
    return go(url_for("home.today"))


@page(blueprint, "/staff/<account>/reset", Permission.STAFF_INVITE, ("POST",))
def reset(db: Session, actor: SignedIn, account: str) -> Any:
    """Start a reset: a new code, which opens no vault."""
    account_id = _id_of(db, actor, Permission.STAFF_INVITE, account)
    code = reinvite_staff(db, actor=actor, account_id=account_id)
    return render_template("people/staff.html", people=colleagues(db, actor=actor), form=StaffForm(formdata=None), code=code)


@page(blueprint, "/staff/<account>/dismiss", Permission.STAFF_DISMISS, ("POST",))
def dismiss_here(db: Session, actor: SignedIn, account: str) -> Any:
    """End a colleague's access at once."""
    account_id = _id_of(db, actor, Permission.STAFF_DISMISS, account)
    dismiss(db, actor=actor, account_id=account_id)
    flash(_("Access has ended, on every device, from this moment."))
    return go(url_for("people.staff"))


@page(blueprint, "/staff/<holder>/log", Permission.CREDENTIAL_RECORD, ("GET", "POST"))
def credentials(db: Session, actor: SignedIn, holder: str) -> Any:
    """A colleague's competence log."""
    form = CredentialForm()
    holder_id = _id_of(db, actor, Permission.CREDENTIAL_RECORD, holder)
    if form.validate_on_submit():
        try:
            fields = {name: value for name, value in form.data.items() if name != "csrf_token"}
            record_credential(db, actor=actor, holder_id=holder_id, **fields)
        except InvalidError as error:
            form.take(error)
        else:
            flash(_("Recorded."))
            return go(url_for("people.staff"))
    return render_template("people/credentials.html", form=form), 422 if form.errors else 200


@page(blueprint, "/staff/<account>/education", Permission.CREDENTIAL_RECORD, ("GET", "POST"))
def education(db: Session, actor: SignedIn, account: str) -> Any:
    """A colleague's continuing education."""
    form = EducationForm()
    staff_id = _id_of(db, actor, Permission.CREDENTIAL_RECORD, account)
    if form.validate_on_submit():
        place = {"topic": form.topic.data, "minutes": form.minutes.data, "on_date": form.on_date.data}
        record_education(db, actor=actor, staff_id=staff_id, **place)
        flash(_("Recorded."))
        return go(url_for("people.staff"))
    return render_template("people/education.html", form=form), 422 if form.errors else 200


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
    return render_template("people/students.html", form=form, found=found), 422 if form.errors else 200


@page(blueprint, "/students/<student>/code", Permission.STUDENT_INVITE, ("POST",))
def student_code(db: Session, actor: SignedIn, student: str) -> Any:
    """Issue a student's code, to be printed and handed over in person."""
    student_id = _id_of(db, actor, Permission.STUDENT_INVITE, student)
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


@page(blueprint, "/roll", Permission.ROLL_IMPORT, ("GET", "POST"))
def roll(db: Session, actor: SignedIn) -> Any:
    """Import the roll from a CSV file."""
    form, report = RollForm(), None
    if form.validate_on_submit():
        report = import_students(db, actor=actor, raw=form.roll.data.read())
    status = 422 if report is not None and report.problems else 200
    return make_response(render_template("people/roll.html", form=form, report=report), status)
