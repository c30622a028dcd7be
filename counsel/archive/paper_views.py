"""Views of old paper volumes: one, a whole table, or only the last number. Same blueprint as `views`."""

from datetime import date
from typing import Any

from flask import current_app, flash, render_template, request, stream_template, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.archive.forms import RETENTION_WORDS
from counsel.archive.paper import OldVolume, enter_paper, go_on_from, import_paper
from counsel.archive.views import blueprint
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import ConflictError, InvalidError
from counsel.web.forms import clean
from counsel.web.messages import conflict_words, problem_words
from counsel.web.page import go, page, whole
from counsel.web.progress import with_progress

ENTER = Permission.VOLUME_ENTER


@page(blueprint, "/archive/paper", ENTER, ("GET", "POST"))
def old_paper(db: Session, actor: SignedIn) -> Any:
    """Enter one old paper volume, or say which number was the last on paper."""
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            flash(_enter(db, actor))
        except InvalidError as error:
            problems = {name: problem_words(code) for name, code in error.problems.items()}
        except ConflictError as error:
            problems = {"number": conflict_words(error.reason)}
        else:
            return go(url_for("archive.old_paper"))
    return _form(problems)


def _form(problems: dict[str, str]) -> Any:
    place = {"problems": problems, "typed": request.form, "periods": RETENTION_WORDS}
    return render_template("archive/paper.html", **place), 422 if problems else 200


def _enter(db: Session, actor: SignedIn) -> str:
    year, number, pages = (whole(request.form.get(name, "")) or 0 for name in ("year", "number", "pages"))
    retention, born = request.form.get("retention", ""), request.form.get("birth_date", "")
    if request.form.get("do") == "last":
        go_on_from(db, actor=actor, year=year, retention=retention, number=number)
        return _("Noted. The next volume of that year and period takes the number after it.")
    place, name = clean(request.form.get("place")), clean(request.form.get("name"))
    volume = enter_paper(db, actor=actor, old=OldVolume(year, retention, number, pages, place, name, _day(born)))
    return _("Entered as %(code)s.", code=volume.code)


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidError(birth_date="no_birth_date") from error


@page(blueprint, "/archive/paper/table", ENTER, ("POST",))
def paper_table(db: Session, actor: SignedIn) -> Any:
    """Enter a table of old volumes: the page tells how far it is, and row by row what is wrong."""
    sent = request.files.get("file")
    raw = sent.read() if sent is not None else b""
    if not raw:
        return _form({"file": problem_words("empty_file")})
    sessions = current_app.extensions["counsel_sessions"]

    def work(progress: Any) -> Any:
        """Import in a database session of its own, so that a closed browser stops nothing half-way."""
        with sessions() as own:
            return import_paper(own, actor=actor, raw=raw, progress=progress)

    back = url_for("archive.old_paper")
    return stream_template("people/importing.html", steps=with_progress(work), back=back)
