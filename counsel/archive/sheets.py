"""What is printed beside a volume: cover, list of contents, remarks sheet; spines and the list of a year in one go (篇8 六)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.archive.hand_over import MANIFEST, RECEIPT
from counsel.archive.manifest import Entry, entries_in
from counsel.archive.models import Volume
from counsel.archive.seals import OPENING
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import UnreadableError
from counsel.crypto.derive import digest
from counsel.keys.boxes import OpenBox, open_box
from counsel.people.staff import staff_name
from counsel.records.models import Item
from counsel.records.services import item_of, open_bodies, open_signed

MOST_SPINES = 500


@dataclass(frozen=True)
class Sheets:
    """A sealed volume as its sheets show it. `authors`: item as hex → name, empty for the client's own words."""

    volume: Volume
    entries: Sequence[Entry]
    authors: dict[str, str]
    remark: str
    recordings: Sequence[dict[str, Any]]
    counsellor: str
    archivist: str
    openings: Sequence[dict[str, Any]]
    seal: str


def sheets_of(db: Session, *, actor: SignedIn, volume_id: UUID | None) -> Sheets:
    """Open a sealed volume's list to print it; titles are those of forms, and no name of anybody it is about is on it.

    Records: ``archive:volume:printed``. Rule: 篇8 六; domain §5.3.
    """
    volume = db.get(Volume, volume_id) if volume_id is not None else None
    if volume is not None and (volume.state != "sealed" or volume.case_id is None):
        volume = None
    require(db, actor, Permission.VOLUME_PRINT, Facts() if volume is not None else None, object_id=volume_id)
    assert volume is not None
    manifest, receipt = item_of(db, volume.box_id, MANIFEST, volume.round), item_of(db, volume.box_id, RECEIPT)
    if manifest is None or receipt is None:
        raise UnreadableError("manifest")
    with recording(db) as record:
        box = open_box(db, keys_of(db, actor), volume.box_id)
        content, openings = open_bodies(db, box=box, item=manifest)[0], _openings(db, box)
        record.by(actor, "archive:volume:printed", object_id=volume.volume_id)
    entries = entries_in(content)
    names = (staff_name(db, volume.counsellor_id), staff_name(db, volume.archivist_id))
    seal = _seal(entries, openings)
    return Sheets(volume, entries, _authors(db, entries), content["remark"], content["recordings"], *names, openings, seal)


def _openings(db: Session, box: OpenBox) -> list[dict[str, Any]]:
    """Return why the seal was broken each time, the oldest first (篇4 三; domain §5.5)."""
    found = [texts[0] for _number, texts in reversed(open_signed(db, box=box, kind=OPENING))]
    return [{**why, "reader": _reader(db, str(why["reader"])), "loan": why.get("loan", "")} for why in found]


def _reader(db: Session, holder: str) -> str:
    return staff_name(db, UUID(holder)) if holder else ""


def _authors(db: Session, entries: Sequence[Entry]) -> dict[str, str]:
    rows = db.execute(select(Item.item_id, Item.author_id).where(Item.item_id.in_([UUID(entry.item) for entry in entries])))
    return {item_id.hex: staff_name(db, author_id) for item_id, author_id in rows}


def _seal(entries: Sequence[Entry], openings: Sequence[dict[str, Any]]) -> str:
    """Return the first 64 bits of the digest over the list and the openings, as it is written on the remarks sheet.

    Another opening makes another value; a volume that was never opened keeps the one it was filed with.
    """
    lines = [f"{entry.item} {entry.revision} {entry.digest}" for entry in entries]
    lines += [json.dumps(why, ensure_ascii=False, sort_keys=True) for why in openings]
    whole = digest(b"seal/1", *(line.encode() for line in lines)).hex()
    return " ".join(whole[at : at + 4] for at in range(0, 16, 4))


def spines(db: Session, *, actor: SignedIn, year: int | None, after: int = 0) -> Sequence[Volume]:
    """Return a year's sealed volumes in the order of their numbers, for spines and the list of the shelf; nothing is opened.

    :param after: leave out so many: a sheet has at most `MOST_SPINES`; one more is returned when there are more.

    Records: ``archive:spines:printed``.
    """
    require(db, actor, Permission.VOLUME_PRINT)
    with recording(db) as record:
        record.by(actor, "archive:spines:printed", detail=str(year or ""))
    query = select(Volume).where(Volume.state == "sealed", Volume.year == year).order_by(Volume.retention, Volume.number)
    return db.scalars(query.offset(after).limit(MOST_SPINES + 1)).all()
