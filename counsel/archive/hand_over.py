"""T25 in two steps: the counsellor hands a closed case in, signed; the archivist counts and signs, or sends it back (篇4 二).

Both steps are one transaction each: after a crash a volume is where it was or where it was to go, and both are shown.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import holders_in
from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.archive.completeness import lacking
from counsel.archive.escrow import leave_to_archive, put_by, shut, take_out
from counsel.archive.manifest import Entry, differences, entries_in, entries_of, listed
from counsel.archive.models import RETENTIONS, Volume
from counsel.archive.retention import LONG, SHORT, keep_until, proposed
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError, TransitionError, UnreadableError
from counsel.core.ids import new_id
from counsel.core.settings import Settings
from counsel.keys.boxes import create_box, open_box, readers_of, revoke
from counsel.keys.grants import Reader
from counsel.keys.groups import group_reader
from counsel.keys.rotation import open_for_writing
from counsel.keys.trust import holder_row
from counsel.outbox.notices import notify
from counsel.pathway.cases.evidence import Accepted, VolumeComplete
from counsel.pathway.cases.lifecycle import ARCHIVIST
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.moving import move
from counsel.pathway.cases.opening import next_number
from counsel.pathway.cases.services import case_at, case_facts, held, writing_box
from counsel.pathway.intake.consent import client_of
from counsel.pathway.material.recordings import recordings_in
from counsel.people.cards import ClientCard
from counsel.records.services import item_of, items_in, open_bodies, write_signed

MANIFEST, INDEX, DEFECTS, RECEIPT = "manifest", "index", "defects", "receipt"
MOST_PAGES, LONGEST_REMARK, LONGEST_PLACE = 9999, 500, 60
FLAWS = ("missing", "unsigned", "order", "pages", "unreadable", "other")


def volume_of(db: Session, case: Case) -> Volume | None:
    """Return a case's volume, or None while it was never handed in."""
    return db.scalar(select(Volume).where(Volume.case_id == case.case_id))


def hand_in(db: Session, *, actor: SignedIn, case: Case, pages: int | None, retention: str, remark: str = "") -> Volume:
    """Hand a complete closed case in: the list of contents is signed, nothing of the case changes until it is answered.

    :param pages: of the paper beside it, 0 without; `retention`: at least what the case itself asks for.
    :raises TransitionError: ``G13`` while something is missing, ``ARCHIVE`` while there is no archive to hand it to.
    :raises InvalidError: no number of pages, a period that is too short, a remark that is too long.

    Records: ``archive:volume:submitted``. Rule: 篇4 二; R4-05.
    """
    require(db, actor, Permission.CASE_HAND_IN, case_facts(db, case), object_id=case.case_id)
    _check(db, case, pages, retention, remark)
    if lacking(db, actor=actor, case=case):
        raise TransitionError("G13")
    with held(db, case) as record:
        archive, card = _archive(db), client_of(db, actor=actor, case=case)
        volume = volume_of(db, case) or _new(db, actor, case, archive)
        assert case.closed_on is not None and pages is not None
        boxes = [writing_box(db, actor=actor, case=case, shared=shared) for shared in (False, True)]
        escrow = put_by(db, volume_id=volume.volume_id, boxes=boxes, reader=archive, granter=keys_of(db, actor))
        entries, end = entries_of(db, case), keep_until(case.closed_on, retention, _born(card.birth_date))
        volume.state, volume.escrow_sealed, volume.answered_on = "submitted", escrow, None
        volume.submitted_on, volume.year = today(house_of(db).settings.time_zone), case.closed_on.year
        volume.retention, volume.keep_until, volume.pages, volume.items = retention, end, pages, len(entries)
        db.add(volume)
        case.handed_in = True
        db.flush()
        content = {"items": listed(entries), "pages": pages, "remark": remark.strip(), "recordings": _recordings(db, case)}
        _sign(db, actor, volume, content, card)
        for holder_id in holders_in(db, Role.ARCHIVIST):
            notify(db, reader_id=holder_id, kind="volume", object_id=volume.volume_id)
        record.by(actor, "archive:volume:submitted", subject_id=case.client_id, object_id=volume.volume_id)
    return volume


def _sign(db: Session, actor: SignedIn, volume: Volume, content: Mapping[str, Any], card: ClientCard) -> None:
    """Sign the list; at the first time also who the volume is about, for the archive's own index, which opens with a reason."""
    keyring = keys_of(db, actor)
    box = open_for_writing(db, keyring, volume.box_id)
    write_signed(db, box=box, kind=MANIFEST, keyring=keyring, content=content, number=volume.round)
    if item_of(db, box.box_id, INDEX) is None:
        who = {"name": card.name, "student_no": card.student_no, "birth_date": card.birth_date}
        write_signed(db, box=box, kind=INDEX, keyring=keyring, content=who)


def _check(db: Session, case: Case, pages: int | None, retention: str, remark: str) -> None:
    problems = {}
    if pages is None or not 0 <= pages <= MOST_PAGES:
        problems["pages"] = "a_number"
    if retention not in RETENTIONS or (retention == SHORT and proposed(db, case) == LONG):
        problems["retention"] = "too_short_kept"
    if len(remark) > LONGEST_REMARK:
        problems["remark"] = "too_long"
    if problems:
        raise InvalidError(**problems)


def _born(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _archive(db: Session) -> Reader:
    try:
        return group_reader(db, "archive", "archive")
    except UnreadableError as error:
        raise TransitionError("ARCHIVE") from error


def _new(db: Session, actor: SignedIn, case: Case, archive: Reader) -> Volume:
    keyring = keys_of(db, actor)
    me = holder_row(db, keyring.holder_id, keyring.version)
    assert me is not None
    box = create_box(db, kind="volume", readers=[Reader(me, "counsellor"), archive], granter=keyring)
    place = {"case_id": case.case_id, "case_no": case.case_no, "counsellor_id": case.counsellor_id}
    return Volume(volume_id=new_id(), box_id=box.box_id, round=1, **place)


def _recordings(db: Session, case: Case) -> list[dict[str, str]]:
    """Return which recordings do not go along, and until when each lies where it is: nobody agreed to the archive hearing it."""
    rows = [row for row in recordings_in(db, case) if row.state != "erased"]
    return [{"session": str(row.session_no), "medium": row.kind, "until": str(row.keep_until)} for row in rows]


def find_volume(db: Session, *, actor: SignedIn, volume_id: UUID | None) -> tuple[Volume, Case]:
    """Return a volume that waits for the archivist's answer, with its case, or refuse as if it were absent."""
    volume = db.get(Volume, volume_id) if volume_id is not None else None
    case = case_at(db, volume.case_id if volume is not None else None)
    require(db, actor, Permission.VOLUME_ACCEPT, case_facts(db, case), object_id=volume_id)
    assert volume is not None and case is not None
    return volume, case


def read_manifest(db: Session, *, actor: SignedIn, volume: Volume) -> Mapping[str, Any]:
    """Open the newest list of contents; the caller has passed the gate.

    Records: ``archive:manifest:read``.
    """
    item = item_of(db, volume.box_id, MANIFEST, volume.round)
    if item is None:
        raise UnreadableError("manifest")
    with recording(db) as record:
        content = open_bodies(db, box=open_box(db, keys_of(db, actor), volume.box_id), item=item)[0]
        record.by(actor, "archive:manifest:read", object_id=volume.volume_id)
    return content


def read_defects(db: Session, *, actor: SignedIn, volume: Volume) -> Mapping[str, Any]:
    """Open why a volume was sent back last, for its counsellor; empty when it was not.

    Records: ``archive:defects:read``.
    """
    newest = max(
        (item for item in items_in(db, [volume.box_id]) if item.kind == DEFECTS), key=lambda item: item.number, default=None
    )
    if newest is None:
        return {}
    with recording(db) as record:
        content = open_bodies(db, box=open_box(db, keys_of(db, actor), volume.box_id), item=newest)[0]
        record.by(actor, "archive:defects:read", object_id=volume.volume_id)
    return content


def send_back(db: Session, *, actor: SignedIn, volume: Volume, case: Case, flaws: Collection[str], words: str) -> None:
    """Send a volume back with what is wrong with it: the counsellor may write again, the archive's grants are destroyed.

    :raises InvalidError: nothing named, too much written, or nobody is left who could hand it in again;
    :raises ConflictError: a colleague has answered.

    Records: ``archive:volume:returned``. Rule: 篇4 二.
    """
    require(db, actor, Permission.VOLUME_ACCEPT, case_facts(db, case), object_id=volume.volume_id)
    if not flaws or not set(flaws) <= set(FLAWS) or ("other" in flaws and not words.strip()):
        raise InvalidError(flaws="unknown")
    if len(words) > LONGEST_REMARK:
        raise InvalidError(words="too_long")
    keyring = keys_of(db, actor)
    with recording(db) as record:
        _hold(db, volume, case)
        if not readers_of(db, case.box_id):  # what was put by is the last key: it must not go
            raise InvalidError(flaws="nobody_left")
        box = open_for_writing(db, keyring, volume.box_id)
        content = {"flaws": sorted(flaws), "words": words.strip(), "by": actor.name}
        write_signed(db, box=box, kind=DEFECTS, keyring=keyring, content=content, number=volume.round)
        volume.state, volume.escrow_sealed, volume.round = "returned", None, volume.round + 1
        volume.answered_on, volume.archivist_id = today(house_of(db).settings.time_zone), actor.holder_id
        case.handed_in = False
        notify(db, reader_id=case.counsellor_id, kind="volume", object_id=volume.volume_id)
        record.by(actor, "archive:volume:returned", subject_id=case.client_id, object_id=volume.volume_id)


def _hold(db: Session, volume: Volume, case: Case) -> None:
    db.refresh(case, with_for_update=True)
    db.refresh(volume, with_for_update=True)
    if volume.state != "submitted" or not case.handed_in:
        raise ConflictError("task_ended")


def accept(
    db: Session, *, actor: SignedIn, volume: Volume, case: Case, counted: Collection[str], pages: int | None, place: str
) -> None:
    """Count the volume and seal it: from now on `archive` holds the key, the counsellor does not, and nothing of it changes.

    :param counted: hex ids of the items that were checked, one by one; `pages`: of the paper, as the archivist counted them.
    :raises InvalidError: an item not checked, missing, altered or come since; another number of pages; no such place.
    :raises ConflictError: a colleague has answered.

    Records: ``archive:volume:sealed``, ``pathway:case:moved``. Rule: 篇4 二; 篇6 四; R4-06.
    """
    require(db, actor, Permission.VOLUME_ACCEPT, case_facts(db, case), object_id=volume.volume_id)
    content = read_manifest(db, actor=actor, volume=volume)
    entries, keyring = entries_in(content), keys_of(db, actor)
    with recording(db) as record:
        _hold(db, volume, case)
        _counted(db, case, volume, entries, counted, pages, place)
        assert volume.escrow_sealed is not None
        take_out(db, volume_id=volume.volume_id, sealed=volume.escrow_sealed)
        leave_to_archive(db, actor=actor, case=case)
        shut(db, case, on=True)
        number, code = _next_code(db, volume)
        revoke(db, volume.box_id, case.counsellor_id)  # who reads it later is not the counsellor's to see
        box = open_for_writing(db, keyring, volume.box_id)
        said = {
            "code": code,
            "items": [entry.item for entry in entries],
            "pages": pages,
            "place": place.strip(),
            "by": actor.name,
        }
        receipt = write_signed(db, box=box, kind=RECEIPT, keyring=keyring, content=said)
        manifest = item_of(db, volume.box_id, MANIFEST, volume.round)
        assert manifest is not None
        evidence = [VolumeComplete("G13", manifest.item_id), Accepted("ARCHIVE", receipt.item_id)]
        move(db, actor=actor, case=case, to="archived", by=ARCHIVIST, evidence=evidence)
        volume.state, volume.escrow_sealed, volume.place = "sealed", None, place.strip()
        volume.number, volume.code = number, code
        volume.answered_on, volume.archivist_id = today(house_of(db).settings.time_zone), actor.holder_id
        notify(db, reader_id=case.counsellor_id, kind="volume", object_id=volume.volume_id)
        record.by(actor, "archive:volume:sealed", subject_id=case.client_id, object_id=volume.volume_id, detail=code)


def _counted(
    db: Session, case: Case, volume: Volume, entries: list[Entry], counted: Collection[str], pages: int | None, place: str
) -> None:
    problems = {}
    if differences(entries, entries_of(db, case)):
        problems["contents"] = "not_as_signed"
    elif not {entry.item for entry in entries} <= set(counted):
        problems["contents"] = "check_all"
    if pages != volume.pages:
        problems["pages"] = "count_again"
    if len(place) > LONGEST_PLACE:
        problems["place"] = "too_long"
    if problems:
        raise InvalidError(**problems)


def _next_code(db: Session, volume: Volume) -> tuple[int, str]:
    """Return the next number, without a gap per year and period, and the code it makes (DA/T 22)."""
    number = next_number(db, counter_of(volume.year, volume.retention))
    return number, code_of(house_of(db).settings, volume.year, volume.retention, number)


def counter_of(year: int, retention: str) -> str:
    """Return the name of the counter that numbers the volumes of one year and period."""
    return f"volume {year} {retention}"


def code_of(settings: Settings, year: int, retention: str, number: int) -> str:
    """Return an archival code: fonds, category, year of the closing, period, number (DA/T 22)."""
    return f"{settings.fonds_code}-{settings.archive_category}·{year}-{retention}-ZX-{number:04}"
