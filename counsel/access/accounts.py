"""Accounts: how they are found, how staff names are kept, how passphrases and printed codes open them."""

import json
import unicodedata
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.models import Account, Deputy
from counsel.confidentiality.roles import Role
from counsel.core.clock import now, today
from counsel.core.database import House, house_of
from counsel.core.errors import UnreadableError
from counsel.crypto.blob import Kind, seal, unseal
from counsel.crypto.codes import code_keys, new_code
from counsel.crypto.context import Context
from counsel.crypto.derive import mac, new_key, same, subkey
from counsel.crypto.passphrase import SALT_BYTES, stretch
from counsel.keys.bundle import Keyring, open_bundle, seal_bundle


@dataclass(frozen=True)
class StaffNames:
    """House data of a staff member: shown to whoever may, in no file in clear."""

    display: str
    login: str


def fold_login(login: str) -> str:
    """Return a sign-in name or student number in one form: NFKC, no spaces, lower case."""
    return "".join(unicodedata.normalize("NFKC", login).split()).casefold()


def login_tag(house: House, login: str) -> bytes:
    """Return the HMAC by which an account is found; the sign-in name itself is stored nowhere in clear."""
    return mac(subkey(house.secret, "login"), fold_login(login).encode())


def account_tag(house: House, account_id: UUID) -> bytes:
    """Return the HMAC by which sign-in rows name their account."""
    return mac(subkey(house.secret, "account"), account_id.bytes)


def find_account(db: Session, login: str) -> Account | None:
    """Return the account with this sign-in name or student number."""
    return db.scalar(select(Account).where(Account.login_tag == login_tag(house_of(db), login)))


def month_now() -> date:
    """Return the first day of this month: no account row carries a finer time."""
    return now().date().replace(day=1)


def seal_names(house: House, account_id: UUID, names: StaffNames) -> bytes:
    """Seal a staff member's names under the server secret."""
    plain = json.dumps({"display": names.display, "login": names.login}).encode()
    return seal(subkey(house.secret, "names"), plain, Kind.HOUSE, _names_context(house, account_id))


def names_of(house: House, account: Account) -> StaffNames:
    """Return a staff member's names."""
    if account.names_sealed is None:
        raise UnreadableError("no names")
    key = subkey(house.secret, "names")
    plain = unseal(key, account.names_sealed, Kind.HOUSE, _names_context(house, account.account_id))
    return StaffNames(**json.loads(plain))


def name_or_mark(db: Session, account: Account) -> str:
    """Return a staff member's name as it is shown, or a mark where it does not open: no list and no report stops at it."""
    try:
        return names_of(house_of(db), account).display
    except UnreadableError:
        return "?"


def colleagues_here(db: Session) -> list[tuple[UUID, str]]:
    """Return (holder, name) of everybody who works here and has keys, vouched for or not, by name."""
    rows = db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active")).all()
    return sorted(((row.holder_id, name_or_mark(db, row)) for row in rows if row.holder_id), key=lambda person: person[1])


def holders_in(db: Session, role: Role) -> list[UUID]:
    """Return the holders of everybody who works here in a role, vouched for or not."""
    rows = db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active")).all()
    return [row.holder_id for row in rows if row.holder_id and role in roles_in(row)]


def _names_context(house: House, account_id: UUID) -> bytes:
    return Context("names", house.installation, "accounts", item=account_id).encode()


def roles_text(roles: set[Role]) -> str:
    """Return roles as one column."""
    return ",".join(sorted(roles))


def roles_in(account: Account) -> tuple[Role, ...]:
    """Return an account's own roles."""
    return tuple(Role(name) for name in account.roles.split(",") if name)


def deputised_roles(db: Session, account_id: UUID) -> set[Role]:
    """Return the roles in which an account may act today for a colleague."""
    day = today(house_of(db).settings.time_zone)
    query = select(Deputy.role).where(Deputy.account_id == account_id, Deputy.from_on <= day, Deputy.until_on >= day)
    return {Role(name) for name in db.scalars(query)}


def roles_now(db: Session, account: Account) -> tuple[Role, ...]:
    """Return the roles an account may choose from today: its own, then those it is a deputy for."""
    own = roles_in(account)
    return own + tuple(sorted(deputised_roles(db, account.account_id) - set(own)))


def set_passphrase(house: House, account: Account, keyring: Keyring, passphrase: str) -> None:
    """Seal the bundle under a new passphrase; only the bundle is sealed again."""
    account.salt = new_key()[:SALT_BYTES]
    account.verifier, key = stretch(passphrase, account.salt, account.account_id.bytes, house.secret)
    account.bundle_sealed = seal_bundle(house, account.account_id, key, keyring)


def unlock(house: House, account: Account | None, tag: bytes, passphrase: str) -> Keyring | None:
    """Return the keyring for the right passphrase, None otherwise; an unknown account costs the same work."""
    salt = account.salt if account else mac(subkey(house.secret, "no-such-account"), tag)[:SALT_BYTES]
    name = account.account_id.bytes if account else tag[:16]
    verifier, key = stretch(passphrase, salt, name, house.secret)
    if account is None or account.verifier is None or account.bundle_sealed is None:
        return None
    if account.status != "active" or not same(verifier, account.verifier):
        return None
    return open_bundle(house, account.account_id, key, account.bundle_sealed)


def print_code(house: House, account: Account, keyring: Keyring) -> str:
    """Make a new printed code, seal the second copy of the bundle under it and return the code, once."""
    code = new_code()
    account.code_sealed = seal_bundle(house, account.account_id, code_keys(code)[1], keyring, "code")
    account.code_confirmed = False
    return code


def open_with_code(house: House, account: Account | None, code: str) -> Keyring | None:
    """Return the keyring for the right printed code, None otherwise."""
    try:
        key = code_keys(code)[1]
        if account is None or account.code_sealed is None or account.status != "active":
            return None
        return open_bundle(house, account.account_id, key, account.code_sealed, "code")
    except (ValueError, UnreadableError):
        return None
