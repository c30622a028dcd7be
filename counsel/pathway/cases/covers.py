"""Covers: the small sealed text a caseload may open: initial, level, next step; nothing that could not hang on a wall."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from counsel.crypto.blob import Kind
from counsel.crypto.context import Place
from counsel.keys.boxes import OpenBox
from counsel.pathway.cases.models import Case


@dataclass(frozen=True)
class Cover:
    """What stands on a case's cover."""

    initial: str
    level: int = 0
    next_step: str = ""
    raised_at: str = ""  # when the level last rose
    ones: int = 0  # how often level 1 was found
    asked_at: str = ""  # when the whole list of risk questions was last asked
    recorded_at: str = ""  # when the last crisis record was signed


def moment_of(text: str) -> datetime | None:
    """Return a moment as it stands on a cover, or None when there was none."""
    return datetime.fromisoformat(text) if text else None


def seal_cover(box: OpenBox, case: Case, cover: Cover) -> None:
    """Seal a case's cover as its next revision, inside the caller's write transaction."""
    case.cover_revision += 1
    place = Place("cases", case.case_id, case.cover_revision, case.client_id)
    case.cover_sealed = box.seal(json.dumps(asdict(cover)).encode(), Kind.COVER, place)


def open_cover(box: OpenBox, case: Case) -> Cover:
    """Open a case's cover."""
    place = Place("cases", case.case_id, case.cover_revision, case.client_id)
    return Cover(**json.loads(box.unseal(case.cover_sealed, Kind.COVER, place)))


def change_cover(db: Session, box: OpenBox, case: Case, **changes: object) -> None:
    """Seal a case's cover again with some fields changed, inside the caller's write transaction."""
    db.refresh(case, with_for_update=True)
    seal_cover(box, case, Cover(**{**asdict(open_cover(box, case)), **changes}))
