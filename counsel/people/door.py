"""Views of the door: sign in, activate, recover, lock, unlock, leave, language. All of it public or about oneself."""

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from counsel.access.sign_ins import SignedIn, open_sign_in, remember_device, sign_in, sign_out
from counsel.access.vault import lock_vault, unlock_vault
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import local
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, NotFoundError
from counsel.core.ids import new_id
from counsel.people.forms import CodeForm, RecoverForm, SignInForm, UnlockForm
from counsel.people.invitations import activate
from counsel.people.passphrases import offer_passphrase
from counsel.people.recovery import recover
from counsel.people.settling import settle_in
from counsel.web.errors import typed_fields
from counsel.web.i18n import CHINESE, ENGLISH
from counsel.web.messages import problem_words
from counsel.web.page import (
    COOKIE,
    DEVICE_COOKIE,
    address,
    cookie_name,
    device_name,
    drop_cookie,
    go,
    page,
    safe_path,
    set_cookie,
)

blueprint = Blueprint("people", __name__)
CARRY = "resume_"
GROUP_WORDS = {"office": _l("reception"), "duty": _l("duty"), "archive": _l("archive")}


def ask_sign_in() -> Any:
    """Answer somebody who is not signed in: the door, with what they typed carried along."""
    if request.method == "GET":
        return redirect(url_for("people.sign_in_here", to=request.full_path if request.query_string else request.path))
    form = SignInForm(formdata=None)
    return render_template("people/sign_in_here.html", form=form, to=request.path, fields=typed_fields()), 401


@page(blueprint, "/sign-in", None, ("GET", "POST"))
def sign_in_here(db: Session, actor: SignedIn | None) -> Any:
    """The door."""
    form = SignInForm()
    to = safe_path(request.values.get("to"), url_for("home.today"))
    carried = [(name, text) for name, found in request.form.lists() for text in found if name.startswith(CARRY)]
    if form.validate_on_submit():
        attempt = sign_in(
            db,
            login=form.login.data,
            passphrase=form.passphrase.data,
            address=address(),
            device=device_name(),
            known_device=request.cookies.get(cookie_name(DEVICE_COOKIE), "").encode() or None,
        )
        if attempt.person is not None:
            return _let_in(db, attempt.person, form.login.data, to, carried)
        if attempt.wait_until is not None:
            time = f"{local(attempt.wait_until, house_of(db).settings.time_zone):%H:%M}"
            form.form_errors.append(
                _(
                    "Too many tries. Wait until %(time)s, then try again. In a hurry, ring %(phone)s.",
                    time=time,
                    phone=house_of(db).settings.duty_phone,
                )
            )
        else:
            form.form_errors.append(_("The user name or the passphrase is wrong. Check both."))
    status = 401 if form.form_errors else 200
    return render_template("people/sign_in_here.html", form=form, to=to, fields=carried), status


def _settle(db: Session, person: SignedIn) -> None:
    for name in settle_in(db, actor=person):
        flash(
            _(
                "The keys of the group %(name)s do not open for you: damaged, or put there by somebody else. Tell the director "
                "and whoever runs the system at once. What does not need them works.",
                name=GROUP_WORDS[name],
            ),
            "stop",
        )


def _let_in(db: Session, person: SignedIn, login: str, to: str, carried: list[tuple[str, str]]) -> BaseResponse:
    _settle(db, person)
    response = _resume(person, to, carried)
    device = request.cookies.get(cookie_name(DEVICE_COOKIE)) or new_id().hex
    remember_device(db, login=login, device=device.encode())
    set_cookie(response, DEVICE_COOKIE, device, days=365)
    return response


def _resume(person: SignedIn, to: str, carried: list[tuple[str, str]]) -> BaseResponse:
    """Go on to where somebody was, with what they typed and the new token."""
    fields = [(name.removeprefix(CARRY), text) for name, text in carried]
    response = make_response(render_template("people/resume.html", path=to, fields=fields)) if fields else go(to)
    set_cookie(response, COOKIE, person.token)
    return response


@page(blueprint, "/activate", None, ("GET", "POST"))
def activate_here(db: Session, actor: SignedIn | None) -> Any:
    """Use an invitation and choose a passphrase."""
    form = CodeForm()
    if form.validate_on_submit():
        try:
            _same_twice(form)
            account, keyring, code = activate(
                db, code=form.code.data, passphrase=form.passphrase.data, login=form.login.data, born=form.born.data
            )
        except InvalidError as error:
            form.take(error)
        except NotFoundError:
            form.form_errors.append(
                _(
                    "This code does not fit, or its time is over. Check it letter by letter, and for students the number "
                    "and date of birth. The desk can print a new one."
                )
            )
        else:
            person = open_sign_in(db, account=account, keyring=keyring, device=device_name())
            return _welcome(person, code)
    return render_template("people/activate_here.html", form=form, offered=offer_passphrase())


def _same_twice(form: Any) -> None:
    if form.passphrase.data != form.again.data:
        raise InvalidError(again="not_the_same")


def _welcome(person: SignedIn, code: str) -> BaseResponse:
    """Show the printed recovery code, once, to somebody who has just made new keys."""
    response = make_response(render_template("people/recovery_code.html", code=code, actor=person))
    set_cookie(response, COOKIE, person.token)
    return response


@page(blueprint, "/recover", None, ("GET", "POST"))
def recover_here(db: Session, actor: SignedIn | None) -> Any:
    """Open the account with the printed code and choose a new passphrase."""
    form = RecoverForm()
    if form.validate_on_submit():
        try:
            _same_twice(form)
            found = recover(db, login=form.login.data, code=form.code.data, passphrase=form.passphrase.data, address=address())
        except InvalidError as error:
            form.take(error)
        else:
            if found is not None:
                person = open_sign_in(db, account=found[0], keyring=found[1], device=device_name())
                _settle(db, person)
                return _welcome(person, found[2])
            form.form_errors.append(
                _("Name and code do not belong together, or too many were tried. Check both; the desk can help in person.")
            )
    return render_template("people/recover_here.html", form=form)


@page(blueprint, "/sign-out", Permission.ACCOUNT_OWN, ("POST",))
def sign_out_here(db: Session, actor: SignedIn) -> Any:
    """End this sign-in; nothing stays in the browser."""
    sign_out(db, actor=actor)
    response = go(url_for("people.sign_in_here"))
    drop_cookie(response, COOKIE)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@page(blueprint, "/leave", None)
def leave(db: Session, actor: SignedIn | None) -> Any:
    """Leave quickly: ends the sign-in and goes somewhere neutral."""
    if actor is not None:
        sign_out(db, actor=actor)
    response = redirect(house_of(db).settings.leave_to, 303)
    drop_cookie(response, COOKIE)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@page(blueprint, "/lock", Permission.ACCOUNT_OWN, ("POST",))
def lock(db: Session, actor: SignedIn) -> Any:
    """Shut the vault; the sign-in stays."""
    lock_vault(db, actor=actor)
    return go(url_for("people.unlock"))


@page(blueprint, "/unlock", Permission.ACCOUNT_OWN, ("GET", "POST"))
def unlock(db: Session, actor: SignedIn) -> Any:
    """Open the vault again and come back to where one was, with what was typed."""
    form = UnlockForm()
    to = safe_path(request.values.get("to"), url_for("home.today"))
    carried = [(name, text) for name, found in request.form.lists() for text in found if name.startswith(CARRY)]
    if form.validate_on_submit():
        attempt = unlock_vault(db, actor=actor, passphrase=form.passphrase.data, address=address())
        if attempt.person is not None:
            _settle(db, attempt.person)
            return _resume(attempt.person, to, carried)
        words = _("Wait a little before the next try.") if attempt.wait_until else problem_words("wrong")
        form.passphrase.errors = [words]
    fields = [(name.removeprefix(CARRY), text) for name, text in carried]
    return render_template("people/unlock.html", form=form, path=to, fields=fields)


@page(blueprint, "/language/<code>", None)
def language(db: Session, actor: SignedIn | None, code: str) -> Any:
    """Switch the language for this browser."""
    response = redirect(safe_path(request.args.get("to"), "/"))
    if code in (CHINESE, ENGLISH):
        response.set_cookie("lang", code, max_age=365 * 86400, httponly=True, samesite="Lax")
    return response
