"""The gate: decide, then go on or refuse. One `refuse()`: the same audit line and the same page for every cause."""

from functools import partial
from typing import NoReturn
from uuid import UUID

from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.decide import Decision, decide
from counsel.confidentiality.facts import NOTHING, Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import LockedError, RefusedError
from counsel.keys.bundle import Keyring
from counsel.keys.groups import open_groups


def require(
    db: Session,
    actor: SignedIn,
    permission: Permission,
    facts: Facts | None = NOTHING,
    *,
    object_id: UUID | None = None,
) -> Decision:
    """Return the decision when it allows.

    :param facts: None when the thing was not found: decided, audited and refused exactly as a foreign one.
    :raises RefusedError: in every other case, with the refusal on record.
    """
    decision = decide(actor, permission, facts or NOTHING)
    if facts is None or not decision.allowed:
        refuse(db, actor, permission, object_id)
    return decision


def refuse(db: Session, actor: SignedIn, permission: Permission, object_id: UUID | None = None) -> NoReturn:
    """Record the refusal with actor and object (R4-09) and answer as if nothing were there."""
    with recording(db) as record:
        record.line(
            f"gate:{permission}:refused",
            role=actor.role,
            actor_id=actor.holder_id or actor.staff_id,
            object_id=object_id,
        )
    raise RefusedError(permission)


def keys_of(db: Session, actor: SignedIn) -> Keyring:
    """Return the actor's keys; those of the groups are found when a box needs them.

    :raises LockedError: while the vault is shut; the page then asks for the passphrase and comes back.
    """
    if actor.keyring is None:
        raise LockedError
    if not actor.keyring.groups and actor.staff_id is not None:
        actor.keyring.find_groups = partial(open_groups, db, actor.keyring)
    return actor.keyring
