"""create_app() and main(): the only module that knows every room, command and job."""

import logging
from dataclasses import replace
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import click
from flask import Flask, Request
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.archive import lending_views, paper_views
from counsel.archive import views as archive
from counsel.cli import centre as centre_commands
from counsel.cli import records as record_commands
from counsel.cli.serve import serve_command
from counsel.confidentiality.roles import Role
from counsel.core.clock import now, today
from counsel.core.errors import SettingsError
from counsel.core.installation import is_demo, open_house
from counsel.core.settings import Settings, load_settings
from counsel.crypto.derive import subkey
from counsel.crypto.selftest import selftest
from counsel.home import case_views, file_views, notice_views, reading_views
from counsel.home import views as home
from counsel.home.forms_shown import form_title
from counsel.pathway.appointments import centre_views as appointments
from counsel.pathway.assessment import views as assessment
from counsel.pathway.cases import views as cases
from counsel.pathway.closing import views as closing
from counsel.pathway.followup import views as followup
from counsel.pathway.intake import views as intake
from counsel.pathway.material import recording_views
from counsel.pathway.material import views as material
from counsel.pathway.plans import views as plans
from counsel.pathway.referral import views as referral
from counsel.pathway.safety import views as safety
from counsel.pathway.sessions import views as sessions
from counsel.people import door, staff_views, student_views
from counsel.people import views as people
from counsel.people.staff import seen_mark
from counsel.roster import views as roster
from counsel.roster.queries import duty_holder
from counsel.safeguarding.asked import views as asked
from counsel.safeguarding.disclosure import recipient_views as told
from counsel.safeguarding.disclosure import views as disclosure
from counsel.safeguarding.questions import views as questions
from counsel.safeguarding.reports import views as reports
from counsel.web import assets, errors, forms, headers, i18n, page, shell

VIEWS = (
    people,
    staff_views,
    student_views,
    appointments,
    cases,
    intake,
    safety,
    assessment,
    plans,
    sessions,
    referral,
    material,
    recording_views,
    closing,
    followup,
    roster,
    questions,
    disclosure,
    told,
    reports,
    asked,
    archive,
    lending_views,
    paper_views,
    home,
    case_views,
    file_views,
    notice_views,
    reading_views,
)
LARGEST_REQUEST = 6 * 1024 * 1024


class InMemory(Request):
    """A request whose files lie in memory: no upload ever touches a disk in clear (security §4.4)."""

    def _get_file_stream(self, *_arguments: Any, **_more: Any) -> BytesIO:
        """Return where a file is put while it is read; its size is bounded by `MAX_CONTENT_LENGTH`."""
        return BytesIO()


def folder_of(name: str) -> Path:
    """Return `templates`: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parent
    inside = package / name
    return inside if inside.exists() else package.parent / name


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application of one centre; refuses to start when a promise could not be kept.

    :raises SettingsError: weak settings, a missing schema, or cryptography that gives other than the known answers.
    """
    settings = settings or load_settings()
    if selftest():
        raise SettingsError(f"cryptography fails its known answers: {', '.join(selftest())}")
    house, _engine, make_session = open_house(settings)
    app = Flask("counsel", static_folder=None, template_folder=str(folder_of("templates")))
    app.request_class = InMemory
    with make_session() as db:
        app.config["IS_DEMO"] = is_demo(db)
    app.config.update(
        SETTINGS=settings,
        ZONE=settings.time_zone,
        TLS_AHEAD=settings.tls_ahead,
        TRANSLATIONS=Path(__file__).resolve().parent / "translations",
        SECRET_KEY=subkey(house.secret, "forms"),
        SESSION_COOKIE_NAME="form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.tls_ahead,
        WTF_CSRF_SSL_STRICT=False,  # the referrer policy sends none; origin and fetch site are checked instead
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        TESTING=False,
    )
    app.extensions["counsel_sessions"] = make_session
    app.extensions["counsel_on_duty"] = locate
    app.extensions["counsel_ask_sign_in"] = door.ask_sign_in
    CSRFProtect(app)
    i18n.init(app)
    page.init(app)
    headers.init(app)
    errors.init(app)
    shell.init(app)
    assets.init(app, folder_of("templates"), set(shell.ICONS))
    helpers: dict[str, Any] = {"form_title": form_title}
    helpers |= {"today_date": lambda: today(settings.time_zone), "now_utc": now, "shown": forms.shown, "seen_mark": seen_mark}
    app.jinja_env.globals.update(helpers)
    for blueprint in dict.fromkeys(views.blueprint for views in VIEWS):
        app.register_blueprint(blueprint)
    logging.getLogger("werkzeug").disabled = True
    return app


def locate(db: Session, person: SignedIn) -> SignedIn:
    """Say of a signed-in counsellor whether the roster has them on duty now; with nobody on duty the director is."""
    if person.role not in (Role.COUNSELLOR, Role.DIRECTOR):
        return person
    holder = duty_holder(db)
    on_duty = holder == person.holder_id or (holder is None and person.role is Role.DIRECTOR)
    return replace(person, on_duty=on_duty)


@click.group()
@click.version_option(version("counsel"))
def cli() -> None:
    """Confidential case management for a school's counselling centre."""


cli.add_command(serve_command(create_app))
for command in (*centre_commands.COMMANDS, *record_commands.COMMANDS):
    cli.add_command(command)


def main() -> None:
    """Run a command; mistakes in settings are one line, not a traceback."""
    try:
        cli(standalone_mode=True)
    except SettingsError as error:
        raise SystemExit(f"counsel: {error}") from error
