"""The page guard: every route declares its permission here, gets `db` and `actor` as arguments, and never a global."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Flask, Request, current_app, g, redirect, request
from flask_login import LoginManager, current_user
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.wrappers import Response as BaseResponse

from counsel.access.gate import refuse
from counsel.access.sign_ins import SignedIn, present_person
from counsel.confidentiality.decide import role_may
from counsel.confidentiality.permissions import Permission
from counsel.core.database import house_of
from counsel.core.ids import parse_id

COOKIE, DEVICE_COOKIE = "sign-in", "device"
IN_ROOM = ("people.unlock",)  # besides the one page, what gives the screen back
LOOPBACK = ("127.0.0.1", "::1", "")
View = Callable[..., Any]
manager = LoginManager()
manager.session_protection = None  # a sign-in is its own row, asked at every request; nothing of it lies in the form cookie


def database() -> Session:
    """Return this request's database session, opened at its first use and closed when the request ends."""
    if "db" not in g:
        sessions: sessionmaker[Session] = current_app.extensions["counsel_sessions"]
        g.db = sessions()
    db: Session = g.db
    return db


def close_database(_error: BaseException | None = None) -> None:
    """Close this request's database session."""
    db = g.pop("db", None)
    if db is not None:
        db.close()


def cookie_name(name: str) -> str:
    """Return the cookie's name: `__Host-` wherever the browser speaks TLS to us or to the proxy ahead of us."""
    return f"__Host-{name}" if is_secure() else name


def is_secure() -> bool:
    """Return whether the browser's connection is encrypted."""
    return request.is_secure or bool(current_app.config["TLS_AHEAD"])


def set_cookie(response: BaseResponse, name: str, value: str, days: int | None = None) -> None:
    """Set a cookie for this host only, out of scripts' reach."""
    age = days * 86400 if days else None
    response.set_cookie(cookie_name(name), value, max_age=age, secure=is_secure(), httponly=True, samesite="Lax", path="/")


def drop_cookie(response: BaseResponse, name: str) -> None:
    """Take a cookie away."""
    response.delete_cookie(cookie_name(name), secure=is_secure(), httponly=True, samesite="Lax", path="/")


def present_actor() -> SignedIn | None:
    """Return who is signed in, looked up once per request."""
    user = current_user._get_current_object()
    return user if isinstance(user, SignedIn) else None


@manager.request_loader  # type: ignore[untyped-decorator]
def find_person(asked: Request) -> SignedIn | None:
    """Return whose sign-in the cookie names, if it has not ended; on duty or not is asked of the roster."""
    token = asked.cookies.get(cookie_name(COOKIE), "")
    person = present_person(database(), token) if token else None
    locate: Callable[[Session, SignedIn], SignedIn] = current_app.extensions["counsel_on_duty"]
    return locate(database(), person) if person is not None else None


def page(
    blueprint: Blueprint, rule: str, permission: Permission | None, methods: tuple[str, ...] = ("GET",)
) -> Callable[[View], View]:
    """Register a view under `rule`.

    :param permission: what the page is for; a role that can never have it is refused at once, and the service decides
        the rest. None makes the page public: the view gets `actor`, which may be None.
    """

    def register(view: View) -> View:
        """Put the guarded view under the rule and leave the view itself as it is."""

        @wraps(view)
        def guarded(**arguments: Any) -> Any:
            """Look who asks, then call the view."""
            db, actor = database(), present_actor()
            if permission is None:
                return view(db, actor, **arguments)
            if actor is None:
                return manager.unauthorized()
            if actor.room and request.path != actor.room and request.endpoint not in IN_ROOM:
                return redirect(actor.room, 303)
            if not role_may(actor, permission):
                refuse(db, actor, permission, next(filter(None, (parse_id(str(said)) for said in arguments.values())), None))
            return view(db, actor, **arguments)

        guarded.permission = permission  # type: ignore[attr-defined]
        blueprint.add_url_rule(rule, view.__name__, guarded, methods=list(methods))
        return view

    return register


@manager.unauthorized_handler  # type: ignore[untyped-decorator]
def sign_in_first() -> BaseResponse:
    """Send somebody who is not signed in to the door; a POST carries what was typed along."""
    ask: Callable[[], Any] = current_app.extensions["counsel_ask_sign_in"]
    return current_app.make_response(ask())


def address() -> str:
    """Return the address failed tries are counted under; forwarded headers are believed from our own proxy only.

    A proxy on this machine that speaks TLS for us appends its peer as the last entry; what stands before it a client wrote.
    """
    peer = request.remote_addr or ""
    if not current_app.config["TLS_AHEAD"] or peer not in LOOPBACK:
        return peer
    return request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()[:64] or peer


def device_name() -> str:
    """Return a coarse name of the browser's device for the owner's list."""
    agent = request.user_agent.string.lower()
    return "phone" if "mobi" in agent or "android" in agent or "iphone" in agent else "computer"


def go(endpoint_url: str) -> BaseResponse:
    """Redirect after a POST."""
    return redirect(endpoint_url, 303)


def whole(text: str, most: int = 9_999_999) -> int | None:
    """Return the whole number typed, or None; only plain digits count."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 12:
        return None
    return int(text) if int(text) <= most else None


def safe_path(path: str | None, default: str) -> str:
    """Return a path of our own site, or the default."""
    ours = bool(path) and path is not None and path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if ours and path and path.isprintable() else default


def zone_of(db: Session) -> str:
    """Return the school's time zone."""
    return house_of(db).settings.time_zone


def init(app: Flask) -> None:
    """Look who is signed in when it is asked; close the database session at the end of every request."""
    app.config["REMEMBER_COOKIE_NAME"] = ""  # no name a browser can send: a sign-in ends when its row does
    manager.init_app(app, add_context_processor=False)
    app.teardown_appcontext(close_database)
