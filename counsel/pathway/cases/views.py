"""View of the second signature: the reason alone, and a yes or no."""

from typing import Any

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.ids import parse_id
from counsel.pathway.cases.countersign import give_second_signature, read_reason
from counsel.web.forms import clean
from counsel.web.page import go, page

blueprint = Blueprint("cases", __name__)
SECOND_WORDS = {
    "E1": _l("No guardian's signature: life or health is in danger"),
    "E2": _l("No guardian's signature: the guardian is suspected or has another interest"),
    "LOWER": _l("A lower level"),
    "I1": _l("Watch over a client whose counselling ends"),
    "RETURN": _l("Go on after a suspected disorder"),
    "T00": _l("Take over a running case from paper"),
    "F07": _l("A crisis record"),
    "I6": _l("Guardian or leader is not told that somebody is in danger"),
    "G4": _l("Another relationship, to be weighed"),
}


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
    return render_template("cases/countersign.html", row=row, said=said, reasons=SECOND_WORDS)
