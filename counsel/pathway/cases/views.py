"""View of the second signature: the reason alone, and a yes or no."""

from typing import Any

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.ids import parse_id
from counsel.pathway.cases.countersign import give_second_signature, read_reason
from counsel.web.forms import clean
from counsel.web.page import go, page

blueprint = Blueprint("cases", __name__)


@page(blueprint, "/countersign/<task>", Permission.COUNTERSIGN, ("GET", "POST"))
def countersign(db: Session, actor: SignedIn, task: str) -> Any:
    """Read a colleague's reason, then sign or decline it."""
    number = parse_id(task)
    answer = request.form.get("answer")
    if request.method == "POST" and answer in ("yes", "no"):
        words = clean(request.form.get("words"))
        give_second_signature(db, actor=actor, task_id=number, agreed=answer == "yes", words=words)
        flash(_("Signed.") if answer == "yes" else _("Declined; the colleague sees it on the case."))
        return go("/")
    row, said = read_reason(db, actor=actor, task_id=number)
    return render_template("cases/countersign.html", row=row, said=said)
