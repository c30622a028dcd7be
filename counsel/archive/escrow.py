"""The keys of a hand-over: the archive's grants wait under the server secret until the archivist has signed; then others go."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of
from counsel.access.sign_ins import SignedIn
from counsel.core.clock import at_local, today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError
from counsel.crypto.blob import Kind, seal, unseal
from counsel.crypto.context import Context
from counsel.crypto.derive import subkey
from counsel.keys.boxes import OpenBox, open_box, readers_of, revoke
from counsel.keys.bundle import Keyring
from counsel.keys.grants import Reader, make_grant
from counsel.keys.models import Box, Grant
from counsel.keys.rotation import rotate
from counsel.keys.trust import check_recipient, group_id, holder_row
from counsel.pathway.cases.models import Case, CaseReader


def put_by(db: Session, *, volume_id: UUID, boxes: Iterable[OpenBox], reader: Reader, granter: Keyring) -> bytes:
    """Make a grant of each box without putting it into the database, and return them sealed."""
    rows = []
    for box in boxes:
        place = {"box_id": box.box_id, "epoch": box.epoch, "key": box.keys[box.epoch]}
        with db.no_autoflush:
            grant = make_grant(db, **place, reader=reader, granter=granter)  # type: ignore[arg-type]
            db.expunge(grant)
        rows.append({column.name: _plain(getattr(grant, column.name)) for column in Grant.__table__.columns})
    house = house_of(db)
    return seal(subkey(house.secret, "escrow"), json.dumps(rows).encode(), Kind.HOUSE, _context(db, volume_id))


def take_out(db: Session, *, volume_id: UUID, sealed: bytes) -> None:
    """Put the grants that were put by into the database, inside the caller's transaction.

    :raises UnreadableError: they were altered, or belong to another volume.
    :raises InvalidError: ``contents``, a box was given another key since: the counsellor must hand it in anew.
    """
    plain = unseal(subkey(house_of(db).secret, "escrow"), sealed, Kind.HOUSE, _context(db, volume_id))
    grants = [Grant(**{name: _back(value) for name, value in row.items()}) for row in json.loads(plain)]
    if any(db.get_one(Box, grant.box_id).epoch != grant.epoch for grant in grants):
        raise InvalidError(contents="not_as_signed")
    db.add_all(grants)
    db.flush()


def _context(db: Session, volume_id: UUID) -> bytes:
    return Context("escrow", house_of(db).installation, "volumes", item=volume_id).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return ["b", b64encode(value).decode()]
    if isinstance(value, UUID):
        return ["u", value.hex]
    return ["t", value.isoformat()] if isinstance(value, datetime) else value


def _back(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    kind, text = value
    back: dict[str, Callable[[str], Any]] = {"b": b64decode, "u": UUID, "t": datetime.fromisoformat}
    return back[kind](text)


def leave_to_archive(db: Session, *, actor: SignedIn, case: Case) -> None:
    """Leave both boxes to the archive, and the shared one to the client: a new epoch for each, without anybody else.

    The counsellor goes on reading what was there for as long as the setting says. The archivist's session does it, in which
    the archive's grants have just been taken out.
    """
    keyring, stay = keys_of(db, actor), {group_id(house_of(db), "archive"), case.client_id}
    before = [open_box(db, keyring, box_id) for box_id in (case.box_id, case.shared_box_id)]
    for box in before:
        for holder_id in {grant.holder_id for grant in readers_of(db, box.box_id)} - stay:
            revoke(db, box.box_id, holder_id)
    for box in before:
        db.flush()
        rotate(db, keyring, box.box_id)
    db.execute(delete(CaseReader).where(CaseReader.case_id == case.case_id))
    _let_read_on(db, actor, case, before)


def _let_read_on(db: Session, actor: SignedIn, case: Case, before: list[OpenBox]) -> None:
    settings, leaver = house_of(db).settings, holder_row(db, case.counsellor_id)
    if not settings.reading_window or leaver is None or leaver.revoked:
        return
    check_recipient(db, leaver)
    until = today(settings.time_zone) + timedelta(days=settings.reading_window)
    reader = Reader(leaver, "former", at_local(until + timedelta(days=1), 0, settings.time_zone))
    for box in before:
        place = {"box_id": box.box_id, "epoch": box.epoch, "key": box.keys[box.epoch]}
        make_grant(db, **place, reader=reader, granter=keys_of(db, actor))  # type: ignore[arg-type]
    db.add(CaseReader(case_id=case.case_id, holder_id=case.counsellor_id, purpose="former", until_on=until))


def shut(db: Session, case: Case, *, on: bool) -> None:
    """Shut both boxes of a filed case, or let the archive open them for one act, inside the caller's transaction."""
    for box_id in (case.box_id, case.shared_box_id):
        db.get_one(Box, box_id).shut = on
    db.flush()
