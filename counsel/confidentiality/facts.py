"""What a rule may know: who acts, and a few facts about the thing, gathered by the caller in the acting session."""

from dataclasses import dataclass
from uuid import UUID

from counsel.confidentiality.roles import Role


@dataclass(frozen=True)
class Actor:
    """Somebody acting now, in one role.

    :param holder_id: staff: their holder; students: their `client_id`; None for those without keys.
    :param staff_id: staff account, None for students.
    :param vouched: the role is certified (key-holding roles) or needs no certificate.
    :param on_duty: is the duty counsellor of this half-day.
    :param deputy: acts in this role for a colleague, between two days.
    """

    role: Role
    holder_id: UUID | None = None
    staff_id: UUID | None = None
    vouched: bool = True
    on_duty: bool = False
    deputy: bool = False

    @property
    def client_id(self) -> UUID | None:
        """The client this person is, when a student; otherwise None."""
        return self.holder_id if self.role is Role.STUDENT else None


@dataclass(frozen=True)
class Facts:
    """What is known about the thing asked for; everything unknown stays None and helps nobody.

    :param client_id: whom the thing is about.
    :param assigned_to: holder of the assigned counsellor.
    :param state: state of the case or appointment.
    :param requester_id: staff account that asked for what is to be approved.
    :param read_by: holders named as readers besides the assigned counsellor, whose day has not passed.
    :param receiver_id: holder of the counsellor to whom it is being handed over.
    :param by_director: whoever asked is the director, or every director is kept away, so somebody outside must sign.
    :param watched: duty has been told about this client: an alarm is open, or a safety card lies there.
    :param sender_id: holder who tells; `decider_id`: holder who said yes to it; `recipient_id`: holder who is told.
    :param asked: holders who were given the key to say yes, or to look at it afterwards.
    :param barred: holders who are kept away from the client's work, by a relationship or a suspicion.
    :param agreed: everybody whose yes it needs stands by it now.
    :param ground: the basis on which something leaves a file; `ordered`: a superior asked for it to be said.
    :param waited: the director has been waited for as long as the setting says.
    """

    client_id: UUID | None = None
    assigned_to: UUID | None = None
    state: str | None = None
    requester_id: UUID | None = None
    by_director: bool = False
    read_by: frozenset[UUID] = frozenset()
    receiver_id: UUID | None = None
    watched: bool = False
    sender_id: UUID | None = None
    decider_id: UUID | None = None
    recipient_id: UUID | None = None
    waited: bool = False
    asked: frozenset[UUID] = frozenset()
    barred: frozenset[UUID] = frozenset()
    agreed: bool = False
    ground: str | None = None
    ordered: bool = False


NOTHING = Facts()
