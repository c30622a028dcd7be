"""P5, and of P9 and P10 what runs inside a worker: a page of the catalogue, sealing while it arrives, reading from anywhere."""

import os
import resource
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import insert, select

from bench.measure import Act, Figure, Plan, Side, growth, interleaved, judged, replaced, say, timed
from bench.over_http import recordings_over_http
from bench.stage import COUNSELLOR, copied
from counsel.archive.catalogue import Wanted, catalogue
from counsel.archive.models import Volume
from counsel.core.clock import today
from counsel.core.database import writing
from counsel.core.ids import new_id
from counsel.crypto.blob import BODY_AT, TAG_BYTES, Kind
from counsel.crypto.context import NOBODY
from counsel.crypto.stream import CHUNK_BYTES, Read, read_full, seal_stream
from counsel.pathway.cases.agreement import GUARDIAN, record_agreement
from counsel.pathway.cases.models import Case
from counsel.pathway.material.consent import write_consent
from counsel.pathway.material.reading import bytes_of, open_material
from counsel.pathway.material.services import begin, bring_part, finish
from counsel.pathway.sessions.models import CounsellingSession
from counsel.records.material import length_of_part, parts_of
from counsel.records.models import Material
from counsel.records.services import item_of
from tests.conftest import Centre

MIB, SEEK = 1024 * 1024, 64 * 1024
SMALL, PER_YEAR = 1_000, 500
HEAD = b"RIFF\x24\x08\x00\x00WAVEfmt "


def archive(centre: Centre, folder: Path, plan: Plan) -> Figure:
    """Measure the catalogue at a thousand volumes and at the plan's most, and one long recording beside a small one."""
    say("P5")
    figures: Figure = {"P5_catalogue_page": _catalogue(centre, folder, plan)}
    say("P9, P10")
    return figures | _recordings(centre, folder, plan)


def _catalogue(centre: Centre, folder: Path, plan: Plan) -> Figure:
    with ExitStack() as stack:
        _fill(centre, 0, SMALL)
        small = stack.enter_context(copied(centre, folder / "archive-small"))
        most = max(plan.notes)
        _fill(centre, SMALL, most)
        houses = {SMALL: small, most: centre}
        first: dict[int, Act] = {size: lambda house=house: _page(house, None) for size, house in houses.items()}  # type: ignore[misc]
        last: dict[int, Act] = {
            size: lambda house=house: _page(house, (_year(60), "D10", 1))  # type: ignore[misc]
            for size, house in houses.items()
        }
        rounds = interleaved(plan, first=lambda: _page(centre, None), deepest=lambda: _page(centre, (_year(60), "D10", 1)))
        deep = rounds.figure() | {"ratio": rounds.ratio("deepest", "first")}
        return {
            "first": growth(plan, first, of="volumes", least=SMALL),
            "deepest": growth(plan, last, of="volumes", least=SMALL),
            "deepest_beside_first": judged(deep, "ratio", 1.5),
        }


def _year(number: int) -> int:
    return 1900 + number // PER_YEAR


def _fill(centre: Centre, start: int, end: int) -> None:
    holder = centre.school[COUNSELLOR].holder_id
    place = {"counsellor_id": holder, "box_id": holder, "keep_until": date(2050, 1, 1), "submitted_on": date(2026, 1, 1)}
    place |= {"state": "sealed", "round": 1, "items": 14, "pages": 20, "place": "3-2", "retention": "D10"}
    with writing(centre.db):
        for at in range(start, end, 10_000):
            rows = [
                {
                    **place,
                    "volume_id": new_id(),
                    "case_id": new_id(),
                    "case_no": n,
                    "year": _year(n),
                    "number": n + 1,
                    "code": f"B{n}",
                }
                for n in range(at, min(end, at + 10_000))
            ]
            centre.db.execute(insert(Volume), rows)


def _named(number: int) -> dict[str, object]:
    return {"year": _year(number), "number": number + 1, "code": f"B{number}"}


def _page(centre: Centre, after: tuple[int, str, int] | None) -> int:
    with centre.session() as db:
        return len(catalogue(db, actor=centre.school["archive"], wanted=Wanted(after=after)))


def _recordings(centre: Centre, folder: Path, plan: Plan) -> Figure:
    small, large = 1, 1024 if plan.name == "full" else 64
    consent = _agreed(centre)
    rows = {small: _kept(centre, _sent(centre, consent, small * MIB))}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sealed_s = timed(lambda: rows.update({large: _sent(centre, consent, large * MIB)}))
    memory = {"grown_mib": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, 1)}
    with replaced({seal_stream: _as_it_is}):
        plain_s = timed(lambda: _sent(centre, consent, large * MIB))
    bare_s = timed(lambda: _bare(folder / "bare", large * MIB))
    sealing: Figure = {"mib": large, "sealed_s": round(sealed_s, 2), "ratio": round(sealed_s / plain_s, 3)}
    sealing |= {
        "without_sealing_s": round(plain_s, 2),
        "written_bare_s": round(bare_s, 2),
        "mib_per_s": round(large / sealed_s, 1),
    }
    seeks: dict[int, Act] = {size: _seeking(centre, _kept(centre, row), size * MIB) for size, row in rows.items()}
    rounds = interleaved(plan, whole=lambda: _whole(centre, rows[large]), bare=Side(lambda: _opened(large * MIB), share=0.5))
    return {
        "P9_seal_while_it_arrives": judged(sealing, "ratio", 1.2) | {"memory": judged(memory, "grown_mib", 16)},
        "P10_seek_64_kib": growth(plan, seeks, of="MiB of the recording", least=small),
        **recordings_over_http(centre, folder, plan, consent),
        "P10_whole": rounds.figure() | {"mib": large, "ratio_to_bare_aes": rounds.ratio("whole", "bare")},
    }


def _as_it_is(
    key: bytes, read: Read, kind: Kind, context: bytes, *, key_id: UUID = NOBODY, epoch: int = 0
) -> Iterator[bytes | memoryview]:
    """Yield what `read` gives in pieces as long as sealed ones, without a cipher."""
    yield bytes(BODY_AT)
    piece = bytes(CHUNK_BYTES)
    while len(piece) == CHUNK_BYTES:
        piece = read_full(read, CHUNK_BYTES)
        yield piece + bytes(TAG_BYTES)


def _agreed(centre: Centre) -> tuple[Case, Any]:
    """A consent everybody stands by, for a case of the counsellor's that had a session."""
    actor = centre.school[COUNSELLOR]
    held = select(CounsellingSession.case_id).where(CounsellingSession.number == 1)
    case = centre.db.scalars(select(Case).where(Case.counsellor_id == actor.holder_id, Case.case_id.in_(held)).limit(1)).one()
    until = str(today(centre.settings.time_zone) + timedelta(days=100))
    content = {"session_no": "1", "media": ["audio"], "own": True, "supervision": [], "teaching": [], "until": until}
    write_consent(centre.db, actor=actor, case=case, content=content, seen_version=0, sign=True, number=1)
    item = item_of(centre.db, case.shared_box_id, "F13")
    assert item is not None
    for more in ({}, {"party": GUARDIAN, "words": "家长"}):
        record_agreement(centre.db, actor=actor, case=case, item=item, way="by_phone", agreed=True, **more)  # type: ignore[arg-type]
    return case, item


class _Source:
    """So many bytes of a sound file, made as they are read."""

    def __init__(self, size: int) -> None:
        self._block, self._left, self._first = os.urandom(MIB), size, True

    def read(self, most: int) -> bytes:
        """Return the next bytes."""
        take = min(most, self._left, MIB)
        self._left -= take
        piece = self._block[:take]
        if self._first and take >= len(HEAD):
            self._first, piece = False, HEAD + piece[len(HEAD) :]
        return piece


def _sent(centre: Centre, consent: tuple[Case, Any], size: int) -> Material:
    case, item = consent
    actor, source = centre.school[COUNSELLOR], _Source(size)
    row = begin(centre.db, actor=actor, case=case, kind="audio", title="x", size=size, consent_id=item.item_id)
    for number in range(parts_of(size)):
        bring_part(centre.db, actor=actor, row=row, number=number, read=source.read, length=length_of_part(size, number))
    return row


def _kept(centre: Centre, row: Material) -> Material:
    if row.state == "coming":
        finish(centre.db, actor=centre.school[COUNSELLOR], row=row)
    return row


def _bare(folder: Path, size: int) -> None:
    """Write the same bytes in the same parts, durably, without sealing."""
    folder.mkdir()
    source = _Source(size)
    for number in range(parts_of(size)):
        with (folder / str(number)).open("wb") as file:
            left = length_of_part(size, number)
            while left:
                piece = source.read(min(left, 256 * 1024))
                left -= file.write(piece)
            file.flush()
            os.fsync(file.fileno())


def _seeking(centre: Centre, row: Material, size: int) -> Act:
    places, actor = Random(7), centre.school[COUNSELLOR]

    def seek() -> int:
        """Read 64 KiB from some place."""
        with centre.session() as db:
            held, box = open_material(db, actor=actor, row=db.get_one(Material, row.material_id))
            start = places.randrange(max(1, size - SEEK))
            return sum(len(piece) for piece in bytes_of(db, held_=held, box=box, start=start, length=SEEK))

    return seek


def _whole(centre: Centre, row: Material) -> int:
    with centre.session() as db:
        held, box = open_material(db, actor=centre.school[COUNSELLOR], row=db.get_one(Material, row.material_id))
        return sum(len(piece) for piece in bytes_of(db, held_=held, box=box, start=0, length=held.size))


def _opened(size: int) -> int:
    """Open the same number of bytes, in memory, with the bare cipher in chunks of 256 KiB."""
    cipher, chunk = AESGCM(b"k" * 32), bytes(256 * 1024)
    sealed = cipher.encrypt(b"n" * 12, chunk, b"")
    return sum(len(cipher.decrypt(b"n" * 12, sealed, b"")) for _chunk in range(-(-size // len(chunk))))
