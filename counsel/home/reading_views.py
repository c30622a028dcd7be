"""Views of what a loan opened: for its reader, for a person with a code, and the client's own yes. Same blueprint as `views`."""

from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.archive.agreeing import answer_own
from counsel.archive.lending import find_loan
from counsel.archive.models import Volume
from counsel.archive.reading import Excerpt, read_copy, read_excerpt
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.errors import ConflictError, NotFoundError
from counsel.core.ids import parse_id
from counsel.home.forms_shown import form_lines, form_title
from counsel.home.views import blueprint
from counsel.safeguarding.disclosure.recipient_views import code_page, typed_code
from counsel.web.page import address, go, page

READ, OWN = Permission.LOAN_READ, Permission.FILE_OWN


def _shown(found: list[Excerpt]) -> list[dict[str, Any]]:
    """Return each form as its page shows it: title, number, day, and the lines of every text."""
    return [
        {
            "title": form_title(one.kind),
            "number": one.number,
            "day": one.day,
            "texts": [form_lines(one.kind, text) for text in one.texts],
        }
        for one in found
    ]


@page(blueprint, "/loans/<ticket>/read", READ)
def read_loan(db: Session, actor: SignedIn, ticket: str) -> Any:
    """The forms that were opened for me, until their day."""
    row = find_loan(db, actor=actor, ticket_id=parse_id(ticket), permission=READ)
    found = _shown(read_excerpt(db, actor=actor, ticket=row))
    place = {"row": row, "volume": db.get_one(Volume, row.volume_id), "reader": actor.name, "now": now()}
    return render_template("home/excerpt.html", found=found, **place)


@page(blueprint, "/copy", None, ("GET", "POST"))
def copy(db: Session, actor: SignedIn | None) -> Any:
    """For a former client: the copy of the own file, with the code from the telephone and the digits that were rung."""
    typed = typed_code()
    if request.method == "GET":
        return code_page(typed)
    try:
        row, found = read_copy(db, code=typed["code"], digits=typed["digits"], address=address())
    except (NotFoundError, ConflictError) as error:
        return code_page(typed, error)
    place = {"row": row, "volume": db.get_one(Volume, row.volume_id), "reader": "", "now": now()}
    return render_template("home/excerpt.html", found=_shown(found), **place)


@page(blueprint, "/file/loans/<ticket>", OWN, ("POST",))
def own_loan(db: Session, actor: SignedIn, ticket: str) -> Any:
    """My yes or no to somebody who would read my filed forms; a yes can be taken back while they read."""
    agreed = request.form.get("answer") == "yes"
    answer_own(db, actor=actor, ticket_id=parse_id(ticket), agreed=agreed)
    flash(_("Thank you. It may be read now.") if agreed else _("Nobody reads it."))
    return go(url_for("home.file"))
