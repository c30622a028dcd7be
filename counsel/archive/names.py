"""The archive's own index of names: sealed in each volume's box, searched with a reason and a line on record (篇4 三)."""

import unicodedata
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.archive.hand_over import INDEX
from counsel.archive.models import Volume
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import InvalidError, UnreadableError
from counsel.keys.many import open_boxes
from counsel.records.models import Item
from counsel.records.services import open_bodies

REASONS = ("returning", "own_request", "law", "inquiry", "appraisal")
SHORTEST, LONGEST, AT_ONCE = 2, 40, 200


@dataclass(frozen=True)
class Found:
    """A volume under a name; the day of birth tells namesakes apart."""

    volume: Volume
    name: str
    birth_date: str


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


def search_names(db: Session, *, actor: SignedIn, wanted: str, reason: str) -> list[Found]:
    """Return the sealed volumes of somebody by whole name or number, the newest first; every index entry is opened for it.

    :raises InvalidError: no reason from the list; a name that is too short or too long.

    Records: ``archive:names:searched`` with the reason, before anything is opened. Rule: 篇4 三.
    """
    require(db, actor, Permission.NAME_SEARCH)
    problems = {} if reason in REASONS else {"reason": "unknown"}
    if not SHORTEST <= len(_folded(wanted)) <= LONGEST:
        problems["wanted"] = "empty" if not wanted.strip() else "too_long" if len(wanted) > LONGEST else "empty"
    if problems:
        raise InvalidError(**problems)
    with recording(db) as record:
        record.by(actor, "archive:names:searched", detail=reason)
    volumes = list(db.scalars(select(Volume).where(Volume.state == "sealed").order_by(Volume.year.desc(), Volume.number.desc())))
    found: list[Found] = []
    for start in range(0, len(volumes), AT_ONCE):
        found += _among(db, actor, volumes[start : start + AT_ONCE], _folded(wanted))
    return found


def _among(db: Session, actor: SignedIn, volumes: list[Volume], wanted: str) -> list[Found]:
    boxes = open_boxes(db, keys_of(db, actor), [volume.box_id for volume in volumes])
    items = {item.box_id: item for item in db.scalars(select(Item).where(Item.box_id.in_(boxes), Item.kind == INDEX))}
    found = []
    for volume in volumes:
        try:
            box, item = boxes[volume.box_id], items[volume.box_id]
            who = open_bodies(db, box=box, item=item)[0]
        except (KeyError, UnreadableError):  # one that is spoilt hides no other
            continue
        if wanted in (_folded(who["name"]), _folded(who["student_no"])):
            found.append(Found(volume, who["name"], who["birth_date"]))
    return found
