"""The evaluator: the first clause whose sentences are all true allows; everything else, the unknown included, refuses."""

from collections.abc import Mapping
from dataclasses import dataclass

from counsel.confidentiality.facts import NOTHING, Actor, Facts
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.rules import RULES, Clause


@dataclass(frozen=True)
class Decision:
    """The answer to one question.

    :param rule: name of the clause that allowed, empty when refused.
    :param clause: clause of the regulations.
    """

    allowed: bool
    rule: str = ""
    clause: str = ""
    obligations: tuple[str, ...] = ()


REFUSED = Decision(False)


def decide(
    actor: Actor,
    permission: Permission,
    facts: Facts = NOTHING,
    rules: Mapping[Permission, tuple[Clause, ...]] = RULES,
) -> Decision:
    """Return whether `actor` may do `permission` given `facts`, and by which clause."""
    for clause in rules.get(permission, ()):
        if clause.when and all(sentence(actor, facts) for sentence in clause.when):
            return Decision(True, clause.name, clause.law, clause.obligations)
    return REFUSED


def role_may(actor: Actor, permission: Permission) -> bool:
    """Return whether the actor's role could ever be granted this; by convention a clause's first sentence says who."""
    return any(clause.when and clause.when[0](actor, NOTHING) for clause in RULES.get(permission, ()))
