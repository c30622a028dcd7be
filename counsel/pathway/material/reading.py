"""Read what was brought into a case: its list, one of them, any range of its bytes (篇4 三; R4-07)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.audit.patterns import read_lately
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import UnreadableError
from counsel.keys.boxes import OpenBox, open_box
from counsel.keys.many import open_boxes
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_at, case_facts
from counsel.records.inspecting import TYPES, FileType
from counsel.records.material import RECORDED, check_parts, parts_for, parts_in, read_range
from counsel.records.models import Material
from counsel.records.services import item_of, open_bodies, open_signed

ABOUT, READ = "material", "pathway:material:read"


@dataclass(frozen=True)
class Held:
    """One material with what its box says about it; `about` is empty when it does not open, or is gone."""

    row: Material
    about: Mapping[str, Any]

    @property
    def type(self) -> FileType | None:
        """What it is, once it is kept."""
        return TYPES.get(str(self.about.get("type", "")))

    @property
    def size(self) -> int:
        """Its exact length in bytes."""
        return int(self.about.get("size", 0))


def find_material(db: Session, *, actor: SignedIn, material_id: UUID | None, permission: Permission) -> tuple[Material, Case]:
    """Return material and its case for whoever may use the case in this way, or refuse as if it were absent."""
    row = db.get(Material, material_id) if material_id is not None else None
    case = case_at(db, row.case_id if row is not None else None)
    require(db, actor, permission, case_facts(db, case), object_id=material_id)
    assert row is not None and case is not None
    return row, case


def about_of(db: Session, box: OpenBox) -> dict[str, Any]:
    """Open what a material's box says about it; the caller has the audit line.

    :raises UnreadableError: nothing is there, or it does not open.
    """
    item = item_of(db, box.box_id, ABOUT)
    if item is None:
        raise UnreadableError("nothing")
    return open_bodies(db, box=box, item=item)[0]


def materials_in(db: Session, *, actor: SignedIn, case: Case) -> list[Held]:
    """Return what was brought into a case, without recordings, the newest first; the caller has passed the gate of the case.

    Records: ``pathway:material:listed``.
    """
    keyring = keys_of(db, actor)
    query = select(Material).where(Material.case_id == case.case_id, Material.kind.not_in(RECORDED))
    rows = list(db.scalars(query.order_by(Material.number.desc())))
    if not rows:
        return []
    with recording(db) as record:
        boxes = open_boxes(db, keyring, [row.box_id for row in rows])
        found = [Held(row, _about_or_nothing(db, boxes.get(row.box_id))) for row in rows]
        record.by(actor, "pathway:material:listed", subject_id=case.client_id, object_id=case.case_id)
    return found


def _about_or_nothing(db: Session, box: OpenBox | None) -> dict[str, Any]:
    try:
        return about_of(db, box) if box is not None else {}
    except UnreadableError:
        return {}


def open_material(db: Session, *, actor: SignedIn, row: Material) -> tuple[Held, OpenBox]:
    """Open kept material to read it; one line on record for each ten minutes of looking at the same.

    :raises UnreadableError: it does not open, was erased, or its parts are not those that were signed for.

    Records: ``pathway:material:read``. Rule: 篇4 三.
    """
    if row.state != "kept":
        raise UnreadableError("not kept")
    case = db.get_one(Case, row.case_id)
    box = open_box(db, keys_of(db, actor), row.box_id)
    about = next((texts[0] for number, texts in open_signed(db, box=box, kind=ABOUT) if number == 1), None)
    if about is None:
        raise UnreadableError("nothing")
    if not read_lately(db, actor.holder_id, row.material_id, READ):  # a part that changes meanwhile does not open
        check_parts(parts_in(db, row), row, int(about["size"]), str(about["digest"]))
        with recording(db) as record:
            record.by(actor, READ, subject_id=case.client_id, object_id=row.material_id)
    return Held(row, about), box


def bytes_of(db: Session, *, held_: Held, box: OpenBox, start: int, length: int) -> Iterator[bytes]:
    """Yield bytes of opened material, at most 4 MiB of them in memory."""
    parts = parts_for(db, held_.row, start, length)
    return read_range(db, box=box, material=held_.row, parts=parts, size=held_.size, start=start, length=length)
