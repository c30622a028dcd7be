"""Material of a case: sealed while it arrives, in parts, on both databases; looked through; read from any place; destroyed."""

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import boto3
import pytest
import time_machine
from moto.server import ThreadedMotoServer
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from counsel.audit.models import AuditLine
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.database import house_of
from counsel.core.errors import BusyError, ConflictError, InvalidError, RefusedError, TamperError, UnreadableError
from counsel.jobs.backup import back_up, restore_from
from counsel.jobs.sweep import sweep_expired
from counsel.keys.boxes import open_box
from counsel.pathway.cases.models import Case
from counsel.pathway.material.reading import bytes_of, find_material, materials_in, open_material
from counsel.pathway.material.services import begin, bring_part, finish, give_up
from counsel.pathway.referral.transfer import add_second_reader
from counsel.records import store as stores
from counsel.records.material import PART_BYTES, damaged_parts, length_of_part, parts_in, parts_of
from counsel.records.models import Material, Part
from counsel.records.services import item_of
from tests.conftest import Centre
from tests.story import in_counselling, open_the_centre
from tests.together import together
from tests.unit.test_inspecting import packed, pdf, picture, script

SCAN = pdf()
LETTER = "来信：老师您好，我想说的是……\n".encode() * 3
LONG = "长信的一行，写得很慢。\n".encode() * 300_000  # three parts
WORD = {"title": "知情同意书，签字页", "kind": "record"}


def a_case(centre: Centre) -> Case:
    """A case in counselling."""
    open_the_centre(centre)
    return in_counselling(centre)


def coming(centre: Centre, case: Case, size: int, who: str = "lan", **more: Any) -> Material:
    """Room for so many bytes."""
    return begin(centre.db, actor=centre.school[who], case=case, size=size, **{**WORD, **more})


def bring(centre: Centre, row: Material, data: bytes, *numbers: int, who: str = "lan") -> None:
    """Send some of its parts, or all."""
    for number in numbers or range(parts_of(len(data))):
        piece = data[number * PART_BYTES :][: length_of_part(len(data), number)]
        source = io.BytesIO(piece)
        bring_part(centre.db, actor=centre.school[who], row=row, number=number, read=source.read, length=len(piece))


def kept(centre: Centre, case: Case, data: bytes = SCAN, **more: Any) -> Material:
    """Material that has been looked through and kept."""
    row = coming(centre, case, len(data), **more)
    bring(centre, row, data)
    finish(centre.db, actor=centre.school["lan"], row=row)
    return row


def read(centre: Centre, row: Material, start: int = 0, length: int | None = None, who: str = "lan") -> bytes:
    """Read a range, or all."""
    held, box = open_material(centre.db, actor=centre.school[who], row=row)
    return b"".join(bytes_of(centre.db, held_=held, box=box, start=start, length=held.size if length is None else length))


def files_of(centre: Centre) -> list[Path]:
    """What lies in the instance's folder of files."""
    return [path for path in (centre.settings.instance / "files").rglob("*") if path.is_file()]


@pytest.mark.parametrize("kind", ["record", "test", "letter", "other"])
def test_what_was_brought_in_is_read_again_and_lies_sealed(centre: Centre, kind: str) -> None:
    """R4-03, R4-04: its bytes, its title and its type are in no file of the instance in clear."""
    case = a_case(centre)
    row = kept(centre, case, LETTER, title="外婆的来信", kind=kind, remark="夹在作业本里")
    (held,) = materials_in(centre.db, actor=centre.school["lan"], case=case)
    assert (held.about["title"], held.about["remark"], held.type and held.type.name) == ("外婆的来信", "夹在作业本里", "txt")
    assert read(centre, row) == LETTER and row.state == "kept"
    for path in [path for path in centre.settings.instance.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        assert not any(word.encode() in content for word in ("外婆的来信", "老师您好", "夹在作业本里")), path
        assert path.stat().st_mode & 0o077 == 0 or "files" not in path.parts


def test_any_range_of_several_parts_is_read_by_itself(centre: Centre) -> None:
    """Across the borders of chunks and parts, at both ends, and nothing beyond the end."""
    case = a_case(centre)
    row = kept(centre, case, LONG)
    assert len(parts_in(centre.db, row)) == 3
    for start, length in ((0, 10), (PART_BYTES - 5, 10), (262_144 - 1, 2), (len(LONG) - 7, 7), (len(LONG) - 7, 100), (5, 0)):
        assert read(centre, row, start, length) == LONG[start : start + length]
    assert read(centre, row) == LONG


def test_an_upload_goes_on_where_it_broke_off(centre: Centre) -> None:
    """Parts in any order, one twice; not finished before the last; afterwards closed for good."""
    case, lan = a_case(centre), centre.school["lan"]
    row = coming(centre, case, len(LONG))
    bring(centre, row, LONG, 0)
    bring(centre, row, LONG, 2)
    with pytest.raises(InvalidError) as found:
        finish(centre.db, actor=lan, row=row)
    assert found.value.problems == {"file": "incomplete"} and row.state == "coming"
    first = parts_in(centre.db, row)[0].part_id
    bring(centre, row, LONG, 0, 1)
    assert parts_in(centre.db, row)[0].part_id == first and len(files_of(centre)) == 3
    finish(centre.db, actor=lan, row=row)
    assert read(centre, row) == LONG
    for attempt in (lambda: bring(centre, row, LONG, 0), lambda: finish(centre.db, actor=lan, row=row)):
        with pytest.raises(ConflictError):
            attempt()
    with pytest.raises(ConflictError):
        give_up(centre.db, actor=lan, row=row)


@pytest.mark.parametrize("number", [-1, 3, 99])
def test_a_part_that_is_none_is_refused(sqlite_centre: Centre, number: int) -> None:
    """Nothing is written for it."""
    case = a_case(sqlite_centre)
    row = coming(sqlite_centre, case, len(LONG))
    with pytest.raises(InvalidError):
        bring_part(
            sqlite_centre.db, actor=sqlite_centre.school["lan"], row=row, number=number, read=io.BytesIO(b"x").read, length=1
        )
    assert files_of(sqlite_centre) == []


def test_a_connection_that_breaks_leaves_nothing_half(centre: Centre) -> None:
    """Fewer bytes than announced, or an error of the network: no row, no file; sent again it is whole."""
    case, lan = a_case(centre), centre.school["lan"]
    row = coming(centre, case, len(LETTER))

    def broken(_most: int) -> bytes:
        raise OSError("reset by peer")

    for source in (io.BytesIO(LETTER[:50]).read, broken):
        with pytest.raises((InvalidError, BusyError, OSError)):
            bring_part(centre.db, actor=lan, row=row, number=0, read=source, length=len(LETTER))
        assert parts_in(centre.db, row) == [] and files_of(centre) == []
    bring(centre, row, LETTER)
    finish(centre.db, actor=lan, row=row)
    assert read(centre, row) == LETTER


def test_what_may_not_be_kept_goes_at_once(centre: Centre) -> None:
    """By its first bytes before the rest arrives, or when it is looked through: with a reason, and nothing of it stays."""
    case, lan = a_case(centre), centre.school["lan"]
    for data, why in (
        (b"MZ\x90\0" + bytes(9000), "type_unknown"),
        (pdf(script), "active"),
        (picture() + b"<script>", "more_than_one"),
    ):
        row = coming(centre, case, len(data))
        with pytest.raises(InvalidError) as found:
            bring(centre, row, data)
            finish(centre.db, actor=lan, row=row)
        assert found.value.problems == {"file": why}
        assert (row.state, files_of(centre), parts_in(centre.db, row)) == ("erased", [], [])
        with pytest.raises(UnreadableError):
            open_box(centre.db, lan.keyring, row.box_id)  # type: ignore[arg-type]
    lines = centre.db.scalars(select(AuditLine.object_id).where(AuditLine.tag == "pathway:material:refused")).all()
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "diary"}, "kind"),
        ({"kind": "audio"}, "file"),
        ({"title": "  "}, "title"),
        ({"title": "x" * 81}, "title"),
        ({"remark": "x" * 501}, "remark"),
        ({"size": 0}, "file"),
        ({"size": 33 * 1024 * 1024}, "file"),
        ({"proves": UUID(int=5)}, "proves"),
    ],
)
def test_what_cannot_begin_says_so(sqlite_centre: Centre, changes: dict[str, Any], field: str) -> None:
    """Beside the field. Sound and pictures of sessions need a consent of their own."""
    case = a_case(sqlite_centre)
    with pytest.raises(InvalidError) as found:
        begin(sqlite_centre.db, actor=sqlite_centre.school["lan"], case=case, **{**WORD, "size": 5, **changes})
    assert set(found.value.problems) == {field} and sqlite_centre.db.scalars(select(Material)).all() == []


def test_a_scan_stands_beside_the_form_it_proves(centre: Centre) -> None:
    """Only a form of the same case."""
    case = a_case(centre)
    item = item_of(centre.db, case.shared_box_id, "F02")
    assert item is not None
    assert kept(centre, case, proves=item.item_id).proves_id == item.item_id


def test_the_metadata_of_a_picture_goes_when_that_is_wished(centre: Centre) -> None:
    """And stays when it is not; other types are kept as they are, and it stands there that nothing was taken out."""
    case = a_case(centre)
    taken = picture("JPEG", exif=True)
    assert b"Camera" not in read(centre, kept(centre, case, taken, strip=True))
    assert read(centre, kept(centre, case, taken)) == taken
    row = kept(centre, case, LETTER, strip=True)
    assert read(centre, row) == LETTER
    stripped = [held.about["stripped"] for held in materials_in(centre.db, actor=centre.school["lan"], case=case)]
    assert stripped == [False, False, True]


@pytest.mark.parametrize(
    "who",
    [
        "qiu",
        "director",
        "desk",
        "archive",
        "admin",
        "teacher",
        "leader",
        "manager",
        "expert",
        "supervisor",
        "S2024001",
        "S2024002",
    ],
)
def test_nobody_else_finds_it_or_has_a_key(centre: Centre, who: str) -> None:
    """R4-07: refused as if it were absent, for reading and for adding, and the box does not open."""
    case = a_case(centre)
    row, person = kept(centre, case), centre.school[who]
    for permission in (Permission.CASE_READ, Permission.CASE_FOLLOW_UP):
        for number in (row.material_id, uuid4(), None):
            with pytest.raises(RefusedError):
                find_material(centre.db, actor=person, material_id=number, permission=permission)
    with pytest.raises(RefusedError):
        begin(centre.db, actor=person, case=case, size=5, **WORD)
    if person.keyring is not None:
        with pytest.raises(UnreadableError):
            open_box(centre.db, person.keyring, row.box_id)


def test_a_second_reader_reads_and_does_not_add(centre: Centre) -> None:
    """With the case's key; refused for bringing in."""
    case, qiu = a_case(centre), centre.school["qiu"]
    row = kept(centre, case, LETTER)
    add_second_reader(centre.db, actor=centre.school["lan"], case=case, holder_id=qiu.holder_id)
    assert read(centre, row, who="qiu") == LETTER
    with pytest.raises(RefusedError):
        coming(centre, case, 5, who="qiu")


def test_one_line_stands_for_ten_minutes_of_looking(centre: Centre) -> None:
    """Without it there are no bytes; a player that seeks writes one line, not a hundred."""
    case = a_case(centre)
    row = kept(centre, case, LONG)
    seen = select(AuditLine.seq).where(AuditLine.tag == "pathway:material:read", AuditLine.object_id == row.material_id)
    for start in range(0, 5000, 500):
        read(centre, row, start, 100)
    assert len(centre.db.scalars(seen).all()) == 1
    with time_machine.travel(now() + timedelta(minutes=11), tick=True):
        read(centre, row, 0, 1)
    assert len(centre.db.scalars(seen).all()) == 2


def flip(path: Path, at: int) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))


def test_a_bit_flipped_in_the_store_is_found_and_opens_nothing(centre: Centre) -> None:
    """By the check that needs no key, and by whoever reads that place; what lies before it was whole."""
    case = a_case(centre)
    row = kept(centre, case, LONG)
    parts = parts_in(centre.db, row)
    assert damaged_parts(centre.db, parts) == []
    path = next(path for path in files_of(centre) if path.name == parts[1].part_id.hex)
    flip(path, 2_000_000)
    assert damaged_parts(centre.db, parts) == [parts[1]]
    assert read(centre, row, 0, PART_BYTES) == LONG[:PART_BYTES]
    with pytest.raises(UnreadableError):
        read(centre, row, PART_BYTES + 1_999_000, 2000)
    path.unlink()
    assert damaged_parts(centre.db, parts) == [parts[1]]
    with pytest.raises(UnreadableError):
        read(centre, row, PART_BYTES, 10)


def test_a_part_put_in_anothers_place_is_noticed(centre: Centre) -> None:
    """Rows changed behind our back do not match what was signed; the database itself refuses it first."""
    case = a_case(centre)
    one, other = kept(centre, case, LONG), kept(centre, case, LONG)
    for statement in (
        update(Part).where(Part.material_id == one.material_id).values(digest=bytes(32)),
        delete(Part).where(Part.material_id == one.material_id),
    ):
        with pytest.raises(DBAPIError, match="sealed"):
            centre.db.execute(statement)
        centre.db.rollback()
    dialect = centre.db.get_bind().dialect.name
    centre.db.execute(text("DROP TRIGGER parts_update" if dialect == "sqlite" else "DROP TRIGGER parts_change ON parts"))
    taken = parts_in(centre.db, other)[0]
    values = {"part_id": uuid4(), "digest": taken.digest, "size": taken.size}
    centre.db.execute(update(Part).where(Part.material_id == one.material_id, Part.number == 0).values(**values))
    centre.db.commit()
    centre.db.expire_all()
    with pytest.raises(TamperError):
        read(centre, one, 0, 10)


def test_what_was_given_up_is_gone_for_good(centre: Centre) -> None:
    """Its lock first: a copy of the file made before opens nowhere; what is left in the store goes with the sweep."""
    case, lan = a_case(centre), centre.school["lan"]
    row = coming(centre, case, len(LONG))
    bring(centre, row, LONG, 0, 1)
    give_up(centre.db, actor=lan, row=row)
    give_up(centre.db, actor=lan, row=row)
    assert row.state == "erased" and files_of(centre) == []
    with pytest.raises(UnreadableError):
        open_box(centre.db, lan.keyring, row.box_id)  # type: ignore[arg-type]
    (held,) = materials_in(centre.db, actor=lan, case=case)
    assert held.about == {}


def test_the_sweep_leaves_what_is_kept_and_what_has_just_come(centre: Centre) -> None:
    """Bytes without a row go after a day, uploads nobody went on with after a week."""
    case = a_case(centre)
    row = kept(centre, case, LETTER)
    waiting = coming(centre, case, len(LONG))
    bring(centre, waiting, LONG, 0)
    stores.store_of(centre.settings).write(uuid4(), [b"no row"])
    (centre.settings.instance / "files" / "aa").mkdir(exist_ok=True)
    (centre.settings.instance / "files" / "aa" / f"{'0' * 30}aa.part").write_bytes(b"cut off")
    sweep_expired(centre.db)
    assert len(files_of(centre)) == 4
    with time_machine.travel(now() + timedelta(days=2), tick=True):
        sweep_expired(centre.db)
        assert len(files_of(centre)) == 2 and waiting.state == "coming"
    with time_machine.travel(now() + timedelta(days=9), tick=True):
        sweep_expired(centre.db)
    centre.db.refresh(waiting)
    assert len(files_of(centre)) == 1 and waiting.state == "erased" and read(centre, row) == LETTER


def test_two_windows_send_the_same_part_at_once(centre: Centre) -> None:
    """One row, one file, and the material is whole."""
    case = a_case(centre)
    row = coming(centre, case, len(LONG))
    number = row.material_id

    def send(db: Session, _number: int) -> Callable[[], object]:
        place = {"number": 0, "read": io.BytesIO(LONG[:PART_BYTES]).read, "length": PART_BYTES}
        return partial(bring_part, db, actor=centre.school["lan"], row=db.get_one(Material, number), **place)  # type: ignore[arg-type]

    assert len(together(centre, send)) == 2 and len(files_of(centre)) == 1
    bring(centre, row, LONG, 1, 2)
    finish(centre.db, actor=centre.school["lan"], row=row)
    assert read(centre, row) == LONG


def test_a_full_disk_keeps_nothing_half(sqlite_centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """No space left in the middle of a part: said as such, no file, no row; with room again it goes on."""
    centre = sqlite_centre
    case = a_case(centre)
    row = coming(centre, case, len(LONG))
    written = {"bytes": 0}
    real = stores.os.write

    def full(descriptor: int, piece: Any) -> int:
        written["bytes"] += len(piece)
        if written["bytes"] > 1_000_000:
            raise OSError(28, "No space left on device")
        return real(descriptor, piece)

    monkeypatch.setattr(stores.os, "write", full)
    with pytest.raises(BusyError):
        bring(centre, row, LONG, 0)
    monkeypatch.undo()
    assert files_of(centre) == [] and parts_in(centre.db, row) == []
    bring(centre, row, LONG)
    finish(centre.db, actor=centre.school["lan"], row=row)
    assert read(centre, row) == LONG


def test_a_backup_holds_the_sealed_files_and_gives_them_back(sqlite_centre: Centre, tmp_path: Path) -> None:
    """Copied once, sealed as they lie; restored into an empty instance they are there again."""
    centre = sqlite_centre
    case = a_case(centre)
    kept(centre, case, LETTER)
    place = replace(centre.settings, locks_backup=tmp_path / "locks")
    for _twice in range(2):
        back_up(place, tmp_path / "copy")
    (one,) = [path for path in (tmp_path / "copy" / "files").rglob("*") if path.is_file()]
    assert one.read_bytes() == files_of(centre)[0].read_bytes()
    new = tmp_path / "new"
    empty = replace(
        place, instance=new, database_url=f"sqlite:///{new / 'counsel.sqlite'}", locks_url=f"sqlite:///{new / 'locks.sqlite'}"
    )
    restore_from(empty, tmp_path / "copy")
    assert [path.name for path in (new / "files").rglob("*") if path.is_file()] == [one.name]


@contextmanager
def bucket(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A store that speaks S3, on this machine; the centre's settings name it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
    client.create_bucket(Bucket="counsel")
    settings = replace(centre.settings, files_url="s3://counsel/material", files_endpoint=f"http://{host}:{port}")
    monkeypatch.setitem(centre.db.info, "house", replace(house_of(centre.db), settings=settings))
    try:
        yield client
    finally:
        server.stop()


def test_the_same_in_a_store_that_speaks_s3(sqlite_centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random names, sealed bytes, ranges, erasing, the sweep; and a store that is gone is said as such."""
    centre = sqlite_centre
    case, lan = a_case(centre), centre.school["lan"]
    with bucket(centre, monkeypatch) as client:
        row = kept(centre, case, LONG)
        assert files_of(centre) == []
        names = {one["Key"] for one in client.list_objects_v2(Bucket="counsel")["Contents"]}
        assert names == {f"material/{part.part_id.hex}" for part in parts_in(centre.db, row)}
        assert read(centre, row, PART_BYTES - 5, 10) == LONG[PART_BYTES - 5 : PART_BYTES + 5] and read(centre, row) == LONG
        assert damaged_parts(centre.db, parts_in(centre.db, row)) == []
        other = coming(centre, case, len(LETTER))
        bring(centre, other, LETTER)
        give_up(centre.db, actor=lan, row=other)
        stores.store_of(house_of(centre.db).settings).write(uuid4(), [b"no row"])
        with time_machine.travel(now() + timedelta(days=2), tick=True):
            sweep_expired(centre.db)
        assert {one["Key"] for one in client.list_objects_v2(Bucket="counsel")["Contents"]} == names
        client.delete_object(Bucket="counsel", Key=sorted(names)[0])
        assert len(damaged_parts(centre.db, parts_in(centre.db, row))) == 1
    waiting = coming(centre, case, len(LETTER))
    with pytest.raises(BusyError):
        bring(centre, waiting, LETTER)
    with pytest.raises(BusyError):
        read(centre, row)
    assert parts_in(centre.db, waiting) == []


@contextmanager
def scanner(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """A daemon that speaks INSTREAM as ClamAV's does, and knows one harmful word."""
    door = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                peer, _address = door.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as lines:
                assert lines.read(10) == b"zINSTREAM\0"
                data = b""
                while size := int.from_bytes(lines.read(4), "big"):
                    data += lines.read(size)
                seen.append(data)
                peer.sendall(b"stream: Test-Signature FOUND\0" if b"EICAR" in data else b"stream: OK\0")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    address = f"127.0.0.1:{door.getsockname()[1]}"
    settings = replace(centre.settings, clamd_address=address)
    monkeypatch.setitem(centre.db.info, "house", replace(house_of(centre.db), settings=settings))
    try:
        yield seen
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()
        thread.join(5)


def test_a_virus_scanner_looks_at_it_before_it_is_kept(sqlite_centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it finds goes at once; when it does not answer nothing is kept unlooked at, and nothing is lost."""
    centre = sqlite_centre
    case, lan = a_case(centre), centre.school["lan"]
    with scanner(centre, monkeypatch) as seen:
        row = kept(centre, case, LONG)
        assert seen == [LONG]
        held, _box = open_material(centre.db, actor=lan, row=row)
        assert held.about["scanned"] is True
        with pytest.raises(InvalidError) as found:
            kept(centre, case, b"EICAR test file, harmless\n")
        assert found.value.problems == {"file": "virus"}
    waiting = coming(centre, case, len(LETTER))
    bring(centre, waiting, LETTER)
    with pytest.raises(BusyError):
        finish(centre.db, actor=lan, row=waiting)
    assert waiting.state == "coming" and len(parts_in(centre.db, waiting)) == 1


def test_an_office_document_is_kept_as_what_it_is(centre: Centre) -> None:
    """By what is in the archive."""
    case = a_case(centre)
    row = kept(centre, case, packed({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}))
    held, _box = open_material(centre.db, actor=centre.school["lan"], row=row)
    assert held.type is not None and held.type.name == "xlsx"
