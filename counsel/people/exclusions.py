"""Who must hear nothing about a client: suspected of harming them, guardian or colleague (domain §3.6; 篇8 二).

The list lies in a box of its own, granted one by one to every counsellor and director who is not on it: whoever is
suspected holds no key to the suspicion and meets no trace of it.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import names_of, roles_now
from counsel.access.gate import keys_of
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.roles import Role
from counsel.core.database import house_of
from counsel.core.errors import UnreadableError
from counsel.keys.boxes import create_box, open_box
from counsel.keys.grants import Reader
from counsel.keys.trust import check_recipient, holder_row
from counsel.people.models import Exclusion
from counsel.records.services import item_of, open_bodies, write_signed

KIND = "excluded"


@dataclass(frozen=True)
class Excluded:
    """One person on the list.

    :param holder: hex id of a colleague's holder, empty for others, who are known by name.
    """

    name: str
    holder: str = ""

    def is_meant(self, name: str, holder: str = "") -> bool:
        """Return whether this is the person with this name or holder."""
        return bool(self.holder and self.holder == holder) or _folded(self.name) == _folded(name)


def _folded(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def excluded_for(db: Session, *, actor: SignedIn, client_id: UUID) -> tuple[Excluded, ...]:
    """Return who must hear nothing about a client; nobody for whoever has no key to the list, the suspected first of all.

    The caller's page has its audit line.
    """
    row = db.get(Exclusion, client_id, populate_existing=True)
    try:
        if row is None:
            return ()
        item = item_of(db, row.box_id, KIND, row.number)
        assert item is not None
        content = open_bodies(db, box=open_box(db, keys_of(db, actor), row.box_id), item=item)[0]
    except UnreadableError:
        return ()
    return tuple(Excluded(**person) for person in content["people"])


def exclude(db: Session, *, actor: SignedIn, client_id: UUID, people: Iterable[Excluded]) -> tuple[Excluded, ...]:
    """Put people on a client's list, beside those already there, inside the caller's transaction, and return all of them."""
    before = excluded_for(db, actor=actor, client_id=client_id)
    named = tuple(dict.fromkeys([*before, *people]))
    if named == before:
        return before
    row, keyring = db.get(Exclusion, client_id), keys_of(db, actor)
    box = create_box(db, kind="exclusion", readers=_readers(db, actor, named), granter=keyring)
    db.flush()
    content: dict[str, Any] = {"people": [asdict(person) for person in named]}
    write_signed(db, box=box, kind=KIND, keyring=keyring, content=content)
    if row is None:
        db.add(Exclusion(client_id=client_id, box_id=box.box_id, number=1))
    else:
        row.box_id = box.box_id
    db.flush()
    return named


def _readers(db: Session, actor: SignedIn, named: Iterable[Excluded]) -> list[Reader]:
    """Return the counsellors and directors who are not on the list, the actor first."""
    staff = db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active")).all()
    able = [row for row in staff if {Role.COUNSELLOR, Role.DIRECTOR} & set(roles_now(db, row)) and row.holder_id]
    found = []
    for row in able:
        holder = holder_row(db, row.holder_id) if row.holder_id else None
        name = names_of(house_of(db), row).display
        if holder is None or any(person.is_meant(name, holder.holder_id.hex) for person in named):
            continue
        try:
            check_recipient(db, holder)
        except UnreadableError:
            continue
        found.append(Reader(holder, "exclusion"))
    return found
