"""The printed recovery code: opens an account once more, is typed back once, and is replaced whenever it was used."""

from dataclasses import replace

from sqlalchemy.orm import Session

from counsel.access.accounts import (
    find_account,
    login_tag,
    names_of,
    open_with_code,
    print_code,
    set_passphrase,
    unlock,
)
from counsel.access.gate import keys_of
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn, end_all
from counsel.access.throttling import count_failure, tags, waits_until
from counsel.audit.chain import recording
from counsel.core.database import house_of
from counsel.core.errors import InvalidError
from counsel.core.installation import is_demo
from counsel.keys.bundle import Keyring
from counsel.people.passphrases import check_passphrase


def recover(db: Session, *, login: str, code: str, passphrase: str, address: str) -> tuple[Account, Keyring, str] | None:
    """Open an account with its printed code, set a new passphrase, and return it with the next code.

    :returns: None when name and code do not belong together, or too many were tried.
    :raises InvalidError: a passphrase that is too short or well known.

    Records: ``people:account:recovered``. Ends every sign-in of the account.
    """
    house = house_of(db)
    counted = tags(db, login_tag(house, login), address, b"recovery")
    account = find_account(db, login)
    keyring = None if waits_until(db, counted) else open_with_code(house, account, code)
    if keyring is None or account is None:
        count_failure(db, counted)
        return None
    staff = account.kind == "staff"
    names = names_of(house, account) if staff else None
    personal = [names.display, names.login] if names else list(keyring.card.values())
    check_passphrase(passphrase, staff=staff, personal=personal, demo=is_demo(db))
    with recording(db) as record:
        account = db.get_one(Account, account.account_id)
        set_passphrase(house, account, keyring, passphrase)
        printed = print_code(house, account, keyring)
        end_all(db, account.account_id)
        role, who = ("staff", account.account_id) if staff else ("somebody", None)
        record.line("people:account:recovered", role=role, object_id=who)
    return account, keyring, printed


def confirm_code(db: Session, *, actor: SignedIn, code: str) -> SignedIn:
    """Type the printed code back once.

    :raises InvalidError: field ``code``, when it is another.

    Records: ``people:code:confirmed``, for students without saying whom.
    """
    account = db.get_one(Account, actor.account_id)
    if open_with_code(house_of(db), account, code) is None:
        raise InvalidError(code="wrong")
    with recording(db) as record:
        db.get_one(Account, actor.account_id).code_confirmed = True
        record.line("people:code:confirmed", role="staff" if actor.staff_id else "somebody", object_id=actor.staff_id)
    return replace(actor, code_confirmed=True)


def change_passphrase(db: Session, *, actor: SignedIn, old: str, new: str, address: str = "") -> None:
    """Change one's own passphrase with the old one; every other sign-in of the account ends (ASVS 6.2.3, 7.4.3).

    :raises InvalidError: a wrong old one, or a new one that is too short or well known.
    :raises LockedError: while the vault is shut; wrong tries are throttled like signing in.

    Records: ``people:passphrase:changed``.
    """
    house = house_of(db)
    keys_of(db, actor)
    account = db.get_one(Account, actor.account_id)
    counted = tags(db, account.login_tag, address, actor.account_id.bytes)
    keyring = None if waits_until(db, counted) else unlock(house, account, account.login_tag, old)
    if keyring is None:
        count_failure(db, counted)
        raise InvalidError(old="wrong")
    personal = [actor.name, *keyring.card.values()]
    check_passphrase(new, staff=actor.staff_id is not None, personal=personal, demo=is_demo(db))
    with recording(db) as record:
        set_passphrase(house, db.get_one(Account, actor.account_id), keyring, new)
        end_all(db, actor.account_id, but_token=actor.token)
        record.line("people:passphrase:changed", role="staff" if actor.staff_id else "somebody", object_id=actor.staff_id)
