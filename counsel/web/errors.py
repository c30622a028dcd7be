"""Errors become pages here, once. Every refusal and every absence is the same page, byte for byte."""

import logging
from uuid import uuid4

from flask import Flask, current_app, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from counsel.core.errors import (
    BusyError,
    ConflictError,
    InvalidError,
    LockedError,
    NotFoundError,
    TamperError,
    TransitionError,
    UnreadableError,
)
from counsel.web.messages import conflict_words, guard_words, problem_words
from counsel.web.page import present_actor

log = logging.getLogger("counsel")
Answer = tuple[str, int]
NOT_KEPT = ("csrf_token", "passphrase", "again", "code", "old", "new")


def typed_fields() -> list[tuple[str, str]]:
    """Return what was typed into this POST, without secrets, to be carried over."""
    return [(name, text) for name, found in request.form.lists() for text in found if name not in NOT_KEPT]


def not_found(_error: Exception) -> Answer:
    """Absent, foreign, malformed and refused look the same."""
    return render_template("errors/not_found.html"), 404


def too_large(_error: Exception) -> Answer:
    """The body is larger than any form of ours."""
    return render_template("errors/too_large.html"), 413


def stale(_error: Exception) -> Answer:
    """A form that has become too old, or that another site sent; what was typed can be sent again."""
    return render_template("errors/again.html", fields=typed_fields(), path=request.path), 400


def conflict(error: ConflictError) -> Answer:
    """Somebody was faster, or the page was stale."""
    case = (request.view_args or {}).get("case") if error.reason == "many_opened" else None
    return render_template("errors/conflict.html", words=conflict_words(error.reason), fields=typed_fields(), danger=case), 409


def transition(error: TransitionError) -> Answer:
    """A guard's evidence is missing; said in words a counsellor understands."""
    return render_template("errors/conflict.html", words=guard_words(error.guard), fields=typed_fields()), 409


def invalid(error: InvalidError) -> Answer:
    """Input that a form let through and a service refused, where the page has no field to put it beside."""
    words = " ".join(dict.fromkeys(problem_words(code) for code in error.problems.values()))
    return render_template("errors/conflict.html", words=words, fields=typed_fields()), 422


def locked(_error: LockedError) -> Response:
    """The vault is shut: ask for the passphrase and come back with what was typed."""
    actor = present_actor()
    body = render_template("people/unlock.html", actor=actor, fields=typed_fields(), path=request.full_path)
    return current_app.make_response((body, 423))


def busy(_error: BusyError) -> Answer:
    """The database could not take it; nothing is half-written and what was typed can be sent again."""
    return render_template("errors/busy.html", fields=typed_fields(), path=request.path), 503


def unreadable(error: UnreadableError) -> Answer:
    """Sealed text did not open; a planted key is an alarm."""
    number = _note(error)
    return render_template("errors/unreadable.html", number=number, alarm=isinstance(error, TamperError)), 500


def unexpected(error: Exception) -> Answer | HTTPException:
    """The log gets the kind of error and a number, never a text, an address or a local variable."""
    if isinstance(error, HTTPException):
        if error.code in (400, 403, 405):
            return (render_template("errors/not_found.html"), error.code)
        return error
    return render_template("errors/unexpected.html", number=_note(error)), 500


def _note(error: Exception) -> str:
    number = uuid4().hex[:8]
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f"{where.tb_frame.f_code.co_name}:{where.tb_lineno}" if where else ""
    log.error("error %s %s at %s", number, type(error).__name__, place)
    return number


def init(app: Flask) -> None:
    """Put the handlers in place."""
    app.register_error_handler(NotFoundError, not_found)
    app.register_error_handler(404, not_found)
    app.register_error_handler(413, too_large)
    app.register_error_handler(CSRFError, stale)
    app.register_error_handler(ConflictError, conflict)
    app.register_error_handler(TransitionError, transition)
    app.register_error_handler(InvalidError, invalid)
    app.register_error_handler(LockedError, locked)
    app.register_error_handler(BusyError, busy)
    app.register_error_handler(UnreadableError, unreadable)
    app.register_error_handler(Exception, unexpected)
