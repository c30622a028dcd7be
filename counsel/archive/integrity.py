"""Whether all that is kept is as it was written: bytes in the store by digest, sealed volumes by their list (篇4 二)."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.archive.hand_over import MANIFEST
from counsel.archive.manifest import differences, entries_in, entries_of
from counsel.archive.models import Volume
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import UnreadableError
from counsel.keys.boxes import open_box
from counsel.pathway.cases.models import Case
from counsel.records.material import damaged_parts
from counsel.records.models import Material, Part
from counsel.records.services import item_of, open_bodies


@dataclass(frozen=True)
class Integrity:
    """What was found. `damaged`: (case number, number of the material); `altered`: codes of volumes not as they were sealed."""

    parts: int
    volumes: int
    damaged: tuple[tuple[int, int], ...]
    altered: tuple[str, ...]


def check_integrity(db: Session, *, actor: SignedIn, progress: Callable[[int, int], None]) -> Integrity:
    """Read every part in the store and every list of a sealed volume again; nothing of what they say is shown.

    :raises BusyError: the store does not answer.

    Records: ``archive:integrity:begun``, ``:checked``. Rule: 篇4 二; domain §5.7.
    """
    require(db, actor, Permission.VOLUME_LIST)
    with recording(db) as record:
        record.by(actor, "archive:integrity:begun")
    parts = _parts(db)
    volumes = db.scalars(select(Volume).where(Volume.state == "sealed", Volume.case_id.is_not(None)).order_by(Volume.code)).all()
    whole = len(parts) + len(volumes)
    damaged, altered = set(), []
    for number, (part, where) in enumerate(parts, 1):
        if damaged_parts(db, [part]) and _is_there(db, part.part_id):
            damaged.add(where)
        progress(number, whole)
    for number, volume in enumerate(volumes, len(parts) + 1):
        if not _as_sealed(db, actor, volume):
            altered.append(volume.code or "")
        progress(number, whole)
    with recording(db) as record:
        record.by(actor, "archive:integrity:checked", detail=f"{whole} {len(damaged) + len(altered)}")
    return Integrity(len(parts), len(volumes), tuple(sorted(damaged)), tuple(altered))


def _is_there(db: Session, part_id: UUID) -> bool:
    """Return whether a part is still kept, as everybody sees it now: what was erased meanwhile is not damaged."""
    with Session(db.get_bind()) as fresh:
        return fresh.scalar(select(Part.part_id).where(Part.part_id == part_id)) is not None


def _parts(db: Session) -> list[tuple[Part, tuple[int, int]]]:
    query = select(Part, Case.case_no, Material.number).join(Material, Material.material_id == Part.material_id)
    query = query.join(Case, Case.case_id == Material.case_id).where(Material.state == "kept")
    return [(row[0], (row[1], row[2])) for row in db.execute(query.order_by(Case.case_no, Material.number, Part.number))]


def _as_sealed(db: Session, actor: SignedIn, volume: Volume) -> bool:
    item, case = item_of(db, volume.box_id, MANIFEST, volume.round), db.get(Case, volume.case_id)
    try:
        if item is None or case is None:
            return False
        content = open_bodies(db, box=open_box(db, keys_of(db, actor), volume.box_id), item=item)[0]
    except UnreadableError:
        return False
    return not differences(entries_in(content), entries_of(db, case))
