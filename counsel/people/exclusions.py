"""Who must hear nothing about a client: suspected of harming them, guardian or colleague (domain §3.6; 篇8 二).

Each list lies in a box of its own, granted one by one to every counsellor and director who is not on it: whoever is
suspected holds no key to the suspicion and meets no trace of it. Lists are added and never replaced, so that whoever cannot
read an earlier one takes nothing from it; whoever can read one hands it on to colleagues who came later or have new keys.
"""

import unicodedata
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import names_of, roles_now
from counsel.access.gate import keys_of
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.roles import Role
from counsel.core.database import house_of
from counsel.core.errors import UnreadableError
from counsel.keys.boxes import create_box, grant_anew, open_box
from counsel.keys.bundle import Keyring
from counsel.keys.grants import Reader
from counsel.keys.models import Grant, Holder
from counsel.keys.trust import check_recipient, holder_row
from counsel.people.conflicts import declare, declared_against, same_person
from counsel.people.models import Exclusion
from counsel.records.services import item_of, open_bodies, write_signed

KIND = "excluded"


@dataclass(frozen=True)
class Excluded:
    """One person on the list.

    :param holder: hex id of a colleague's holder, empty for others, who are known by name.
    :param outside: certainly no colleague, whoever here has the same name.
    """

    name: str
    holder: str = ""
    outside: bool = False

    def is_meant(self, name: str, holder: str = "") -> bool:
        """Return whether this is the person with this name or holder."""
        if self.outside and holder:
            return False
        return bool(self.holder and self.holder == holder) or _folded(self.name) == _folded(name)


def _folded(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def excluded_for(db: Session, *, actor: SignedIn, client_id: UUID) -> tuple[Excluded, ...]:
    """Return who must hear nothing about a client; nobody for whoever has no key to the list, the suspected first of all.

    The caller's page has its audit line.
    """
    lists = db.scalars(select(Exclusion.box_id).where(Exclusion.client_id == client_id).order_by(Exclusion.box_id)).all()
    people = (person for box_id in lists for person in _people_on(db, keys_of(db, actor), box_id))
    return tuple(dict.fromkeys(people))


def kept_from(db: Session, *, actor: SignedIn, client_id: UUID | None) -> frozenset[UUID]:
    """Return whoever has no part in what is told about a client: barred from the client's work, or named on a list one reads."""
    if client_id is None:
        return frozenset()
    named = (person.holder for person in excluded_for(db, actor=actor, client_id=client_id))
    return declared_against(db, client_id) | {UUID(holder) for holder in named if holder}


def hears_about(db: Session, holder_id: UUID | None, client_id: UUID) -> bool:
    """Return whether work with a client may fall to somebody: not barred, and with a key to every list of theirs.

    Nothing is opened: whoever is named on a list and not barred yet, because they counsel the client, has no key to it.
    """
    lists = select(Exclusion.box_id).where(Exclusion.client_id == client_id)
    keys = select(Grant.box_id).where(Grant.holder_id == holder_id)
    lacking = db.scalar(lists.where(Exclusion.box_id.not_in(keys)).limit(1))
    return lacking is None and holder_id not in declared_against(db, client_id)


def _reads_all(db: Session, keyring: Keyring, client_id: UUID) -> bool:
    lists = db.scalars(select(Exclusion.box_id).where(Exclusion.client_id == client_id)).all()
    return all(_people_on(db, keyring, box_id) for box_id in lists)


def _people_on(db: Session, keyring: Keyring, box_id: UUID) -> list[Excluded]:
    item = item_of(db, box_id, KIND)
    try:
        content = open_bodies(db, box=open_box(db, keyring, box_id), item=item)[0] if item is not None else {}
    except UnreadableError:
        return []
    return [Excluded(**person) for person in content.get("people", ())]


def listed_clients(db: Session) -> list[UUID]:
    """Return the clients about whom somebody must hear nothing; nothing is opened."""
    return list(db.scalars(select(Exclusion.client_id).distinct().order_by(Exclusion.client_id)))


def exclude(db: Session, *, actor: SignedIn, client_id: UUID, people: Iterable[Excluded]) -> tuple[Excluded, ...]:
    """Put people on a list, beside those the actor knows of, inside the caller's transaction, and return all of them."""
    before, keyring = excluded_for(db, actor=actor, client_id=client_id), keys_of(db, actor)
    new = [person for person in dict.fromkeys(people) if person not in before]
    named = (*before, *new)
    if new:
        read_all = _reads_all(db, keyring, client_id)
        readers = [Reader(holder, "exclusion") for holder in _readers(db, client_id, named, _able(db), read_all=read_all)]
        box = create_box(db, kind="exclusion", readers=readers, granter=keyring)
        db.flush()
        content: dict[str, Any] = {"people": [asdict(person) for person in new]}
        write_signed(db, box=box, kind=KIND, keyring=keyring, content=content)
        db.add_all(Exclusion(client_id=one, box_id=box.box_id) for one in same_person(db, keyring, client_id))
        db.flush()
    return named


def share_bars(db: Session, client_ids: Collection[UUID]) -> None:
    """Let whatever keeps somebody away from one id of a person count for the others, inside the caller's transaction."""
    lists = db.scalars(select(Exclusion.box_id).where(Exclusion.client_id.in_(client_ids))).all()
    holders = frozenset().union(*(declared_against(db, client_id) for client_id in client_ids))
    for holder_id in sorted(holders):
        declare(db, holder_id, *client_ids)
    for client_id in client_ids:
        for box_id in lists:
            db.merge(Exclusion(client_id=client_id, box_id=box_id))


def hand_on(db: Session, *, actor: SignedIn) -> int:
    """Grant every list the actor can read to whoever came later or has new keys and is on none of them; return how many grants.

    Inside the caller's transaction, at an unlock and when somebody is vouched for.

    Records: ``people:exclusion:granted`` for each grant.
    """
    keyring, lists, count = keys_of(db, actor), db.scalars(select(Exclusion).order_by(Exclusion.box_id)).all(), 0
    able = _able(db) if lists else []
    for row in lists:
        if _without_key(db, row.box_id, able) and _people_on(db, keyring, row.box_id):
            db.refresh(row, with_for_update=True)  # of two who unlock at once the second finds it done
            count += _grant_to(db, actor, row, _without_key(db, row.box_id, able))
    return count


def _grant_to(db: Session, actor: SignedIn, row: Exclusion, lacking: list[tuple[Holder, str]]) -> int:
    keyring, named = keys_of(db, actor), excluded_for(db, actor=actor, client_id=row.client_id)
    readers = _readers(db, row.client_id, named, lacking, read_all=_reads_all(db, keyring, row.client_id))
    with recording(db) as record:
        for holder in readers:
            grant_anew(db, open_box(db, keyring, row.box_id), reader=Reader(holder, "exclusion"), granter=keyring)
            record.by(actor, "people:exclusion:granted", subject_id=row.client_id, object_id=holder.holder_id)
    return len(readers)


def _able(db: Session) -> list[tuple[Holder, str]]:
    """Return (keys, name) of every counsellor and director of today."""
    staff = db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active")).all()
    able = [row for row in staff if row.holder_id and {Role.COUNSELLOR, Role.DIRECTOR} & set(roles_now(db, row))]
    found = []
    for row in able:
        with suppress(UnreadableError):  # whose name does not open might be the one who is named: nothing for them
            holder = holder_row(db, row.holder_id) if row.holder_id else None
            if holder is not None:
                found.append((holder, names_of(house_of(db), row).display))
    return found


def _without_key(db: Session, box_id: UUID, able: Iterable[tuple[Holder, str]]) -> list[tuple[Holder, str]]:
    rows = db.execute(select(Grant.holder_id, Grant.holder_version).where(Grant.box_id == box_id))
    granted = {(row.holder_id, row.holder_version) for row in rows}
    return [(holder, name) for holder, name in able if (holder.holder_id, holder.version) not in granted]


def _readers(
    db: Session, client_id: UUID, named: Iterable[Excluded], able: Iterable[tuple[Holder, str]], *, read_all: bool
) -> list[Holder]:
    """Return whose keys may have a list: nobody who is named, no keys that are not theirs.

    Whoever was barred from the client's work may stand on a list that whoever writes this one cannot read: then not they either.
    """
    people, found = list(named), []
    barred = frozenset() if read_all else declared_against(db, client_id)
    for holder, name in able:
        if holder.holder_id in barred or any(person.is_meant(name, holder.holder_id.hex) for person in people):
            continue
        with suppress(UnreadableError):
            check_recipient(db, holder)
            found.append(holder)
    return found
