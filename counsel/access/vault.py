"""The vault of one sign-in: shut it, open it again with the passphrase under a new token (篇5 7; security A10)."""

import secrets
from dataclasses import replace

from sqlalchemy import delete
from sqlalchemy.orm import Session

from counsel.access.accounts import unlock
from counsel.access.models import Account, SignIn
from counsel.access.sign_ins import Attempt, SignedIn, self_blob, sign_in_row, token_hash, vault_end
from counsel.access.throttling import count_failure, forget_failures, tags, waits_until
from counsel.audit.chain import recording
from counsel.audit.patterns import VAULT_OPENED
from counsel.core.database import house_of, writing
from counsel.keys.bundle import Keyring


def lock_vault(db: Session, *, actor: SignedIn) -> None:
    """Shut the vault of this sign-in; the sign-in stays."""
    with writing(db):
        row = db.get(SignIn, token_hash(actor.token))
        if row is not None:
            row.vault_sealed = row.vault_until = None


def enter_room(db: Session, *, actor: SignedIn, path: str) -> None:
    """Lend the screen: until the passphrase is typed, this sign-in shows one page and nothing else (design §2)."""
    with writing(db):
        row = db.get_one(SignIn, token_hash(actor.token))
        row.self_sealed = self_blob(house_of(db), replace(actor, room=path))


def unlock_vault(db: Session, *, actor: SignedIn, passphrase: str, address: str) -> Attempt:
    """Open the vault of this sign-in again with the passphrase; throttled like signing in.

    The person that comes back has a new token: whoever saw the old one holds nothing.

    Records: ``sign-in:vault:opened``, for colleagues.
    """
    house = house_of(db)
    account = db.get_one(Account, actor.account_id)
    counted = tags(db, account.login_tag, address, actor.account_id.bytes)
    wait = waits_until(db, counted)
    if wait is not None:
        return Attempt(wait_until=wait)
    keyring = unlock(house, account, account.login_tag, passphrase)
    if keyring is None:
        count_failure(db, counted)
        return Attempt(wait_until=waits_until(db, counted))
    return Attempt(_renew(db, actor, keyring, counted))


def _renew(db: Session, actor: SignedIn, keyring: Keyring, counted: list[tuple[bytes, int]]) -> SignedIn:
    house = house_of(db)
    end, token = vault_end(house), secrets.token_urlsafe(32)
    person = replace(actor, keyring=keyring, vault_until=end, token=token, room="")
    with recording(db) as record:
        forget_failures(db, counted)
        old = db.get_one(SignIn, token_hash(actor.token))
        row = sign_in_row(house, person, old.device)
        row.ends_at = old.ends_at  # unlocking never lengthens a sign-in's life
        db.execute(delete(SignIn).where(SignIn.token_hash == old.token_hash))
        db.add(row)
        if actor.staff_id is not None:  # a client's own vault leaves no line: it would join account and client
            record.by(actor, VAULT_OPENED)
    return person
