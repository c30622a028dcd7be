"""Bring material into a case, look through it before it is kept, read it again, give it up (篇4 二; R4-03, R4-04)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of, writing
from counsel.core.errors import ConflictError, InvalidError
from counsel.core.ids import new_id
from counsel.crypto.stream import Read as Source
from counsel.keys.boxes import OpenBox, add_reader, adopt, create_box, open_box
from counsel.keys.bundle import Keyring
from counsel.keys.grants import Reader
from counsel.keys.rotation import open_for_writing
from counsel.keys.trust import holder_row
from counsel.outbox.notices import notify
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_facts, held, writing_box
from counsel.pathway.material.consent import Recorded, fitting_consent, may_be_heard, own_purpose, viewers_of
from counsel.pathway.material.reading import ABOUT, about_of
from counsel.records.inspecting import (
    FAMILIES,
    HEAD_BYTES,
    VIDEO,
    WRITTEN,
    FileType,
    fitting,
    is_sound_alone,
    look_through,
    type_of,
    without_metadata,
)
from counsel.records.material import (
    PART_BYTES,
    Peeked,
    add_part,
    digest_of,
    erase,
    length_of_part,
    parts_in,
    parts_of,
    read_range,
)
from counsel.records.models import MATERIAL_KINDS, Item, Material, Part
from counsel.records.scanning import is_scanning, scan
from counsel.records.services import item_of, sign_item, start_item
from counsel.records.store import store_of

LONGEST_TITLE, LONGEST_REMARK = 80, 500
MIB = 1024 * 1024


def largest(db: Session, kind: str) -> int:
    """Return the most bytes that material of a kind may have."""
    settings = house_of(db).settings
    return MIB * (settings.recording_most_mib if kind in FAMILIES else settings.document_most_mib)


def begin(
    db: Session,
    *,
    actor: SignedIn,
    case: Case,
    kind: str,
    title: str,
    size: int,
    remark: str = "",
    proves: UUID | None = None,
    strip: bool = False,
    consent_id: UUID | None = None,
) -> Material:
    """Make room for material of `size` bytes; its parts come next.

    :param proves: the form of which this is the signed paper; `strip`: take out what a file says about camera, place, author.
    :param consent_id: for a recording, the consent that admits it; then it opens for those who were agreed to and nobody else.
    :raises InvalidError: no such kind, no title, empty or too large, a form of another case, a recording nobody agreed to.

    Records: ``pathway:material:begun``. Rule: 篇4 二, 四; R4-03, R4-12.
    """
    require(db, actor, Permission.CASE_FOLLOW_UP, case_facts(db, case), object_id=case.case_id)
    _check(db, case, kind, title, size, remark, proves)
    keyring = keys_of(db, actor)
    consent = fitting_consent(db, actor=actor, case=case, consent_id=consent_id, kind=kind) if kind in FAMILIES else None
    with held(db, case) as record:
        newest = db.scalar(select(func.max(Material.number)).where(Material.case_id == case.case_id)) or 0
        row = Material(material_id=new_id(), case_id=case.case_id, number=newest + 1, kind=kind, author_id=keyring.holder_id)
        row.parts, row.on_day, row.proves_id = parts_of(size), today(house_of(db).settings.time_zone), proves
        if consent is not None:
            row.consent_id, row.session_no, row.keep_until = consent.item.item_id, consent.session_no, consent.until
        box = _box(db, actor, case, consent)
        row.box_id = box.box_id
        content = {"title": title.strip(), "remark": remark.strip(), "size": size, "strip": strip}
        start_item(db, box=box, kind=ABOUT, author=keyring.holder_id, content=content)
        db.add(row)
        db.flush()
        record.by(actor, "pathway:material:begun", subject_id=case.client_id, object_id=row.material_id)
    return row


def _box(db: Session, actor: SignedIn, case: Case, consent: Recorded | None) -> OpenBox:
    """Make a material's box: it opens through the case; a recording's does not, but for each who may hear it alone."""
    keyring, readers = keys_of(db, actor), []
    if consent is not None:
        me = holder_row(db, keyring.holder_id, keyring.version)
        assert me is not None
        readers = [Reader(me, own_purpose(consent))]
    box = create_box(db, kind="material" if consent is None else "recording", readers=readers, granter=keyring)
    db.flush()
    if consent is None:
        adopt(db, child=box, parent=writing_box(db, actor=actor, case=case, shared=False))
    return box


def _check(db: Session, case: Case, kind: str, title: str, size: int, remark: str, proves: UUID | None) -> None:
    problems = {}
    if kind not in MATERIAL_KINDS:
        problems["kind"] = "unknown"
    if not title.strip() or len(title.strip()) > LONGEST_TITLE:
        problems["title"] = "too_long" if title.strip() else "empty"
    if len(remark) > LONGEST_REMARK:
        problems["remark"] = "too_long"
    if size <= 0:
        problems["file"] = "empty_file"
    elif size > largest(db, kind):
        problems["file"] = "too_large"
    form = db.get(Item, proves) if proves is not None else None
    if proves is not None and (form is None or form.box_id not in (case.box_id, case.shared_box_id)):
        problems["proves"] = "unknown"
    if problems:
        raise InvalidError(**problems)


def bring_part(db: Session, *, actor: SignedIn, row: Material, number: int, read: Source, length: int) -> None:
    """Take one part as it arrives: sealed at once, in clear nowhere. A part that is there already is left as it is.

    :param read: gives the bytes; `length`: how many the sender announced.
    :raises InvalidError: no such part, another length, nothing that may be kept: then the material is given up;
    :raises ConflictError: it is kept already, or was given up.
    """
    if row.state != "coming":
        raise ConflictError("signed")
    _still_agreed(db, row)
    keyring = keys_of(db, actor)
    box = _box_for_part(db, keyring, row, number)
    if not 0 <= number < row.parts or length != _length_of(db, box, row, number):
        raise InvalidError(file="cut_off")
    source = Peeked(read)
    if number == 0:
        with _given_up_if_refused(db, actor, row):
            fitting(source.peek(min(HEAD_BYTES, length)), row.kind)
    add_part(db, box=box, material=row, number=number, length=length, read=source.read)


def _box_for_part(db: Session, keyring: Keyring, row: Material, number: int) -> OpenBox:
    """The first part leaves an own wrap of the key behind, by which the others open without a change to any row."""
    box = open_box(db, keyring, row.box_id, for_writing=True) if number else None
    if box is not None and not box.stale:
        return box
    with writing(db):
        return open_for_writing(db, keyring, row.box_id)


def _length_of(db: Session, box: OpenBox, row: Material, number: int) -> int:
    """Return how many bytes a part has: only for the last one what is sealed about the whole has to be opened."""
    if number < row.parts - 1:
        return PART_BYTES
    return length_of_part(int(about_of(db, box)["size"]), number)


def _still_agreed(db: Session, row: Material) -> None:
    if row.consent_id is not None and not may_be_heard(db, row):
        raise InvalidError(file="no_consent")


@contextmanager
def _given_up_if_refused(db: Session, actor: SignedIn, row: Material) -> Iterator[None]:
    """What may not be kept goes at once, and the refusal stands on record."""
    try:
        yield
    except InvalidError:
        _give_up(db, actor, row, "refused")
        raise


def give_up(db: Session, *, actor: SignedIn, row: Material) -> None:
    """Let go of material that has not been kept yet; what arrived of it is destroyed.

    :raises ConflictError: it is kept already.

    Records: ``pathway:material:given-up``.
    """
    if row.state == "kept":
        raise ConflictError("signed")
    if row.state == "coming":
        _give_up(db, actor, row, "given-up")


def _give_up(db: Session, actor: SignedIn, row: Material, how: str) -> None:
    case = db.get_one(Case, row.case_id)
    with recording(db) as record:
        record.by(actor, f"pathway:material:{how}", subject_id=case.client_id, object_id=row.material_id)
    erase(db, row)


def finish(db: Session, *, actor: SignedIn, row: Material) -> None:
    """Look through what has arrived, sign for it, and keep it: from now on nothing of it changes.

    :raises InvalidError: parts are missing (they can still come); or it may not be kept: then it is given up;
    :raises ConflictError: it is kept, or was given up.

    Records: ``pathway:material:kept`` or ``:refused``. Rule: 篇4 二; R4-03, R4-04.
    """
    keyring = keys_of(db, actor)
    if row.state != "coming":
        raise ConflictError("signed")
    _still_agreed(db, row)
    with writing(db):
        box = open_for_writing(db, keyring, row.box_id)
    about = about_of(db, box)
    parts, size = parts_in(db, row), int(about["size"])
    if len(parts) < parts_of(size):
        raise InvalidError(file="incomplete")
    with _given_up_if_refused(db, actor, row):
        found, bare = _looked_through(db, box, row, parts, about)
    if bare is not None:
        parts, size = _replace(db, box, row, bare), len(bare)
    case = db.get_one(Case, row.case_id)
    with held(db, case) as record:
        db.refresh(row, with_for_update=True)
        if row.state != "coming":
            raise ConflictError("signed")
        item = item_of(db, box.box_id, ABOUT)
        assert item is not None
        full = {
            **about,
            "size": size,
            "type": found.name,
            "digest": digest_of(parts),
            "scanned": is_scanning(db),
            "stripped": bare is not None,
        }
        sign_item(db, box=box, item=item, keyring=keyring, content=full, seen_version=item.draft_version)
        row.state, row.parts = "kept", len(parts)
        if row.consent_id is not None:
            _let_hear(db, actor, case, row, box)
        record.by(actor, "pathway:material:kept", subject_id=case.client_id, object_id=row.material_id)


def _let_hear(db: Session, actor: SignedIn, case: Case, row: Material, box: OpenBox) -> None:
    """Grant a recording to whoever was agreed to, in the transaction that keeps it: the yes is looked at once more."""
    consent = fitting_consent(db, actor=actor, case=case, consent_id=row.consent_id, kind=row.kind)
    for reader in viewers_of(db, case, consent):
        add_reader(db, box, reader=reader, granter=keys_of(db, actor))
        notify(db, reader_id=reader.holder.holder_id, kind="recording", object_id=row.material_id)


def _looked_through(
    db: Session, box: OpenBox, row: Material, parts: list[Part], about: Mapping[str, Any]
) -> tuple[FileType, bytes | None]:
    """Return what it is, and its bytes without metadata when that was wished; sound and pictures are known by their beginning."""
    size = int(about["size"])
    by_number = {part.number: part for part in parts}
    take = partial(read_range, db, box=box, material=row, parts=by_number, size=size, start=0)
    head = b"".join(take(length=min(size, HEAD_BYTES)))
    found = fitting(head, row.kind)
    container = row.kind == "audio" and type_of(head).family == VIDEO
    if container and not is_sound_alone(lambda start, length: b"".join(take(start=start, length=length)), size):
        raise InvalidError(file="wrong_kind")
    if found.family not in WRITTEN:
        return found, None
    data = b"".join(take(length=size))
    found = look_through(data, found)
    scan(db, data)
    return found, without_metadata(data, found) if about.get("strip") else None


def _replace(db: Session, box: OpenBox, row: Material, data: bytes) -> list[Part]:
    """Put other bytes in place of those that arrived."""
    old = [part.part_id for part in parts_in(db, row)]
    with writing(db):
        db.execute(delete(Part).where(Part.material_id == row.material_id))
    db.expire_all()
    for part_id in old:
        store_of(house_of(db).settings).delete(part_id)
    source = BytesIO(data)
    for number in range(parts_of(len(data))):
        add_part(db, box=box, material=row, number=number, length=length_of_part(len(data), number), read=source.read)
    return parts_in(db, row)
