"""T13: a plan agreed by both, and on to counselling."""

from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.pathway.cases.dossier import PLAN, read_form
from counsel.pathway.cases.evidence import Evidence, PlanAgreed
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import move


def finish_plan(db: Session, *, actor: SignedIn, case: Case) -> None:
    """T13: begin counselling on an agreed plan.

    :raises TransitionError: ``G7`` while it is unsigned or one side has not agreed.

    Rule: 篇10 四; R10-10.
    """
    form = read_form(db, actor=actor, case=case, kind=PLAN)
    agreed = form.signed and form.content.get("agreed") == "yes"
    evidence: list[Evidence] = [PlanAgreed("G7", form.item_id)] if agreed else []
    move(db, actor=actor, case=case, to="counselling", evidence=evidence)
