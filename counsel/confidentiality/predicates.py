"""Small sentences about an actor and the facts; a clause is a row of them that must all be true."""

from collections.abc import Callable

from counsel.confidentiality.facts import Actor, Facts
from counsel.confidentiality.roles import Role

Predicate = Callable[[Actor, Facts], bool]


def acts_as(*roles: Role) -> Predicate:
    """Make the sentence "the actor acts, vouched for, in one of these roles"."""

    def actor_acts_as(actor: Actor, _facts: Facts) -> bool:
        return actor.role in roles and actor.vouched

    actor_acts_as.__doc__ = f"The actor is {' or '.join(roles)}."
    return actor_acts_as


def anybody_signed_in(_actor: Actor, _facts: Facts) -> bool:
    """Everybody who is signed in."""
    return True


def actor_is_the_client(actor: Actor, facts: Facts) -> bool:
    """The thing is about the actor."""
    return actor.client_id is not None and actor.client_id == facts.client_id


def actor_is_assigned_counsellor(actor: Actor, facts: Facts) -> bool:
    """The actor is the counsellor to whom this client is assigned (篇4 三, narrowed: need to know)."""
    return actor.holder_id is not None and actor.holder_id == facts.assigned_to


def actor_is_named_reader(actor: Actor, facts: Facts) -> bool:
    """The actor was expressly given this case to read: as second reader, or as its counsellor before (篇4 三; R4-10)."""
    return actor.holder_id is not None and actor.holder_id in facts.read_by


def actor_receives_it(actor: Actor, facts: Facts) -> bool:
    """The case is being handed over to the actor."""
    return actor.holder_id is not None and actor.holder_id == facts.receiver_id


def actor_is_on_duty(actor: Actor, _facts: Facts) -> bool:
    """The actor is the duty counsellor now; a rule, not a key."""
    return actor.on_duty


def nobody_is_assigned(_actor: Actor, facts: Facts) -> bool:
    """No counsellor has taken it yet."""
    return facts.assigned_to is None


def actor_did_not_ask(actor: Actor, facts: Facts) -> bool:
    """The approver is not the requester."""
    return actor.staff_id is not None and actor.staff_id != facts.requester_id


def actor_acts_in_own_right(actor: Actor, _facts: Facts) -> bool:
    """The role is the actor's own; a deputy decides cases, not keys nor further deputies."""
    return not actor.deputy


def the_director_asked(_actor: Actor, facts: Facts) -> bool:
    """The request is the director's own, so the outside supervisor signs (domain §10a second_person)."""
    return facts.by_director


def case_is_open(_actor: Actor, facts: Facts) -> bool:
    """The case is neither closed nor archived."""
    return facts.state not in (None, "closed", "handed_in", "archived")


def case_is_closed(_actor: Actor, facts: Facts) -> bool:
    """The case is closed and not filed yet."""
    return facts.state == "closed"


def case_is_not_archived(_actor: Actor, facts: Facts) -> bool:
    """The case may be closed, but lies still with its counsellor: agreed follow-ups go on (篇10 六)."""
    return facts.state not in (None, "handed_in", "archived")


def case_is_not_filed(_actor: Actor, facts: Facts) -> bool:
    """The archive has not signed for it yet; afterwards a ticket opens it, and nothing else (篇4 三)."""
    return facts.state != "archived"


def case_was_handed_in(_actor: Actor, facts: Facts) -> bool:
    """The counsellor has handed the closed case in, and nobody has answered yet (篇4 二)."""
    return facts.state == "handed_in"


def client_is_watched(_actor: Actor, facts: Facts) -> bool:
    """Duty has been told about this client: an alarm is open, or a safety card lies there."""
    return facts.watched


def actor_sends_it(actor: Actor, facts: Facts) -> bool:
    """The actor is the one who tells."""
    return actor.holder_id is not None and actor.holder_id == facts.sender_id


def actor_is_told(actor: Actor, facts: Facts) -> bool:
    """The package is addressed to the actor by name."""
    return actor.holder_id is not None and actor.holder_id == facts.recipient_id


def everybody_stands_by_it(_actor: Actor, facts: Facts) -> bool:
    """The yes it rests on has been given, not been taken back, and its day has not passed (篇4 四)."""
    return facts.agreed


def actor_neither_sent_nor_decided(actor: Actor, facts: Facts) -> bool:
    """Whoever looks at it afterwards had no part in it (R4-20)."""
    return actor.holder_id is not None and actor.holder_id not in (facts.sender_id, facts.decider_id)


def actor_was_asked(actor: Actor, facts: Facts) -> bool:
    """The actor was given the key to it, to say yes or to look at it afterwards."""
    return actor.holder_id is not None and actor.holder_id in facts.asked


def a_colleague_asked(_actor: Actor, facts: Facts) -> bool:
    """It is not the director's own."""
    return not facts.by_director


def actor_is_not_barred(actor: Actor, facts: Facts) -> bool:
    """The actor is not kept away from this client's work."""
    return actor.holder_id not in facts.barred


def the_director_was_waited_for(_actor: Actor, facts: Facts) -> bool:
    """The director was not reached in the time of the setting."""
    return facts.waited


def it_waits_for_a_yes(_actor: Actor, facts: Facts) -> bool:
    """It has been submitted and nobody has answered yet."""
    return facts.state == "submitted"


def it_was_sent(_actor: Actor, facts: Facts) -> bool:
    """It has left the room."""
    return facts.state == "sent"


def it_has_a_ground(_actor: Actor, facts: Facts) -> bool:
    """A basis is on record: one of the six limits, or the client's own wish (R7-06)."""
    return facts.ground is not None


def nobody_ordered_it(_actor: Actor, facts: Facts) -> bool:
    """No superior asked for it: no order overrides the truth before an authority (篇4 六; R5-03)."""
    return not facts.ordered


def it_is_about_nobody(_actor: Actor, facts: Facts) -> bool:
    """No client and no case is meant (R1-31, R5-03)."""
    return facts.client_id is None
