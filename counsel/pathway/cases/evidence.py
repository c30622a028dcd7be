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
    """REC: the referral is signed: where to, why, and the client's receipt (篇10 二)."""


class ClientAgrees(Evidence):
    """AGREED: the client said yes, in one of the recorded ways."""


class AssessmentDone(Evidence):
    """G8: problem, severity, causes and basis are recorded (篇10 三)."""


class PlanAgreed(Evidence):
    """G7: both sides agreed the plan (篇10 四)."""


class ComesBack(Evidence):
    """BACK: the state a hold or a transfer came from."""


class VolumeComplete(Evidence):
    """G13: the required parts are there and nothing is left open (篇6 4)."""


class Accepted(Evidence):
    """ARCHIVE: the archivist has counted every item and signed for the volume (篇4 二)."""


class NoteSigned(Evidence):
    """G9: every completed session has its signed note (篇6 5)."""


class Safe(Evidence):
    """SAFE: the level is low, or somebody outside the case has taken the risk over (I1)."""


class SecondSigned(Evidence):
    """SECOND: the director has signed the reason."""


class PaperHeld(Evidence):
    """PAPER: the forms held on paper are dated and counted (T00)."""


class EarlierEpisode(Evidence):
    """EARLIER: the client's counselling before has come to its end (T24)."""


class FormBefore(Evidence):
    """OLD: a form that stood when the case went back (T16): a newer one is asked for. No guard asks for it."""


class ReasonGiven(Evidence):
    """WHY: a reason from the closed list is recorded."""


class HandedOver(Evidence):
    """G12: the receiver accepts, the client agrees, the hand-over is signed by the one who leaves it."""


class ReleaseSigned(Evidence):
    """RELEASE: the client agrees to what goes to whom outside."""


class MedicalAdvised(Evidence):
    """G14: written advice to see a doctor was handed over with its receipt, or the refusal has a witness (篇7 六)."""


class FeedbackGiven(Evidence):
    """FEEDBACK: the hospital's or the client's report is on file; for LV4 the hospital's, a supportive plan, the supervisor."""


class Tracked(Evidence):
    """TRACKED: what became of the medical referral is recorded."""


class ResumeDated(Evidence):
    """RESUME: the day on which the pause ends is set."""


class ContactTried(Evidence):
    """TRIES: enough tries by the safe way over enough days."""


class Missed(Evidence):
    """MISSED: the number of missed times that lets a case lapse."""


class LetterSent(Evidence):
    """LETTER: the last kind message stands on the client's page."""


class AlternativesOffered(Evidence):
    """OFFERED: other ways were offered and the door is open (篇10 四)."""


class ClosingReported(Evidence):
    """F10: the closing report is signed."""


class Evaluated(Evidence):
    """G10: the joint evaluation of both, or its recorded waiver (篇10 六)."""


class ProperlyEnded(Evidence):
    """END: no session was held, or report and evaluation are there."""


class FollowUpAgreed(Evidence):
    """G11: dates, safe contact and the consent to be contacted."""


class FollowedUp(Evidence):
    """FOLLOWED: the planned follow-ups are done or declined."""


class NothingWritten(Evidence):
    """EMPTY: the case holds no clinical content."""


class NoOpenTask(Evidence):
    """NO_TASK: no duty task about this client is open."""
