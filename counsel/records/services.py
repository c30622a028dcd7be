"""Write drafts, sign revisions, open bodies. Callers have passed the gate; every opening is inside `recording`."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, TamperError, UnreadableError
from counsel.core.ids import new_id
from counsel.core.rows import Change, Prepared
from counsel.crypto.blob import Kind
from counsel.crypto.context import Place
from counsel.crypto.derive import digest, mac, same
from counsel.crypto.signatures import sign, verifies
from counsel.keys.boxes import OpenBox
from counsel.keys.bundle import Keyring
from counsel.keys.models import Holder
from counsel.keys.trust import holder_versions, roles_of
from counsel.records.models import Body, Item

Content = Mapping[str, Any]
Signers = dict[UUID, list[Holder]]
BodyRow = Any  # a body's columns as read, or the body itself
WRITTEN = (Body.item_id, Body.revision, Body.author_id, Body.sealed, Body.signature, Body.own_mac)
BODIES = Prepared(select(*WRITTEN).where(Body.item_id == bindparam("item")).order_by(Body.revision))
SIGNED = Prepared(
    select(*WRITTEN, Item.number, Item.revision.label("last"))
    .select_from(Item)
    .outerjoin(Body, Body.item_id == Item.item_id)  # an item without any body is missed, not skipped
    .where(Item.box_id == bindparam("box"), Item.kind == bindparam("kind"), Item.state == "signed")
    .order_by(Item.number.desc(), Body.revision)
)
ITEMS = Prepared(select(Item).where(Item.box_id == bindparam("box")))
AS_SEEN = (Item.item_id == bindparam("item"), Item.state == "draft", Item.draft_version == bindparam("seen"))
NEXT_DRAFT = Change(update(Item).where(*AS_SEEN).values(draft_version=bindparam("draft_version")))
SIGNED_BY = ("state", "revision", "author_id", "on_day")
SIGN_DRAFT = Change(update(Item).where(*AS_SEEN).values({name: bindparam(name) for name in SIGNED_BY}))
OF_DRAFT = (Body.item_id == bindparam("item"), Body.revision == 0)
SET_DRAFT = Change(update(Body).where(*OF_DRAFT).values(sealed=bindparam("text"), author_id=bindparam("by")))
DROP_DRAFT = Change(delete(Body).where(*OF_DRAFT))
OF_KIND = (Item.box_id == bindparam("box"), Item.kind == bindparam("kind"))
NEWEST = Prepared(select(func.max(Item.number)).where(*OF_KIND))
NEWEST_SIGNED = Prepared(select(func.max(Item.number)).where(*OF_KIND, Item.state == "signed"))
ONE_ITEM = Prepared(select(Item).where(*OF_KIND, Item.number == bindparam("number")))


def start_item(db: Session, *, box: OpenBox, kind: str, author: UUID, content: Content, number: int = 1) -> Item:
    """Start an item with a sealed first draft."""
    item = _new_item(db, box, kind, author, number)
    item.state, item.revision, item.draft_version = "draft", 0, 1
    db.add(Body(item_id=item.item_id, revision=0, author_id=author, sealed=_seal(box, item, 0, author, content)))
    return item


def _new_item(db: Session, box: OpenBox, kind: str, author: UUID, number: int) -> Item:
    zone = house_of(db).settings.time_zone
    item = Item(item_id=new_id(), box_id=box.box_id, kind=kind, number=number, author_id=author, on_day=today(zone))
    db.add(item)
    return item


def save_draft(db: Session, *, box: OpenBox, item: Item, author: UUID, content: Content, seen_version: int) -> int:
    """Replace the draft and return its new version.

    :param seen_version: the version the writer's page was made from.
    :raises ConflictError: when another tab saved since, or the item is signed; nothing is overwritten.
    """
    _take_draft(db, NEXT_DRAFT, item, seen_version, draft_version=seen_version + 1)
    text = _seal(box, item, 0, author, content)
    if SET_DRAFT.run(db, item=item.item_id, text=text, by=author) != 1:
        raise TamperError("draft")
    return item.draft_version


def _take_draft(db: Session, change: Change, item: Item, seen_version: int, **becomes: Any) -> None:
    """Change a draft's row as long as it is what the writer saw: of two writers one waits and is then told."""
    if change.run(db, item=item.item_id, seen=seen_version, **becomes) != 1:
        db.refresh(item)
        raise ConflictError("newer_draft" if item.state == "draft" else "signed")
    for name, value in becomes.items():
        set_committed_value(item, name, value)


def sign_item(db: Session, *, box: OpenBox, item: Item, keyring: Keyring, content: Content, seen_version: int) -> int:
    """Sign: seal `content` as the next revision, drop the draft, return the revision. What is signed never changes.

    :raises ConflictError: as `save_draft`.
    """
    signed = {"author_id": keyring.holder_id, "on_day": today(house_of(db).settings.time_zone)}
    _take_draft(db, SIGN_DRAFT, item, seen_version, state="signed", revision=1, **signed)  # the row says who signed, and when
    _add_revision(db, box, item, keyring, content, 1)
    DROP_DRAFT.run(db, item=item.item_id)
    return 1


def write_signed(db: Session, *, box: OpenBox, kind: str, keyring: Keyring, content: Content, number: int = 1) -> Item:
    """Add a text that is signed at once to an open box, inside the caller's transaction."""
    item = _new_item(db, box, kind, keyring.holder_id, number)
    item.state, item.revision, item.draft_version = "signed", 1, 1
    _add_revision(db, box, item, keyring, content, 1)
    db.flush()
    return item


def put_text(
    db: Session, *, box: OpenBox, kind: str, number: int, keyring: Keyring, content: Content, seen_version: int, sign: bool
) -> Item:
    """Save a text of an open box as its draft, or sign it; it is started where there is none.

    :param seen_version: as in `save_draft`; 0 for one that is new.
    :raises ConflictError: as `save_draft`.
    """
    item = item_of(db, box.box_id, kind, number)
    if item is None and seen_version:
        raise ConflictError("newer_draft")
    if item is None and sign:
        return write_signed(db, box=box, kind=kind, keyring=keyring, content=content, number=number)
    if item is None:
        return start_item(db, box=box, kind=kind, author=keyring.holder_id, content=content, number=number)
    if sign:
        sign_item(db, box=box, item=item, keyring=keyring, content=content, seen_version=seen_version)
    else:
        save_draft(db, box=box, item=item, author=keyring.holder_id, content=content, seen_version=seen_version)
    return item


def add_addendum(db: Session, *, box: OpenBox, item: Item, keyring: Keyring, content: Content) -> int:
    """Append to a signed item: a further revision that stands beside the first, which stays as it is."""
    if item.state != "signed":
        raise ConflictError("unsigned")
    item.revision += 1
    _add_revision(db, box, item, keyring, content, item.revision)
    return item.revision


def _add_revision(db: Session, box: OpenBox, item: Item, keyring: Keyring, content: Content, revision: int) -> None:
    author = keyring.holder_id
    sealed = _seal(box, item, revision, author, content)
    before = db.get(Body, (item.item_id, revision - 1)) if revision > 1 else None
    statement = _statement(item.item_id, revision, sealed, before)
    body = Body(item_id=item.item_id, revision=revision, author_id=author, sealed=sealed)
    body.signature = sign(keyring.sign_private, statement)
    body.own_mac = _own_mac(keyring, statement, body.signature)
    db.add(body)


def _own_mac(keyring: Keyring, statement: bytes, signature: bytes) -> bytes:
    return mac(keyring.revision_key, statement, signature)


def _statement(item_id: UUID, revision: int, sealed: bytes, before: BodyRow | None) -> bytes:
    """Return what a revision's signature stands for; each also stands for all those before it."""
    earlier = (before.signature or b"") if before is not None else b""
    return digest(b"revision/2", item_id.bytes, revision.to_bytes(8, "big"), sealed, earlier)


def _seal(box: OpenBox, item: Item, revision: int, author: UUID, content: Content) -> bytes:
    plain = json.dumps(content, ensure_ascii=False, default=str).encode()
    return box.seal(plain, Kind.FORM, Place("bodies", item.item_id, revision, author))


def open_bodies(db: Session, *, box: OpenBox, item: Item) -> list[dict[str, Any]]:
    """Open a draft, or a signed text followed by its addenda, oldest first.

    :raises UnreadableError: moved or altered bytes;
    :raises TamperError: a revision that is missing, or a signature that is not the author's.
    """
    return _texts_of(db, box, item.revision, BODIES.all(db, item=item.item_id), {})


def open_signed(db: Session, *, box: OpenBox, kind: str) -> list[tuple[int, list[dict[str, Any]]]]:
    """Open every signed text of a kind in one box with one statement: (number, texts as `open_bodies`), the newest first."""
    known: Signers = {}
    by_number = groupby(SIGNED.all(db, box=box.box_id, kind=kind), lambda row: row.number)
    texts = ((number, list(rows)) for number, rows in by_number)
    return [(number, _texts_of(db, box, rows[0].last, rows, known)) for number, rows in texts]


def _texts_of(db: Session, box: OpenBox, last: int, rows: list[BodyRow], known: Signers) -> list[dict[str, Any]]:
    """Open the revisions of one item, of which the newest is `last`."""
    if [row.revision for row in rows] != (list(range(1, last + 1)) or [0]):
        raise TamperError("revisions")
    for before, row in zip([None, *rows], rows, strict=False):
        statement = _statement(row.item_id, row.revision, row.sealed, before)
        if row.revision and not (_own_again(box, row, statement) or _signed_by_author(db, row, statement, known)):
            raise TamperError("revision")
    return [_open(box, row) for row in rows]


def _own_again(box: OpenBox, row: BodyRow, statement: bytes) -> bool:
    """Return whether the reader wrote it: known by the own key, as sure as the signature and a hundred times as fast."""
    reader = box.reader
    if reader is None or reader.holder_id != row.author_id or row.own_mac is None or row.signature is None:
        return False
    return same(row.own_mac, _own_mac(reader, statement, row.signature))


def _signed_by_author(db: Session, row: BodyRow, statement: bytes, known: Signers) -> bool:
    """Return whether one of the author's keys, today's or earlier ones, made the signature."""
    if row.author_id not in known:
        known[row.author_id] = [key for key in holder_versions(db, row.author_id) if _may_sign(db, key)]
    return any(verifies(key.sign_public or b"", row.signature or b"", statement) for key in known[row.author_id])


def _may_sign(db: Session, key: Holder) -> bool:
    return key.kind in ("client", "code") or bool(roles_of(db, key, even_left=True))


def _open(box: OpenBox, row: BodyRow) -> dict[str, Any]:
    place = Place("bodies", row.item_id, row.revision, row.author_id)
    content: dict[str, Any] = json.loads(box.unseal(row.sealed, Kind.FORM, place))
    return content


def boxes_written_in(db: Session, box_ids: Iterable[UUID]) -> list[UUID]:
    """Return those of some boxes in which something lies."""
    return list(db.scalars(select(Item.box_id).where(Item.box_id.in_(list(box_ids))).distinct()))


def scan_bodies(db: Session, *, boxes: Mapping[UUID, OpenBox], words: str) -> Iterator[tuple[UUID, str, int, Any]]:
    """Yield (box, kind, number, content) of the texts in some boxes that may hold `words`, for looking through one's own cases.

    :param words: casefolded; they may also stand in a field's name, which the caller does not look at.

    Authenticated by each box's key alone: whose signature stands under a text is looked at when it is opened by itself.
    """
    columns = (Item.box_id, Item.kind, Item.number, Body.item_id, Body.revision, Body.author_id, Body.sealed)
    query = select(*columns).join(Body, Body.item_id == Item.item_id).where(Item.box_id.in_(list(boxes)))
    may_hold = _holds(words)
    for box_id, kind, number, item_id, revision, author_id, sealed in db.execute(query):
        try:
            plain = boxes[box_id].unseal(sealed, Kind.FORM, Place("bodies", item_id, revision, author_id))
        except UnreadableError:
            continue
        if may_hold(plain):
            yield box_id, kind, number, json.loads(plain)


def _holds(words: str) -> Callable[[bytes], bool]:
    """Return whether casefolded words may stand in a sealed text; words without letters of two cases are found as they are."""
    wanted = json.dumps(words, ensure_ascii=False)[1:-1]
    if words.upper() == words:
        raw = wanted.encode()
        return lambda plain: raw in plain
    return lambda plain: wanted in plain.decode().casefold()


def items_in(db: Session, box_ids: Iterable[UUID]) -> list[Item]:
    """Return the items of some boxes, without their bodies."""
    found = [item for box_id in dict.fromkeys(box_ids) for item in ITEMS.all(db, box=box_id)]
    return sorted(found, key=lambda item: (item.on_day, item.number))


def newest_number(db: Session, box_id: UUID, kind: str) -> int:
    """Return the number of the newest item of a kind in a box, 0 when there is none."""
    return NEWEST.value(db, box=box_id, kind=kind) or 0


def newest_signed(db: Session, box_id: UUID, kind: str) -> int:
    """Return the number of the newest signed item of a kind in a box, 0 when there is none; a draft has no say."""
    return NEWEST_SIGNED.value(db, box=box_id, kind=kind) or 0


def item_of(db: Session, box_id: UUID, kind: str, number: int = 1) -> Item | None:
    """Return one item of a box by its kind and number."""
    return ONE_ITEM.first(db, box=box_id, kind=kind, number=number)
