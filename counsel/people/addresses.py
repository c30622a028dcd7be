"""Where a colleague wishes to be told that something waits: own choice, sealed under the server secret, generic texts only."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import roles_now
from counsel.access.gate import require
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.database import house_of
from counsel.core.errors import NotFoundError, UnreadableError
from counsel.core.ids import new_id
from counsel.outbox.services import Address, checked, once_for, open_address, post, seal_address, withdraw_to
from counsel.people.models import StaffAddress


def own_address(db: Session, *, actor: SignedIn) -> Address | None:
    """Return where the actor wishes to be told, or None."""
    row = db.get(StaffAddress, actor.staff_id) if actor.staff_id is not None else None
    return _opened(db, row) if row is not None else None


def set_own_address(db: Session, *, actor: SignedIn, channel: str, address: str, language: str) -> None:
    """Choose where to be told, or with an empty address nowhere; a test message goes there at once.

    :raises InvalidError: no such channel or address; :raises NotFoundError: a student, whose account keeps no address.

    Records: ``people:address:chosen`` or ``:removed``.
    """
    require(db, actor, Permission.ACCOUNT_OWN)
    if actor.staff_id is None:
        raise NotFoundError("address")
    to = checked(channel, address, language) if address.strip() else None
    with recording(db) as record:
        if to is None:
            known = db.get(StaffAddress, actor.staff_id)
            if known is not None:
                db.delete(known)
        else:
            sealed = seal_address(house_of(db), actor.staff_id, to)
            db.merge(StaffAddress(account_id=actor.staff_id, address_sealed=sealed))
            post(db, to=to, text="test", once=once_for(db, "test", new_id()))
        record.line(f"people:address:{'chosen' if to else 'removed'}", role=actor.role, actor_id=actor.staff_id)


def addresses_of(db: Session, role: str) -> Iterable[tuple[UUID, Address]]:
    """Return (account, address) of everybody who acts in a role today, deputies too, and wishes to be told."""
    query = select(Account, StaffAddress).join(StaffAddress, StaffAddress.account_id == Account.account_id)
    rows = db.execute(query.where(Account.status == "active", Account.kind == "staff")).all()
    able = [(account.account_id, _opened(db, row)) for account, row in rows if role in roles_now(db, account)]
    return [(account_id, to) for account_id, to in able if to is not None]


def _opened(db: Session, row: StaffAddress) -> Address | None:
    """One address that does not open must not keep the others from being told."""
    try:
        return open_address(house_of(db), row.account_id, row.address_sealed)
    except UnreadableError:
        return None


def forget_address(db: Session, account_id: UUID) -> None:
    """Forget where a colleague wished to be told, and what waits to go there, inside the caller's transaction."""
    row = db.get(StaffAddress, account_id)
    if row is None:
        return
    to = _opened(db, row)
    db.delete(row)
    if to is not None:
        withdraw_to(db, to)
