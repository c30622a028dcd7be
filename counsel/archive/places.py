"""Where a volume stands: the paper twin is moved, or its place was typed wrongly (domain §5.3)."""

from uuid import UUID

from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.archive.hand_over import LONGEST_PLACE
from counsel.archive.models import Volume
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import InvalidError


def standing(db: Session, *, actor: SignedIn, volume_id: UUID | None) -> Volume:
    """Return a sealed volume whose place the actor may change, or refuse as if it were absent."""
    volume = db.get(Volume, volume_id) if volume_id is not None else None
    there = volume is not None and volume.state == "sealed"
    require(db, actor, Permission.VOLUME_ENTER, Facts() if there else None, object_id=volume_id)
    assert volume is not None
    return volume


def move_to(db: Session, *, actor: SignedIn, volume: Volume, place: str) -> None:
    """Write down a volume's new shelf and box; the old one stays on record. The caller has passed the gate.

    :raises InvalidError: no place, or one that is too long.

    Records: ``archive:volume:moved``. Rule: 篇8 六; domain §5.3.
    """
    new = place.strip()
    if not new or len(new) > LONGEST_PLACE:
        raise InvalidError(place="too_long" if new else "empty")
    with recording(db) as record:
        db.refresh(volume, with_for_update=True)
        old, volume.place = volume.place, new
        record.by(actor, "archive:volume:moved", object_id=volume.volume_id, detail=f"{old} > {new}")
