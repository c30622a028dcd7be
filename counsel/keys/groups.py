"""The groups `office`, `duty` and `archive`: a group's private half lies in a box; a member is whoever may open it."""

import json
from base64 import b64decode, b64encode
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.core.database import house_of
from counsel.core.errors import RefusedError, UnreadableError
from counsel.crypto import hybrid
from counsel.crypto.blob import Kind
from counsel.crypto.context import Place
from counsel.crypto.derive import new_key
from counsel.keys.boxes import GRANTS_TO, OpenBox, add_reader, create_box, open_box
from counsel.keys.bundle import GroupKeys, Keyring
from counsel.keys.grants import Reader
from counsel.keys.models import Box, Grant, Holder
from counsel.keys.rotation import rotate
from counsel.keys.trust import (
    ELIGIBLE,
    certifiers_of,
    certify,
    check_recipient,
    group_id,
    holder_row,
    holder_versions,
    roles_of,
)


def found_group(db: Session, *, founder: Keyring, name: str) -> None:
    """Found a group in its first member's session; does nothing when it exists."""
    house = house_of(db)
    identity = group_id(house, name)
    if db.get(Box, identity) is not None:
        return
    me = _eligible(db, founder.holder_id, name)
    box = create_box(db, kind="group", box_id=identity, readers=[Reader(me, "member")], granter=founder)
    _new_version(db, box, founder, name)


def _eligible(db: Session, holder_id: UUID, name: str) -> Holder:
    holder = holder_row(db, holder_id)
    if holder is None or not set(roles_of(db, holder)) & set(ELIGIBLE[name]):
        raise RefusedError(f"no member of {name}")
    return holder


def _new_version(db: Session, box: OpenBox, member: Keyring, name: str) -> None:
    """Make the group's keys for the present epoch of its box and vouch for them."""
    kem, own = hybrid.new_private(), new_key()
    private = json.dumps({"kem": b64encode(kem).decode(), "own": b64encode(own).decode()}).encode()
    place = Place("holders", box.box_id, box.epoch, box.box_id)
    holder = Holder(
        holder_id=box.box_id,
        version=box.epoch,
        kind="group",
        kem_public=hybrid.public_of(kem),
        private_sealed=box.seal(private, Kind.KEY, place),
    )
    db.add(holder)
    db.flush()
    certify(db, certifier=member, holder=holder, role=name)
    member.groups.setdefault(box.box_id, {})[box.epoch] = GroupKeys(kem, own)


def members_of(db: Session, name: str) -> set[UUID]:
    """Return the holders who may open the group's present epoch."""
    identity = group_id(house_of(db), name)
    box = db.get(Box, identity)
    if box is None:
        return set()
    return set(db.scalars(select(Grant.holder_id).where(Grant.box_id == identity, Grant.epoch == box.epoch)))


def certifiers_needed(db: Session, name: str) -> int:
    """Return how many people must vouch for a newcomer: one while the group is small, two from three members on."""
    return 1 if len(members_of(db, name)) < 3 else 2


def admit(db: Session, *, member: Keyring, newcomer: UUID, name: str) -> None:
    """Let a newcomer into a group; the member's session holds the keys, certificates hold the say.

    :raises RefusedError: the newcomer's role is not one of the group's, or too few people vouch for it.
    """
    holder = _eligible(db, newcomer, name)
    vouching = set().union(*(certifiers_of(db, holder, role) for role in roles_of(db, holder)))
    if len(vouching) < certifiers_needed(db, name):
        raise RefusedError("a second person must vouch")
    if newcomer not in members_of(db, name):
        box = open_box(db, member, group_id(house_of(db), name), for_writing=True)
        add_reader(db, box, reader=Reader(holder, "member"), granter=member)


def open_groups(db: Session, keyring: Keyring) -> list[str]:
    """Put the keys of every group the holder is a member of at hand, for this request.

    :return: names of groups whose keys do not open, spoilt or planted: whatever needs them stays shut, and nothing else does.
    """
    house, spoilt = house_of(db), []
    for name in ELIGIBLE:
        identity = group_id(house, name)
        if identity not in keyring.groups and GRANTS_TO.first(db, box=identity, holder=keyring.holder_id) is not None:
            try:
                keyring.groups[identity] = _versions(db, keyring, identity)
            except UnreadableError:
                spoilt.append(name)
    return spoilt


def _versions(db: Session, keyring: Keyring, identity: UUID) -> dict[int, GroupKeys]:
    box = open_box(db, keyring, identity)
    found = {}
    for row in holder_versions(db, identity):
        if row.private_sealed is not None and row.version in box.keys:
            place = Place("holders", identity, row.version, identity)
            private = json.loads(box.unseal(row.private_sealed, Kind.KEY, place))
            if hybrid.public_of(b64decode(private["kem"])) != row.kem_public:
                raise UnreadableError("group keys")
            found[row.version] = GroupKeys(b64decode(private["kem"]), b64decode(private["own"]))
    return found


def renew_if_stale(db: Session, keyring: Keyring, name: str) -> bool:
    """Give a group that somebody left a new epoch and new keys; return whether it was so. Done at a member's next unlock.

    :raises UnreadableError: when it does not open; :raises TamperError: when somebody planted a member.
    """
    box = db.get(Box, group_id(house_of(db), name))
    if box is None or not box.stale or box.box_id not in keyring.groups:
        return False
    _new_version(db, rotate(db, keyring, box.box_id), keyring, name)
    return True


def group_reader(db: Session, name: str, purpose: str) -> Reader:
    """Return the group as a reader, with its newest public key, which one of its members has vouched for.

    :raises UnreadableError: when the group has not been founded; :raises TamperError: when its key was replaced.
    """
    holder = holder_row(db, group_id(house_of(db), name))
    if holder is None:
        raise UnreadableError(f"{name} is not founded")
    check_recipient(db, holder)
    return Reader(holder, purpose)
