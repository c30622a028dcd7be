"""Evidence: what a guard is shown. Each is made by the room that owns the rows, from rows it has just read."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Evidence:
    """That a guard's condition holds now.

    :param guard: its code, such as ``G2``.
    :param source_id: the row it rests on; kept with the transition.
    """

    guard: str
    source_id: UUID | None = None


class IdentityMatched(Evidence):
    """G1: the client is a known person."""


class ConflictClear(Evidence):
    """G4: the counsellor declares no other relationship with the client (篇9 一7)."""


class IntakeRecorded(Evidence):
    """F03 is signed."""


class ConsentGiven(Evidence):
    """G2: limits explained and acknowledged in the present version (篇4 一)."""


class GuardianSettled(Evidence):
    """G3: the guardian's part, as age and policy ask."""


class InScope(Evidence):
    """G5: in scope of counselling and within this counsellor's competence (篇10 二)."""


class RiskScreened(Evidence):
    """G6: the risk questions were asked today."""


class RiskLow(Evidence):
    """LOW: today's level is 0 or 1."""


class RecommendationNamed(Evidence):
    """REC: an institution or counsellor is named for the client (篇10 二)."""


class ClientAgrees(Evidence):
    """AGREED: the client said yes, in one of the recorded ways."""


class AssessmentDone(Evidence):
    """G8: problem, severity, causes and basis are recorded (篇10 三)."""


class PlanAgreed(Evidence):
    """G7: both sides agreed the plan (篇10 四)."""


class NoteSigned(Evidence):
    """G9: every completed session has its signed note (篇6 5)."""
