"""Founding a centre: the director's account and keys, pinned; the groups `office` and `duty`; the first rules."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from counsel.access.accounts import StaffNames, login_tag, month_now, print_code, seal_names, set_passphrase
from counsel.access.models import Account
from counsel.audit.chain import recording
from counsel.confidentiality.roles import Role
from counsel.core.database import house_of
from counsel.core.errors import ConflictError
from counsel.core.ids import new_id
from counsel.crypto.codes import new_code
from counsel.crypto.passphrase import SALT_BYTES
from counsel.crypto.signatures import spoken
from counsel.keys.bundle import new_keyring
from counsel.keys.groups import found_group
from counsel.keys.trust import holder_row, pin_director, print_of
from counsel.people.invitations import staff_holder
from counsel.people.rule_texts import publish_first_rules


@dataclass(frozen=True)
class Founding:
    """What `counsel init` prints once: the director's code and the fingerprint to compare."""

    account_id: UUID
    code: str
    fingerprint: str


def found_centre(db: Session, *, login: str, display: str) -> Founding:
    """Make the director's account, whose printed code opens it the first time, and pin its keys.

    :raises ConflictError: when a director is pinned already.
    """
    house = house_of(db)
    if (house.settings.instance / "pins.json").exists():
        raise ConflictError("founded")
    keyring = new_keyring(new_id())
    account = Account(account_id=new_id(), kind="staff", status="active", roles=Role.DIRECTOR, made_month=month_now())
    account.login_tag = login_tag(house, login)
    account.holder_id = keyring.holder_id
    account.salt = keyring.own_key[:SALT_BYTES]
    account.names_sealed = seal_names(house, account.account_id, StaffNames(display, login))
    set_passphrase(house, account, keyring, new_code())  # nobody knows it: the printed code opens the first time
    code = print_code(house, account, keyring)
    with recording(db) as record:
        db.add_all([account, staff_holder(keyring)])
        db.flush()
        pin_director(house, keyring)
        for name in ("office", "duty"):
            found_group(db, founder=keyring, name=name)
        publish_first_rules(db)
        record.line("people:centre:founded", object_id=account.account_id)
    holder = holder_row(db, keyring.holder_id)
    assert holder is not None
    return Founding(account.account_id, code, spoken(print_of(holder)))
