"""The recipient's side: open a package, read the facts once, leave a receipt that only sender and client can read."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, refuse, require
from counsel.access.handed import find_by_code
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import Recorder, recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError, NotFoundError, UnreadableError
from counsel.keys.boxes import open_box, revoke
from counsel.keys.bundle import Keyring
from counsel.keys.rotation import open_to_add
from counsel.records.services import item_of, items_in, newest_number, open_bodies, write_signed
from counsel.safeguarding.disclosure.found import stamp
from counsel.safeguarding.disclosure.models import Disclosure, Package
from counsel.safeguarding.disclosure.sending import COPY, FACTS, TOLD

RECEIPT = "receipt"
Content = dict[str, Any]


@dataclass(frozen=True)
class Opened:
    """A package as its recipient sees it. `facts` waits to be read once; None when there are none, or they were read."""

    package: Package
    told: Content
    facts_wait: bool


def packages_for(db: Session, *, actor: SignedIn) -> list[Package]:
    """Return what the actor has been told and may still read, the newest end first; nothing is opened."""
    require(db, actor, Permission.PACKAGE_READ, Facts(recipient_id=actor.holder_id))
    mine = select(Package).where(Package.recipient_id == actor.holder_id, Package.until > now(), Package.revoked_on.is_(None))
    return list(db.scalars(mine.order_by(Package.until.desc())))


def own_package(db: Session, *, actor: SignedIn, package_id: UUID | None) -> Package:
    """Return a package addressed to the actor that may be read now, or refuse as if it were absent."""
    package = db.get(Package, package_id, populate_existing=True) if package_id is not None else None
    facts = Facts(recipient_id=package.recipient_id) if package is not None and _stands(package) else None
    require(db, actor, Permission.PACKAGE_READ, facts, object_id=package_id)
    assert package is not None
    return package


def _stands(package: Package) -> bool:
    return package.revoked_on is None and package.until > now()


def open_package(db: Session, *, actor: SignedIn, package_id: UUID | None, promised: bool) -> Opened:
    """Open what one was told; the first opening leaves a receipt.

    :param promised: that it is kept secret and used for this purpose only; needed the first time.
    :raises InvalidError: not promised; :raises RefusedError: not mine, over, or taken back.

    Records: ``safeguarding:package:read``. Rule: R4-18, R4-19.
    """
    package = own_package(db, actor=actor, package_id=package_id)
    try:
        return _open(db, keys_of(db, actor), package, promised, actor)
    except UnreadableError:  # new keys since, or a grant that does not hold
        refuse(db, actor, Permission.PACKAGE_READ, package_id)


def read_facts(db: Session, *, actor: SignedIn, package_id: UUID | None) -> Content:
    """Read the facts, once: the key to them goes in the same transaction.

    :raises ConflictError: they have been read.

    Records: ``safeguarding:facts:read``.
    """
    package = own_package(db, actor=actor, package_id=package_id)
    try:
        return _read_once(db, keys_of(db, actor), package, actor)
    except UnreadableError:
        refuse(db, actor, Permission.PACKAGE_READ, package_id)


def _open(db: Session, keyring: Keyring, package: Package, promised: bool, actor: SignedIn | None) -> Opened:
    if package.opened_on is None and not promised:
        raise InvalidError(promised="promise")
    with recording(db) as record:
        db.refresh(package, with_for_update=True)
        if not _stands(package):
            raise UnreadableError("over")
        box = open_box(db, keyring, package.box_id)
        item = item_of(db, package.box_id, TOLD)
        assert item is not None
        told = open_bodies(db, box=box, item=item)[0]
        if package.opened_on is None:
            package.opened_on = _day(db)
            _receipt(db, keyring, package, "opened")
        _line(db, record, actor, package, "package:read")
    return Opened(package, told, package.facts_box_id is not None and package.facts_read_on is None)


def _read_once(db: Session, keyring: Keyring, package: Package, actor: SignedIn | None) -> Content:
    with recording(db) as record:
        db.refresh(package, with_for_update=True)
        if not _stands(package) or package.opened_on is None:
            raise UnreadableError("over")
        if package.facts_box_id is None or package.facts_read_on is not None:
            raise ConflictError("read_already")
        item = item_of(db, package.facts_box_id, FACTS)
        assert item is not None and package.recipient_id is not None
        facts = open_bodies(db, box=open_box(db, keyring, package.facts_box_id), item=item)[0]
        revoke(db, package.facts_box_id, package.recipient_id)
        package.facts_read_on = _day(db)
        _receipt(db, keyring, package, "facts")
        _line(db, record, actor, package, "facts:read")
    return facts


def _day(db: Session) -> date:
    return today(house_of(db).settings.time_zone)


def _receipt(db: Session, keyring: Keyring, package: Package, what: str) -> None:
    """Leave a signed line with the exact time, sealed to whoever may open the package."""
    number = 1 + newest_number(db, package.box_id, RECEIPT)
    box = open_to_add(db, keyring, package.box_id)
    write_signed(db, box=box, kind=RECEIPT, keyring=keyring, content={"what": what, "at": stamp()}, number=number)


def _line(db: Session, record: Recorder, actor: SignedIn | None, package: Package, what: str) -> None:
    client_id = db.get_one(Disclosure, package.disclosure_id).client_id
    place = {"subject_id": client_id, "object_id": package.package_id}
    if actor is not None:
        record.by(actor, f"safeguarding:{what}", **place)  # type: ignore[arg-type]
    else:
        record.line(f"safeguarding:{what}", role="somebody", **place)  # type: ignore[arg-type]


def by_code(db: Session, *, code: str, digits: str, address: str) -> tuple[Package, Keyring]:
    """Return the package of a code that was given by telephone, with the keys that open it.

    The last four digits of the number that was rung are the second fact; five wrong ones end the code.

    :raises NotFoundError: unknown, used up, over, taken back, or the wrong digits; nobody learns which.
    :raises ConflictError: ``wait``, after too many unknown codes from one address.
    """
    place = {"code": code, "digits": digits, "address": address}
    return find_by_code(db, Package, COPY, **place, id_of=lambda package: package.package_id, stands=_stands)


def open_by_code(db: Session, *, package: Package, keyring: Keyring, promised: bool) -> Opened:
    """Open a package with the keys a code has opened; as `open_package`.

    :raises NotFoundError: over, or taken back meanwhile.
    """
    try:
        return _open(db, keyring, package, promised, None)
    except UnreadableError as error:
        raise NotFoundError("package") from error


def read_facts_by_code(db: Session, *, package: Package, keyring: Keyring) -> Content:
    """Read the facts once with the keys a code has opened; as `read_facts`."""
    try:
        return _read_once(db, keyring, package, None)
    except UnreadableError as error:
        raise NotFoundError("package") from error


def receipts_of(db: Session, *, keyring: Keyring, package: Package) -> list[Content]:
    """Open a package's receipts, for whoever may open it; the caller's page has its audit line."""
    items = [item for item in items_in(db, [package.box_id]) if item.kind == RECEIPT]
    box = open_box(db, keyring, package.box_id)
    said = (open_bodies(db, box=box, item=item)[0] for item in sorted(items, key=lambda item: item.number))
    return [{**one, "at": datetime.fromisoformat(one["at"])} for one in said]
