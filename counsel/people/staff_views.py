"""Views about staff: colleagues, vouching, leaving, competence logs, deputies. Registered on the blueprint of the door."""

from typing import Any
from uuid import UUID

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.gate import refuse
from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.errors import InvalidError, TransitionError
from counsel.core.ids import parse_id
from counsel.people.deputies import end_deputy, my_deputies, name_deputy, possible_deputies
from counsel.people.door import blueprint
from counsel.people.forms import CredentialForm, DeputyForm, EducationForm, StaffForm
from counsel.people.invitations import invite_staff, reinvite_staff
from counsel.people.openings import look, openings_to_look_at, patterns_of_late
from counsel.people.staff import cases_lost_with, colleagues, dismiss, record_credential, record_education, vouch_for
from counsel.web.forms import options
from counsel.web.page import go, page, whole


def id_of(db: Session, actor: SignedIn, permission: Permission, text: str) -> UUID:
    """Return the id in an address, or refuse as if it named nothing."""
    found = parse_id(text)
    if found is None:
        refuse(db, actor, permission)
    return found


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
    account_id = id_of(db, actor, Permission.STAFF_VOUCH, account)
    missing = vouch_for(db, actor=actor, account_id=account_id, seen=request.form.get("seen", ""))
    if missing == ["archive"]:
        flash(_("Vouched. An archivist who has the archive's key lets the colleague in by signing in once."), "warm")
    elif missing:
        flash(_("Noted. A second colleague must vouch as well before the keys work."), "warm")
    else:
        flash(_("Done. The colleague can work from the next sign-in on."))
    return go(url_for("home.today"))


@page(blueprint, "/staff/<account>/reset", Permission.STAFF_INVITE, ("POST",))
def reset(db: Session, actor: SignedIn, account: str) -> Any:
    """Start a reset: a new code, which opens no vault."""
    account_id = id_of(db, actor, Permission.STAFF_INVITE, account)
    lost = cases_lost_with(db, actor=actor, account_id=account_id)
    if lost and not request.form.get("knowing"):
        return render_template("people/sole_reader.html", lost=lost, act=request.path, word=_("New activation code")), 409
    code = reinvite_staff(db, actor=actor, account_id=account_id)
    return render_template("people/staff.html", people=colleagues(db, actor=actor), form=StaffForm(formdata=None), code=code)


@page(blueprint, "/openings", Permission.OPENING_LOOK, ("GET", "POST"))
def openings(db: Session, actor: SignedIn) -> Any:
    """Openings that wait for somebody's look, and what stood out of late."""
    if request.method == "POST":
        look(db, actor=actor, seq=whole(request.form.get("seq", "")) or 0, finding=request.form.get("finding", ""))
        return go(url_for("people.openings"))
    place = {"rows": openings_to_look_at(db, actor=actor), "patterns": patterns_of_late(db, actor=actor)}
    return render_template("people/openings.html", **place)


@page(blueprint, "/staff/<account>/dismiss", Permission.STAFF_DISMISS, ("POST",))
def dismiss_here(db: Session, actor: SignedIn, account: str) -> Any:
    """End a colleague's access at once."""
    account_id = id_of(db, actor, Permission.STAFF_DISMISS, account)
    try:
        dismiss(db, actor=actor, account_id=account_id, knowing=bool(request.form.get("knowing")))
    except TransitionError:
        lost = cases_lost_with(db, actor=actor, account_id=account_id)
        return render_template("people/sole_reader.html", lost=lost, act=request.path, word=_("End access now")), 409
    flash(_("Access has ended, on every device, from this moment."))
    return go(url_for("people.staff"))


@page(blueprint, "/staff/<holder>/log", Permission.CREDENTIAL_RECORD, ("GET", "POST"))
def credentials(db: Session, actor: SignedIn, holder: str) -> Any:
    """A colleague's competence log."""
    form = CredentialForm()
    holder_id = id_of(db, actor, Permission.CREDENTIAL_RECORD, holder)
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
    staff_id = id_of(db, actor, Permission.CREDENTIAL_RECORD, account)
    if form.validate_on_submit():
        place = {"topic": form.topic.data, "minutes": form.minutes.data, "on_date": form.on_date.data}
        record_education(db, actor=actor, staff_id=staff_id, **place)
        flash(_("Recorded."))
        return go(url_for("people.staff"))
    return render_template("people/education.html", form=form), 422 if form.errors else 200


@page(blueprint, "/deputies", Permission.DEPUTY_NAME, ("GET", "POST"))
def deputies(db: Session, actor: SignedIn) -> Any:
    """Who acts in my role while I am away."""
    form = DeputyForm()
    form.account.choices = options([(account.hex, name) for account, name in possible_deputies(db, actor=actor)])
    if form.validate_on_submit():
        try:
            place = {"from_on": form.from_on.data, "until_on": form.until_on.data}
            name_deputy(db, actor=actor, account_id=parse_id(form.account.data or ""), **place)
        except InvalidError as error:
            form.take(error)
        else:
            flash(_("Named. In those days the colleague can act in your role; you can end it at any time."))
            return go(url_for("people.deputies"))
    return render_template("people/deputies.html", form=form, rows=my_deputies(db, actor=actor)), 422 if form.errors else 200


@page(blueprint, "/deputies/<deputy>/end", Permission.DEPUTY_NAME, ("POST",))
def end_deputy_here(db: Session, actor: SignedIn, deputy: str) -> Any:
    """End a deputy now."""
    end_deputy(db, actor=actor, deputy_id=parse_id(deputy))
    flash(_("Ended. The colleague acts in their own role again from the next page on."))
    return go(url_for("people.deputies"))
