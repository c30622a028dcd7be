"""The one page shape of every form of a case: read, draft, autosave, sign, append. Each room brings its fields."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Protocol

from flask import flash, jsonify, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.errors import ConflictError, InvalidError
from counsel.core.ids import parse_id
from counsel.pathway.cases.dossier import Form, FormKind, append_to_form, read_form, signer_of
from counsel.pathway.cases.known import known_lines
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import find_case
from counsel.pathway.cases.wording import forbidden_words
from counsel.web.i18n import clock_time
from counsel.web.messages import conflict_words
from counsel.web.page import go, whole


class Save(Protocol):
    """Saves a form's draft, or signs it; raises as `dossier.write_form`."""

    def __call__(self, *, content: dict[str, Any], seen_version: int, sign: bool) -> object:
        """Save or sign."""


def writable(db: Session, actor: SignedIn, case: str) -> Case:
    """Return the case in an address that the actor may write in, or refuse as if it were absent."""
    return find_case(db, actor=actor, case_id=parse_id(case), permission=Permission.CASE_WRITE)


def back_to(case: Case) -> Any:
    """Go back to a case's own page."""
    return go(url_for("home.case", case=case.case_id))


def typed_day(name: str) -> date | None:
    """Return the day typed in a field, or None when it is none."""
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        return None


def draft_number(newest: int, signed: bool, number: int | None) -> int:
    """Return which of several forms of a kind is meant: the newest, or the next one after a signed one."""
    return number if number is not None and 1 <= number <= newest + signed else newest


def as_before(
    db: Session, actor: SignedIn, case: Case, kind: FormKind, form_class: Any, number: int, anew: Collection[str]
) -> dict[str, Any]:
    """Return what the form before this one said, so that nothing is asked twice, but for what is to be said anew."""
    if number < 2:
        return {}
    said = read_form(db, actor=actor, case=case, kind=kind, number=number - 1).content
    names = [field.name for field in form_class(formdata=None)]
    return {name: said[name] for name in names if name in said and name not in anew}


def edit_page(
    db: Session,
    actor: SignedIn,
    case: Case,
    kind: FormKind,
    form_class: Any,
    template: str,
    save: Save,
    number: int = 1,
    start: Callable[[], Mapping[str, Any]] = dict,
) -> Any:
    """Answer one request about a form.

    :param save: the room's own service, bound to actor, case and number.
    :param start: the words a new form begins with, so that nothing is asked twice.
    """
    if request.method == "GET":
        state = read_form(db, actor=actor, case=case, kind=kind, number=number)
        state = state if state.item is not None else replace(state, content=start())
        return _show(db, state, form_class, template, case)
    act = request.form.get("do", "draft")
    if act == "append":
        append_to_form(db, actor=actor, case=case, kind=kind, number=number, text=request.form.get("addendum", ""))
        flash(_("Added. The signed text stays as it is."))
        return back_to(case)
    form = form_class()
    sign = act == "sign"
    content = {field.name: field.data for field in form if field.name != "csrf_token"}
    if not form.validate():
        return _again(db, actor, case, kind, form, template, number)
    try:
        save(content=content, seen_version=_seen(), sign=sign)
    except InvalidError as error:
        form.take(error)
        return _again(db, actor, case, kind, form, template, number)
    except ConflictError as error:
        if act == "autosave":
            return jsonify(message=conflict_words(error.reason)), 409
        form.form_errors.append(conflict_words(error.reason))
        return _again(db, actor, case, kind, form, template, number, status=409)
    if act == "autosave":
        return jsonify(version=_seen() + 1, message=_saved_words())
    flash(_("Signed. Nobody can change it now, you included.") if sign else _saved_words())
    return back_to(case) if sign else go(request.path)


def _saved_words() -> str:
    return _("Draft sealed and saved %(time)s.", time=clock_time(now()))


def _seen() -> int:
    seen = whole(request.form.get("version", "0"))
    return -1 if seen is None else seen


def _show(db: Session, state: Form, form_class: Any, template: str, case: Case) -> Any:
    form = form_class(formdata=None, data=dict(state.content))
    return _render(db, form, template, case, state, state.version)


def _again(
    db: Session, actor: SignedIn, case: Case, kind: FormKind, form: Any, template: str, number: int, status: int = 422
) -> Any:
    """Show the page again with what was typed, and the version it was made from."""
    state = read_form(db, actor=actor, case=case, kind=kind, number=number)
    return _render(db, form, template, case, state, _seen()), status


def _render(db: Session, form: Any, template: str, case: Case, state: Form, version: int) -> Any:
    form.ask_for((*state.kind.needed, *state.kind.marked))
    lint = {field.id: forbidden_words(str(field.data or "")) for field in form if isinstance(field.data, str)}
    found = {name: words for name, words in lint.items() if words}
    place = {"state": state, "version": version, "lint": found, "known_lines": known_lines}
    place["signer"] = signer_of(db, case, state.item) if state.item is not None and state.signed else ""
    return render_template(template, form=form, case=case, **place)
