"""What a colleague's unlocking brings about: a missing group is founded, stale ones are renewed, lists are handed on."""

from contextlib import suppress

from sqlalchemy.orm import Session

from counsel.access.accounts import holders_in
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.roles import KEY_HOLDING, Role
from counsel.core.database import house_of, writing
from counsel.core.errors import BusyError, ConflictError, RefusedError, UnreadableError
from counsel.keys.bundle import Keyring
from counsel.keys.groups import admit, found_group, members_of, open_groups, renew_if_stale
from counsel.keys.trust import ELIGIBLE, group_id
from counsel.people.exclusions import hand_on


def settle_in(db: Session, *, actor: SignedIn) -> list[str]:
    """Found a missing group, renew those that somebody left, let vouched archivists into the archive, hand lists on.

    :return: names of groups whose keys do not open; nobody stays outside for it.

    Records: ``people:group:unreadable`` for each of them; ``people:group:joined`` for each who was let in.
    """
    if actor.keyring is None or actor.staff_id is None or not actor.vouched or actor.role not in KEY_HOLDING:
        return []
    if actor.role is Role.ARCHIVIST:
        with writing(db):
            found_group(db, founder=actor.keyring, name="archive")
    spoilt = _renewed(db, actor.keyring)
    if actor.role is Role.ARCHIVIST:
        _let_in(db, actor, actor.keyring)
    if spoilt:
        with recording(db) as record:
            for name in spoilt:
                record.by(actor, "people:group:unreadable", detail=name)
    if actor.role in (Role.COUNSELLOR, Role.DIRECTOR):
        with suppress(UnreadableError, ConflictError, BusyError), recording(db):  # the next unlock does it; nobody stays outside
            hand_on(db, actor=actor)
    return spoilt


def _let_in(db: Session, actor: SignedIn, keyring: Keyring) -> None:
    """Whoever vouches has no key of the archive: an archivist who has it lets in those who were vouched for."""
    members = members_of(db, "archive")
    if actor.holder_id not in members:
        return
    for holder_id in holders_in(db, Role.ARCHIVIST):
        if holder_id not in members:
            with suppress(RefusedError, UnreadableError, ConflictError, BusyError), recording(db) as record:
                admit(db, member=keyring, newcomer=holder_id, name="archive")
                record.by(actor, "people:group:joined", object_id=holder_id, detail="archive")


def _renewed(db: Session, keyring: Keyring) -> list[str]:
    """Renew the groups that somebody left, each by itself, and return those that do not open."""
    with writing(db):  # in which each opening leaves a symmetric key for the next
        spoilt = open_groups(db, keyring)
    for name in ELIGIBLE:
        try:
            with writing(db):
                renewed = renew_if_stale(db, keyring, name)
        except UnreadableError:
            spoilt.append(name)
        else:
            if renewed:
                keyring.groups.pop(group_id(house_of(db), name))
    with writing(db):
        open_groups(db, keyring)
    return list(dict.fromkeys(spoilt))
