"""Deputies: a colleague who acts in an approving role between two days, so that approvals never wait for one person.

The deputy's own keys do the work: a deputy of the director must be a counsellor whose keys are vouched for. Whoever
approves is never whoever asked. Rule: 篇5 17.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import names_of, roles_in
from counsel.access.gate import require
from counsel.access.models import Account, Deputy
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import APPROVING, Role, combination_problem
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, NotFoundError
from counsel.core.ids import new_id
from counsel.keys.trust import holder_row, roles_of
from counsel.outbox.notices import notify
from counsel.people.conflicts import barred_now

LONGEST_DAYS = 180


@dataclass(frozen=True)
class Deputising:
    """One line of the list: who acts for me, and when."""

    deputy_id: UUID
    name: str
    from_on: date
    until_on: date


def possible_deputies(db: Session, *, actor: SignedIn) -> list[tuple[UUID, str]]:
    """Return (account, name) of colleagues who could act in the actor's role, by name."""
    require(db, actor, Permission.DEPUTY_NAME)
    rows = db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active"))
    able = (row for row in rows if row.account_id != actor.account_id and _problem(db, row, actor.role) is None)
    return sorted(((row.account_id, names_of(house_of(db), row).display) for row in able), key=lambda pair: pair[1])


def _problem(db: Session, account: Account, role: Role) -> str | None:
    """Return why an account cannot act in a role, or None."""
    if role in roles_in(account) or combination_problem({*roles_in(account), role}):
        return "not_possible"
    if role is not Role.DIRECTOR:
        return None
    holder = holder_row(db, account.holder_id) if account.holder_id else None
    able = holder is not None and Role.COUNSELLOR in roles_in(account) and "counsellor" in roles_of(db, holder)
    return None if able else "not_possible"


def name_deputy(db: Session, *, actor: SignedIn, account_id: UUID | None, from_on: date, until_on: date) -> UUID:
    """Name a colleague to act in the actor's own role from one day to another, both included.

    :raises InvalidError: days the wrong way round, past, or more than half a year; somebody who cannot have the role.

    Records: ``people:deputy:named``. Rule: 篇5 17.
    """
    require(db, actor, Permission.DEPUTY_NAME)
    assert actor.role in APPROVING and actor.staff_id is not None
    day = today(house_of(db).settings.time_zone)
    if not max(from_on, day) <= until_on <= from_on + timedelta(days=LONGEST_DAYS):
        raise InvalidError(until_on="deputy_days")
    account = db.get(Account, account_id) if account_id else None
    if (
        account is None
        or account.status != "active"
        or account.account_id == actor.account_id
        or _problem(db, account, actor.role)
    ):
        raise InvalidError(account="not_possible")
    row = Deputy(deputy_id=new_id(), role=actor.role, named_by=actor.staff_id, account_id=account.account_id)
    row.from_on, row.until_on = from_on, until_on
    with recording(db) as record:
        db.add(row)
        record.line("people:deputy:named", role=actor.role, actor_id=actor.staff_id, object_id=account.account_id)
    return row.deputy_id


def end_deputy(db: Session, *, actor: SignedIn, deputy_id: UUID | None) -> None:
    """End a deputy whom the actor named; it is over at the deputy's next request. Records: ``people:deputy:ended``."""
    require(db, actor, Permission.DEPUTY_NAME)
    row = db.get(Deputy, deputy_id) if deputy_id else None
    if row is None or row.named_by != actor.staff_id:
        raise NotFoundError("deputy")
    with recording(db) as record:
        record.line("people:deputy:ended", role=actor.role, actor_id=actor.staff_id, object_id=row.account_id)
        db.delete(db.get_one(Deputy, row.deputy_id))


def my_deputies(db: Session, *, actor: SignedIn) -> list[Deputising]:
    """Return whom the actor has named, the present and coming ones."""
    require(db, actor, Permission.DEPUTY_NAME)
    day = today(house_of(db).settings.time_zone)
    rows = db.scalars(select(Deputy).where(Deputy.named_by == actor.staff_id, Deputy.until_on >= day).order_by(Deputy.from_on))
    found = ((row, db.get_one(Account, row.account_id)) for row in rows)
    return [Deputising(row.deputy_id, names_of(house_of(db), who).display, row.from_on, row.until_on) for row, who in found]


def directors(db: Session, *, coming: bool = False) -> list[Account]:
    """Return the accounts of directors and of those who act for them today.

    :param coming: those too who will act later, such as for what they may have to sign then.
    """
    rows = db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active"))
    day = today(house_of(db).settings.time_zone)
    acting = select(Deputy.account_id).where(Deputy.role == Role.DIRECTOR, Deputy.until_on >= day)
    acting_ids = set(db.scalars(acting if coming else acting.where(Deputy.from_on <= day)))
    return [row for row in rows if Role.DIRECTOR in roles_in(row) or row.account_id in acting_ids]


def tell_directors(
    db: Session, *, kind: str, client_id: UUID, object_id: UUID | None = None, kept: frozenset[UUID] = frozenset()
) -> None:
    """Tell the directors of today about a client, inside the caller's transaction, but nobody who is kept away from the client.

    :param kept: others who must not hear of it.
    """
    kept = kept | barred_now(db, client_id)
    for account in directors(db):
        if account.holder_id not in kept:
            notify(db, reader_id=account.holder_id, kind=kind, object_id=object_id)


def countersigners(db: Session, *, but: UUID | None, kept: frozenset[UUID] = frozenset()) -> tuple[bool, list[UUID]]:
    """Return whether somebody outside must sign, and the holders who may: directors and their deputies, else the supervisors.

    A deputy who will act only later is asked beside somebody who acts today, never in their stead.

    :param but: staff account that asks, which never signs for itself; `kept`: holders kept away from the client.
    """
    now = [row for row in directors(db) if row.account_id != but and row.holder_id not in kept]
    coming = [row for row in directors(db, coming=True) if row.account_id != but and row.holder_id not in kept]
    return not now, _trusted(db, coming if now else _supervisors(db, but, kept))


def _supervisors(db: Session, but: UUID | None, kept: frozenset[UUID]) -> list[Account]:
    staff = db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active")).all()
    return [row for row in staff if Role.SUPERVISOR in roles_in(row) and row.account_id != but and row.holder_id not in kept]


def _trusted(db: Session, rows: list[Account]) -> list[UUID]:
    """Return the holders of some accounts whose keys somebody has vouched for."""
    holders = (holder_row(db, row.holder_id) for row in rows if row.holder_id)
    return [holder.holder_id for holder in holders if holder is not None and roles_of(db, holder)]


def second_persons(db: Session, *, account_id: UUID | None, kept: frozenset[UUID] = frozenset()) -> tuple[bool, list[UUID]]:
    """Return whether somebody outside says yes to what a colleague would tell, and the holders who may.

    For the director's own, and where every director is kept away from the client, it is the outside supervisors, for
    everything else the directors (domain §10a second_person).
    """
    own = account_id in {row.account_id for row in directors(db, coming=True)}
    able = [] if own else [row for row in directors(db) if row.account_id != account_id]
    chosen = [row for row in able if row.holder_id not in kept]
    outside = own or (bool(able) and not chosen)
    return outside, _trusted(db, _supervisors(db, account_id, kept) if outside else chosen)
