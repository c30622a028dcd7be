"""What a volume holds, item by item with the digest of its sealed bytes: signed when it is handed in, counted again on arrival.

The digests are of what lies in the database: whoever counts needs no key to the case (篇4 二; R4-06).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.crypto.derive import digest
from counsel.keys.models import Box
from counsel.pathway.cases.agreement import KIND as ANSWER
from counsel.pathway.cases.models import Case
from counsel.records.material import RECORDED, digest_of, parts_in
from counsel.records.models import Body, Item, Material
from counsel.records.services import items_in

ORDER = (
    *("F01", "F02", "F03", "screen", "F04", "result", "F05", "note", "F06", "F07", "safety"),
    *("F08", "handover", "F09", "report", "F10", "F11", "F12"),
)
BEGUN_LATER = ("F09", "report")
BESIDE = ("F01", *BEGUN_LATER)  # in boxes of their own that open through the case: asked for, told to others, reported
MATERIAL, ENDINGS = "material", ("F10", "F11", "rating")


@dataclass(frozen=True)
class Entry:
    """One line of the list of contents.

    :param item: hex id; `kind`: code of the form, or ``material``; `revision`: its texts, or parts; `digest`: hex.
    """

    item: str
    kind: str
    number: int
    revision: int
    day: str
    digest: str


def entries_of(db: Session, case: Case) -> list[Entry]:
    """Return what a case holds now, in the order of binding: by form, then by day (domain §5.3); nothing is opened.

    Recordings are no part of it: they end with their consent. Unsigned drafts are none either, but for the booking, which
    nobody signs.
    """
    items = [item for item in items_in(db, [case.box_id, case.shared_box_id]) if item.state == "signed"]
    items += [item for item in items_in(db, boxes_beside(db, case)) if item.kind in BESIDE and is_done(item)]
    sums = _digests(db, [item.item_id for item in items])
    found = [
        Entry(item.item_id.hex, item.kind, item.number, item.revision, item.on_day.isoformat(), sums[item.item_id])
        for item in items
    ]
    kept = select(Material).where(Material.case_id == case.case_id, Material.state == "kept", Material.kind.not_in(RECORDED))
    for row in db.scalars(kept):
        sum_ = digest_of(parts_in(db, row))
        found.append(Entry(row.material_id.hex, MATERIAL, row.number, row.parts, row.on_day.isoformat(), sum_))
    return sorted(found, key=_bound)


def boxes_beside(db: Session, case: Case) -> list[UUID]:
    """Return the boxes that open through a case and hold forms of it: bookings, disclosures, reports."""
    inside = Box.parent_id.in_((case.box_id, case.shared_box_id))
    return list(
        db.scalars(select(Box.box_id).where(inside, Box.kind.in_(("request", "disclosure", "report"))).order_by(Box.box_id))
    )


def is_done(item: Item) -> bool:
    """Return whether an item is a part of the file: it is signed, or a booking."""
    return item.state == "signed" or item.kind == "F01"


def _bound(entry: Entry) -> tuple[int, str, str, int, str]:
    place = ORDER.index(entry.kind) if entry.kind in ORDER else len(ORDER) + (entry.kind == MATERIAL)
    return place, entry.day, entry.kind, entry.number, entry.item


def _digests(db: Session, ids: list[UUID]) -> dict[UUID, str]:
    """Return one digest for the sealed texts of each item, its signatures with them."""
    texts: dict[UUID, list[bytes]] = defaultdict(list)
    query = select(Body.item_id, Body.sealed, Body.signature).where(Body.item_id.in_(ids))  # a draft's only for a booking
    for item_id, sealed, signature in db.execute(query.order_by(Body.item_id, Body.revision)):
        texts[item_id] += [sealed, signature or b""]
    return {item_id: digest(b"entry/1", *texts[item_id]).hex() for item_id in ids}


def listed(entries: Iterable[Entry]) -> list[dict[str, object]]:
    """Return entries as a sealed manifest keeps them."""
    return [asdict(entry) for entry in entries]


def entries_in(content: Mapping[str, object]) -> list[Entry]:
    """Return the entries of an opened manifest."""
    return [Entry(**one) for one in content["items"]]  # type: ignore[attr-defined]


def _compared(entry: Entry) -> Entry:
    """Return an entry without what a migration may have changed since it was signed for: 0023 numbered the endings anew."""
    return replace(entry, number=0) if entry.kind in ENDINGS else entry


def differences(then: Iterable[Entry], now: Iterable[Entry]) -> list[Entry]:
    """Return what is missing, altered, or came since; answers of the client may still come: a yes can always be taken back.

    So may a disclosure or report that was begun while the volume waited: a life does not wait. Lists from before know nothing
    of a booking: there it is not held against them.
    """
    before, after = {_compared(entry) for entry in then}, {_compared(entry) for entry in now}
    older = not any(entry.kind in BESIDE for entry in before)
    free = (ANSWER, *BESIDE) if older else (ANSWER, *BEGUN_LATER)
    came = {entry for entry in after - before if entry.kind not in free}
    return sorted((before - after) | came, key=_bound)
