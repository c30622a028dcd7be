"""T09: an assessment signed, and on to planning."""

from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.pathway.cases.dossier import ASSESSMENT, read_form
from counsel.pathway.cases.evidence import AssessmentDone, Evidence
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import move
from counsel.pathway.intake.services import evidence_of_screen

SEVERITIES = ("LV0", "LV1", "LV2", "LV3", "LV4", "LV9")
PROBLEMS = tuple(f"P{number:02}" for number in (*range(1, 22), 99))
BASES = ("interview", "close_person", "test", "other")


def finish_assessment(db: Session, *, actor: SignedIn, case: Case) -> None:
    """T09: take an assessed case to planning.

    :raises TransitionError: ``G8`` while the assessment is not signed or severity forbids ordinary counselling.

    Rule: 篇10 三; R10-04.
    """
    form = read_form(db, actor=actor, case=case, kind=ASSESSMENT)
    evidence: list[Evidence] = evidence_of_screen(db, case)
    if form.signed and form.content.get("severity") != "LV4":
        evidence.append(AssessmentDone("G8", form.item_id))
    move(db, actor=actor, case=case, to="planning", evidence=evidence)
