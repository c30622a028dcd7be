"""Sign-ins: a token that only the cookie holds opens two blobs in one row; deleting the row ends everything (design §2).

`self` lives as long as the sign-in; `vault`, the keys, until the vault locks. Any worker can serve; no key is elsewhere.
"""

import json
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from counsel.access.accounts import (
    account_tag,
    deputised_roles,
    find_account,
    login_tag,
    month_now,
    names_of,
    roles_in,
    roles_now,
    unlock,
)
from counsel.access.models import Account, KnownDevice, SignIn
from counsel.access.throttling import count_failure, forget_failures, tags, waits_until
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Actor
from counsel.confidentiality.roles import KEY_HOLDING, Role
from counsel.core.clock import now
from counsel.core.database import House, house_of, writing
from counsel.core.errors import UnreadableError
from counsel.crypto.blob import Kind, seal, unseal
from counsel.crypto.context import Context
from counsel.crypto.derive import mac, subkey
from counsel.keys.bundle import Keyring, pack, unpack
from counsel.keys.trust import holder_row, roles_of

SLACK = timedelta(minutes=1)  # a row is touched at most once a minute


@dataclass(frozen=True)
class SignedIn(Actor):
    """An actor with what the sign-in row holds.

    :param keyring: None while the vault is locked.
    :param token: the cookie's secret; never logged, never stored.
    :param room: the one page this browser may show while a client looks at it; empty otherwise.
    """

    account_id: UUID = field(default=UUID(int=0))
    name: str = field(default="", repr=False)
    roles: tuple[Role, ...] = ()
    keyring: Keyring | None = field(default=None, repr=False)
    token: str = field(default="", repr=False)
    vault_until: datetime | None = None
    code_confirmed: bool = True
    room: str = ""


@dataclass(frozen=True)
class Attempt:
    """Outcome of one try to sign in: a person, or when to try again, or neither."""

    person: SignedIn | None = None
    wait_until: datetime | None = None


def sign_in(db: Session, *, login: str, passphrase: str, address: str, device: str, known_device: bytes | None = None) -> Attempt:
    """Sign in with name and passphrase.

    :param device: a coarse name such as ``phone`` for the owner's list of devices.
    :param known_device: value of the device cookie, if any.

    Records: ``sign-in:account:opened`` or ``sign-in:account:refused``, without naming a student. Rule: 篇5 19.
    """
    house = house_of(db)
    tag = login_tag(house, login)
    known = known_device if _is_known(db, tag, known_device) else None
    counted = tags(db, tag, address, known)
    wait = waits_until(db, counted)
    if wait is not None:
        return Attempt(wait_until=wait)
    account = find_account(db, login)
    keyring = unlock(house, account, tag, passphrase)
    if keyring is None or account is None:
        count_failure(db, counted)
        _note(db, account, "refused")
        return Attempt(wait_until=waits_until(db, counted))
    with writing(db):
        forget_failures(db, counted)
    return Attempt(open_sign_in(db, account=account, keyring=keyring, device=device))


def _is_known(db: Session, tag: bytes, device: bytes | None) -> bool:
    return device is not None and db.get(KnownDevice, device_tag(house_of(db), tag, device)) is not None


def device_tag(house: House, tag: bytes, device: bytes) -> bytes:
    """Return the HMAC under which a browser is known to an account."""
    return mac(subkey(house.secret, "device"), tag, device)


def remember_device(db: Session, *, login: str, device: bytes) -> None:
    """Remember that this browser signed in to this account."""
    house = house_of(db)
    with writing(db):
        db.merge(KnownDevice(device_tag=device_tag(house, login_tag(house, login), device), seen_month=month_now()))


def _note(db: Session, account: Account | None, what: str) -> None:
    staff = account is not None and account.kind == "staff"
    with recording(db) as record:
        record.line(f"sign-in:account:{what}", role="staff" if staff else "somebody", object_id=_staff_id(account))


def _staff_id(account: Account | None) -> UUID | None:
    return account.account_id if account is not None and account.kind == "staff" else None


def open_sign_in(db: Session, *, account: Account, keyring: Keyring | None, device: str, role: Role | None = None) -> SignedIn:
    """Write a new sign-in row for somebody who has just proven who they are, and return the person."""
    house = house_of(db)
    roles = roles_now(db, account)
    chosen = role if role in roles else roles[0]
    student = account.kind == "student"
    deputy = chosen not in roles_in(account)
    holder_id = keyring.holder_id if keyring else account.holder_id
    person = SignedIn(
        role=chosen,
        holder_id=holder_id,
        staff_id=_staff_id(account),
        vouched=student or _vouched(db, holder_id, Role.COUNSELLOR if deputy and chosen is Role.DIRECTOR else chosen),
        deputy=deputy,
        account_id=account.account_id,
        name=(keyring.card.get("name", "") if keyring else "") if student else names_of(house, account).display,
        roles=roles,
        keyring=keyring,
        token=secrets.token_urlsafe(32),
        code_confirmed=account.code_confirmed,
    )
    person = replace(person, vault_until=vault_end(house) if keyring else None)
    with recording(db) as record:
        db.execute(delete(SignIn).where((SignIn.idle_until < now()) | (SignIn.ends_at < now())))
        db.add(sign_in_row(house, person, device))
        record.line("sign-in:account:opened", role=chosen if not student else "somebody", object_id=person.staff_id)
    return person


def _vouched(db: Session, holder_id: UUID | None, role: Role) -> bool:
    if role not in KEY_HOLDING:
        return True
    holder = holder_row(db, holder_id) if holder_id else None
    return holder is not None and role in roles_of(db, holder)


def vault_end(house: House) -> datetime:
    """Return the moment until which a vault opened or used now stays open, to the end of the minute."""
    return _coarse(now() + timedelta(minutes=house.settings.vault_idle_minutes), 1)


def sign_in_row(house: House, person: SignedIn, device: str) -> SignIn:
    """Return the row of a sign-in: both blobs sealed under the token, every time coarse."""
    keyring = person.keyring
    return SignIn(
        token_hash=token_hash(person.token),
        account_tag=account_tag(house, person.account_id),
        self_sealed=self_blob(house, person),
        vault_sealed=_seal(house, person.token, "vault", pack(keyring)) if keyring else None,
        vault_until=person.vault_until,
        idle_until=_coarse(now() + timedelta(minutes=house.settings.sign_in_idle_minutes), 5),
        ends_at=_coarse(now() + timedelta(hours=house.settings.sign_in_hours), 60),
        device=device[:24],
    )


def self_blob(house: House, person: SignedIn) -> bytes:
    """Seal who somebody is, for the sign-in row that their token opens."""
    return _seal(house, person.token, "self", _self_bytes(person))


def _coarse(moment: datetime, minutes: int) -> datetime:
    """Return the end of the span of minutes a moment lies in: a row's times must not tell when somebody signed in."""
    step = minutes * 60
    return datetime.fromtimestamp(-(-int(moment.timestamp()) // step) * step, UTC)


def token_hash(token: str) -> bytes:
    """Return the hash by which a sign-in row is found."""
    return sha256(b"sign-in" + token.encode()).digest()


def _seal(house: House, token: str, part: str, plain: bytes) -> bytes:
    return seal(_part_key(house, token, part), plain, Kind.SIGN_IN, _part_context(house, token, part))


def _unseal(house: House, token: str, part: str, sealed: bytes) -> bytes:
    return unseal(_part_key(house, token, part), sealed, Kind.SIGN_IN, _part_context(house, token, part))


def _part_key(house: House, token: str, part: str) -> bytes:
    return subkey(mac(subkey(house.secret, "sign-in"), token.encode()), part)


def _part_context(house: House, token: str, part: str) -> bytes:
    return Context(f"sign-in/{part}", house.installation, "sign_ins", item=UUID(bytes=token_hash(token)[:16])).encode()


def _self_bytes(person: SignedIn) -> bytes:
    fields = {
        "account": person.account_id.hex,
        "role": person.role,
        "roles": list(person.roles),
        "holder": person.holder_id.hex if person.holder_id else None,
        "staff": person.staff_id.hex if person.staff_id else None,
        "vouched": person.vouched,
        "deputy": person.deputy,
        "name": person.name,
        "code": person.code_confirmed,
        "room": person.room,
    }
    return json.dumps(fields).encode()


def present_person(db: Session, token: str) -> SignedIn | None:
    """Return who is behind a cookie's token now, or None when the sign-in has ended. Touches the row once a minute."""
    house = house_of(db)
    row = db.get(SignIn, token_hash(token))
    if row is None:
        return None
    if now() >= min(row.idle_until, row.ends_at):
        with writing(db):
            db.execute(delete(SignIn).where(SignIn.token_hash == row.token_hash))
        return None
    try:
        fields = json.loads(_unseal(house, token, "self", row.self_sealed))
        vault_open = row.vault_sealed is not None and row.vault_until is not None and now() < row.vault_until
        keyring = unpack(_unseal(house, token, "vault", row.vault_sealed)) if vault_open and row.vault_sealed else None
    except UnreadableError:
        return None
    if fields["deputy"] and Role(fields["role"]) not in deputised_roles(db, UUID(fields["account"])):
        return None  # the days are over: sign in again, in one's own role
    _touch(db, house, row, vault_open)
    return SignedIn(
        role=Role(fields["role"]),
        holder_id=UUID(fields["holder"]) if fields["holder"] else None,
        staff_id=UUID(fields["staff"]) if fields["staff"] else None,
        vouched=fields["vouched"],
        deputy=fields["deputy"],
        account_id=UUID(fields["account"]),
        name=fields["name"],
        roles=tuple(Role(name) for name in fields["roles"]),
        keyring=keyring,
        token=token,
        vault_until=row.vault_until if vault_open else None,
        code_confirmed=fields["code"],
        room=fields.get("room", ""),
    )


def _touch(db: Session, house: House, row: SignIn, vault_open: bool) -> None:
    idle = _coarse(now() + timedelta(minutes=house.settings.sign_in_idle_minutes), 5)
    expired = row.vault_sealed is not None and not vault_open
    later = vault_open and row.vault_until is not None and vault_end(house) - row.vault_until >= SLACK
    if idle - row.idle_until < SLACK and not expired and not later:
        return
    with writing(db):
        fresh = db.get(SignIn, row.token_hash)
        if fresh is not None:  # only a row that still exists is written back
            fresh.idle_until = idle
            if vault_open:
                fresh.vault_until = vault_end(house)
            else:
                fresh.vault_sealed = fresh.vault_until = None


def change_role(db: Session, *, actor: SignedIn, role: Role, device: str) -> SignedIn:
    """Act in another of one's roles: a new sign-in with a new token; the old one ends."""
    account = db.get_one(Account, actor.account_id)
    with recording(db):
        sign_out(db, actor=actor)
        return open_sign_in(db, account=account, keyring=actor.keyring, device=device, role=role)


def sign_out(db: Session, *, actor: SignedIn) -> None:
    """End this sign-in. Records: ``sign-in:account:closed``."""
    with recording(db) as record:
        db.execute(delete(SignIn).where(SignIn.token_hash == token_hash(actor.token)))
        record.line("sign-in:account:closed", role=actor.role if actor.staff_id else "somebody", object_id=actor.staff_id)


def end_all(db: Session, account_id: UUID, *, but_token: str = "") -> None:
    """End every sign-in of an account, except one; the caller has the write transaction."""
    tag = account_tag(house_of(db), account_id)
    query = delete(SignIn).where(SignIn.account_tag == tag)
    db.execute(query.where(SignIn.token_hash != token_hash(but_token)) if but_token else query)
