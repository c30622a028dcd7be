"""Staff: vouching for colleagues, leaving, credentials and continuing education."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, select
from sqlalchemy.orm import Session

from counsel.access.accounts import names_of, roles_in
from counsel.access.gate import keys_of, require
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn, end_all
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import CERTIFIED, Role
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    RefusedError,
    TransitionError,
)
from counsel.core.ids import new_id
from counsel.core.rows import Prepared
from counsel.crypto.signatures import spoken
from counsel.keys.bundle import Keyring
from counsel.keys.groups import admit, members_of, open_groups
from counsel.keys.leaving import revoke_holder, sole_boxes
from counsel.keys.models import Holder
from counsel.keys.trust import ELIGIBLE, certify, group_id, holder_row, is_root, print_of, roles_of
from counsel.people.addresses import forget_address
from counsel.people.exclusions import hand_on
from counsel.people.models import Credential, Education, Invitation


@dataclass(frozen=True)
class Colleague:
    """A line of the staff list. `waiting`: activated, but nobody has vouched for the keys or not enough people have."""

    account_id: UUID
    holder_id: UUID | None
    name: str
    roles: tuple[Role, ...]
    status: str
    waiting: bool
    fingerprint: str
    valid_to: date | None


def colleagues(db: Session, *, actor: SignedIn) -> list[Colleague]:
    """Return all staff accounts that have not been dismissed, by name."""
    require(db, actor, Permission.STAFF_LIST)
    rows = db.scalars(select(Account).where(Account.kind == "staff", Account.status != "dismissed"))
    return sorted((_colleague(db, row) for row in rows), key=lambda who: who.name)


def _colleague(db: Session, account: Account) -> Colleague:
    holder = holder_row(db, account.holder_id) if account.holder_id else None
    roles = roles_in(account)
    return Colleague(
        account.account_id,
        account.holder_id,
        names_of(house_of(db), account).display,
        roles,
        account.status,
        waiting=holder is not None and bool(_missing(db, account.holder_id, roles)),
        fingerprint=spoken(print_of(holder)) if holder else "",
        valid_to=credential_end(db, account.holder_id) if account.holder_id else None,
    )


def _missing(db: Session, holder_id: UUID | None, roles: tuple[Role, ...]) -> list[str]:
    """Return what is still missing: roles nobody vouched for, groups not yet joined."""
    holder = holder_row(db, holder_id) if holder_id else None
    if holder is None:
        return []
    vouched = set(roles_of(db, holder))
    lacking: list[str] = [role for role in roles if role in CERTIFIED and role not in vouched]
    groups = (name for name in ELIGIBLE if set(roles) & set(ELIGIBLE[name]))
    members = {name: members_of(db, name) for name in groups}
    lacking += [name for name in ("office", "duty") if name in members and holder.holder_id not in members[name]]
    return lacking + (["archive"] if members.get("archive") and holder.holder_id not in members["archive"] else [])


def seen_mark(who: Colleague) -> str:
    """Return what the voucher saw: fingerprint and roles, to be sent back with the vouching."""
    return f"{who.fingerprint} {','.join(sorted(who.roles))}"


def vouch_for(db: Session, *, actor: SignedIn, account_id: UUID, seen: str | None = None) -> list[str]:
    """Vouch for a colleague's keys and let them into the groups of their roles; return what is still missing.

    The director's word makes a role valid; from the third member of a group on a second colleague must vouch as well.

    :param seen: the mark of what the page showed.
    :raises ConflictError: keys or roles are not those that were shown.

    Records: ``people:staff:vouched``. Rule: 篇4 三; design §2.
    """
    own_right = actor.role is Role.DIRECTOR and not actor.deputy
    permission = Permission.STAFF_ADMIT if own_right else Permission.STAFF_VOUCH
    account = db.get(Account, account_id)
    holder = holder_row(db, account.holder_id) if account is not None and account.holder_id else None
    facts = Facts(requester_id=account_id) if holder is not None else None
    require(db, actor, permission, facts, object_id=account_id)
    assert account is not None and holder is not None
    if seen is not None and seen != seen_mark(_colleague(db, account)):
        raise ConflictError("faster")
    keyring = keys_of(db, actor)
    with recording(db) as record:
        for role in roles_in(account):
            if role in CERTIFIED:
                certify(db, certifier=keyring, holder=holder, role=role)
        db.flush()
        for name in _joinable(db, keyring, roles_in(account)):
            try:
                admit(db, member=keyring, newcomer=holder.holder_id, name=name)
            except RefusedError:
                continue  # one voice too few; a second colleague completes it
        db.flush()
        hand_on(db, actor=actor)
        record.line("people:staff:vouched", role=actor.role, actor_id=actor.staff_id, object_id=account_id)
        return _missing(db, holder.holder_id, roles_in(account))


def _joinable(db: Session, keyring: Keyring, roles: tuple[Role, ...]) -> list[str]:
    """Return the groups of these roles whose keys the voucher holds."""
    house = house_of(db)
    open_groups(db, keyring)
    return [name for name in ELIGIBLE if group_id(house, name) in keyring.groups and set(roles) & set(ELIGIBLE[name])]


def cases_lost_with(db: Session, *, actor: SignedIn, account_id: UUID) -> int:
    """Return how many cases nobody could open any more once this colleague's keys are gone."""
    require(db, actor, Permission.STAFF_INVITE)
    account = db.get(Account, account_id)
    return sole_boxes(db, account.holder_id) if account is not None and account.holder_id else 0


def dismiss(db: Session, *, actor: SignedIn, account_id: UUID, knowing: bool = False) -> None:
    """End a colleague's access at once: sign-ins, grants, memberships, in one transaction, without any key.

    :param knowing: also when cases then have no reader left; a hand-over beforehand saves them.
    :raises TransitionError: ``SOLE_READER``, when there are such cases and nobody said so.

    Records: ``people:staff:dismissed``. Rule: 篇5 4; R4-11.
    """
    account = db.get(Account, account_id)
    known = account is not None and account.kind == "staff" and account.account_id != actor.account_id
    require(db, actor, Permission.STAFF_DISMISS, Facts() if known else None, object_id=account_id)
    assert account is not None
    holder = holder_row(db, account.holder_id) if account.holder_id else None
    if holder is not None and is_root(house_of(db), holder):
        require(db, actor, Permission.STAFF_DISMISS, None, object_id=account_id)
    if holder is not None and not knowing and sole_boxes(db, holder.holder_id):
        raise TransitionError("SOLE_READER")
    with recording(db) as record:
        account = db.get_one(Account, account_id)
        db.execute(delete(Invitation).where(Invitation.account_id == account_id))
        account.status, account.bundle_sealed, account.code_sealed = "dismissed", None, None
        end_all(db, account_id)
        forget_address(db, account_id)
        if account.holder_id is not None:
            revoke_holder(db, account.holder_id)
        record.line("people:staff:dismissed", role=actor.role, actor_id=actor.staff_id, object_id=account_id)


def record_credential(
    db: Session,
    *,
    actor: SignedIn,
    holder_id: UUID,
    name: str,
    issuer: str,
    number: str,
    areas: str,
    valid_from: date,
    valid_to: date,
) -> None:
    """Add a certificate to a counsellor's competence log; entries are dated and never changed (篇6 2, 篇7 一).

    :raises InvalidError: dates the wrong way round; :raises NotFoundError: no such holder.
    """
    require(db, actor, Permission.CREDENTIAL_RECORD)
    if valid_to < valid_from:
        raise InvalidError(valid_to="before_start")
    if holder_row(db, holder_id) is None:
        raise NotFoundError("holder")
    with recording(db) as record:
        db.add(
            Credential(
                credential_id=new_id(),
                holder_id=holder_id,
                name=name,
                issuer=issuer,
                number=number,
                areas=areas,
                valid_from=valid_from,
                valid_to=valid_to,
            )
        )
        record.line("people:credential:recorded", role=actor.role, actor_id=actor.staff_id, object_id=holder_id)


def record_education(db: Session, *, actor: SignedIn, staff_id: UUID, topic: str, minutes: int, on_date: date) -> None:
    """Add an entry of continuing education to somebody's log (篇5 8, 篇8 十一)."""
    require(db, actor, Permission.CREDENTIAL_RECORD)
    with recording(db) as record:
        db.add(Education(education_id=new_id(), staff_id=staff_id, topic=topic, minutes=minutes, on_date=on_date))
        record.line("people:education:recorded", role=actor.role, actor_id=actor.staff_id, object_id=staff_id)


def credential_end(db: Session, holder_id: UUID) -> date | None:
    """Return the day until which a counsellor may take cases, or None without any credential."""
    return db.scalar(select(func.max(Credential.valid_to)).where(Credential.holder_id == holder_id))


def able(holder: Any, day: Any) -> ColumnElement[bool]:
    """Return the condition that somebody's keys are not revoked and a credential of theirs is valid on a day (R6-02)."""
    newest = select(Holder.revoked).where(Holder.holder_id == holder).order_by(Holder.version.desc()).limit(1)
    valid = exists().where(Credential.holder_id == holder, Credential.valid_from <= day, Credential.valid_to >= day)
    return newest.scalar_subquery().is_(False) & valid


MAY_TAKE_CASES = Prepared(select(able(bindparam("holder"), bindparam("day"))))


def may_take_cases(db: Session, holder_id: UUID, on: date | None = None) -> bool:
    """Return whether the counsellor has a credential that is valid on a day, today unless told (R6-02)."""
    day = on or today(house_of(db).settings.time_zone)
    return bool(MAY_TAKE_CASES.value(db, holder=holder_id, day=day))


def qualification_of(db: Session, holder_id: UUID | None) -> str:
    """Return a counsellor's valid certificates as a client is told of them: name, issuer, number."""
    day = today(house_of(db).settings.time_zone)
    valid = select(Credential).where(Credential.holder_id == holder_id, Credential.valid_from <= day, Credential.valid_to >= day)
    return "; ".join(f"{row.name}, {row.issuer}, {row.number}" for row in db.scalars(valid.order_by(Credential.valid_from)))


def expiring(db: Session) -> list[Credential]:
    """Return credentials that end within the warning time."""
    settings = house_of(db).settings
    last = today(settings.time_zone) + timedelta(days=settings.competence_warning_days)
    return list(db.scalars(select(Credential).where(Credential.valid_to <= last).order_by(Credential.valid_to)))


def staff_name(db: Session, holder_id: UUID | None) -> str:
    """Return the display name of a staff holder; house data, shown to whoever may see the page."""
    account = db.scalar(select(Account).where(Account.holder_id == holder_id)) if holder_id else None
    return names_of(house_of(db), account).display if account is not None else ""


def account_name(db: Session, account_id: UUID | None) -> str:
    """Return the display name of a staff account."""
    account = db.get(Account, account_id) if account_id else None
    return names_of(house_of(db), account).display if account is not None and account.kind == "staff" else ""


def counsellors(db: Session) -> list[tuple[UUID, str]]:
    """Return (holder, name) of active counsellors, the director included, in the order of their names."""
    rows = db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active"))
    able = (row for row in rows if row.holder_id and set(roles_in(row)) & {Role.COUNSELLOR, Role.DIRECTOR})
    return sorted(
        ((row.holder_id, names_of(house_of(db), row).display) for row in able if row.holder_id),
        key=lambda pair: pair[1],
    )
