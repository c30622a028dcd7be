"""Views about people: my account, rules, staff, students, the roll. Registered on the blueprint of the door."""

from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import SelectField

from counsel.access.devices import end_device, my_devices
from counsel.access.sign_ins import SignedIn, change_role
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.errors import InvalidError
from counsel.people.addresses import own_address, set_own_address
from counsel.people.door import blueprint
from counsel.people.forms import (
    ConfirmCodeForm,
    passphrase_field,
)
from counsel.people.recovery import change_passphrase, confirm_code
from counsel.people.rule_texts import acknowledge_rule, rules_waiting
from counsel.web.forms import Form, line, options
from counsel.web.i18n import select_locale
from counsel.web.page import COOKIE, address, device_name, go, page, set_cookie, whole


class AddressForm(Form):
    """Where to be told that something waits."""

    channel = SelectField(_l("How"), choices=options([("mail", _l("by mail")), ("gateway", _l("by text message or messenger"))]))
    address = line(_l("Address or number; empty for nowhere"), most=80, needed=False)


class ChangeForm(Form):
    """Old and new passphrase."""

    old = passphrase_field("")
    new = passphrase_field("")


@page(blueprint, "/account", Permission.ACCOUNT_OWN)
def account(db: Session, actor: SignedIn) -> Any:
    """My account: role, devices, code, passphrase."""
    return _account_page(db, actor)


def _account_page(db: Session, actor: SignedIn, status: int = 200, **forms: Form) -> Any:
    known = own_address(db, actor=actor)
    place = {"form": ChangeForm(formdata=None), "code": ConfirmCodeForm(formdata=None)}
    place["to"] = AddressForm(formdata=None, data={"channel": known.channel, "address": known.address} if known else {})
    return render_template("people/account.html", devices=my_devices(db, actor=actor), told=known, **{**place, **forms}), status


@page(blueprint, "/account/address", Permission.ACCOUNT_OWN, ("POST",))
def choose_my_address(db: Session, actor: SignedIn) -> Any:
    """Choose where to be told that something waits."""
    form = AddressForm()
    if form.validate():
        place = {"channel": form.channel.data, "address": form.address.data or "", "language": select_locale()}
        try:
            set_own_address(db, actor=actor, **place)
        except InvalidError as error:
            form.take(error)
        else:
            flash(_("Kept. A test goes there now.") if form.address.data else _("Nothing is sent any more."))
            return go(url_for("people.account"))
    return _account_page(db, actor, 422, to=form)


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
    return _account_page(db, actor, 422, form=form)


@page(blueprint, "/account/code", Permission.ACCOUNT_OWN, ("POST",))
def confirm_my_code(db: Session, actor: SignedIn) -> Any:
    """Type the printed code back once."""
    form = ConfirmCodeForm()
    try:
        confirm_code(db, actor=actor, code=form.code.data or "")
    except InvalidError as error:
        form.take(error)
        return _account_page(db, actor, 422, code=form)
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
