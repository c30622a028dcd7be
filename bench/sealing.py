"""P18, its sealing part: handing a case of many items in and sealing it, beside a bare loop of the same crypto and writing."""

import gc
import json
import os
import statistics
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from bench.measure import FLAT, Figure, Plan, commits, counted, judged, replaced, say, timed
from bench.opening import ASYMMETRIC
from bench.stage import COUNSELLOR
from counsel.archive.completeness import lacking
from counsel.archive.hand_over import accept, hand_in, read_manifest
from counsel.archive.manifest import entries_in
from counsel.core.clock import today
from counsel.core.database import writing
from counsel.core.ids import new_id
from counsel.crypto import hybrid
from counsel.crypto.blob import Kind, seal
from counsel.crypto.derive import digest, new_key
from counsel.crypto.signatures import new_private, public_of, sign, verifies
from counsel.keys.boxes import adopt, create_box
from counsel.keys.grants import Reader
from counsel.keys.trust import holder_row
from counsel.pathway.cases.covers import Cover, seal_cover
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.opening import next_number
from counsel.people.cards import ClientCard, write_client
from counsel.records.models import Body, Item
from counsel.records.services import write_signed
from tests.conftest import Centre

SIZES, ROUNDS, TEXT = (25, 100, 400), 3, "睡得早些" * 160


def sealing(centre: Centre, folder: Path, plan: Plan) -> Figure:
    """Measure both halves of a hand-over for cases of several sizes, each with the bare loop right after it."""
    say("P18")
    sizes = SIZES if plan.name == "full" else SIZES[:2]
    ms: dict[int, list[float]] = {size: [] for size in sizes}
    bare: dict[int, list[float]] = {size: [] for size in sizes}
    with replaced({lacking: lambda *_place, **_more: []}):
        same = _counted(centre, _case(centre, sizes[0]))
        gc.collect()
        gc.freeze()
        for at in range(ROUNDS):
            for size in sizes:
                case = _case(centre, size)
                ms[size].append(timed(lambda case=case: _sealed(centre, case)) * 1000)  # type: ignore[misc]
                floor = partial(_bare, centre, case, folder / f"bare-{at}", same)
                bare[size].append(timed(floor) * 1000)
    medians = {size: round(statistics.median(values), 1) for size, values in ms.items()}
    ratios = [one / other for one, other in zip(ms[100], bare[100], strict=True)]
    figure: Figure = {"ms_by_items": medians, "bare_ms": {size: round(statistics.median(v), 1) for size, v in bare.items()}}
    figure |= {"of_both": dict(same), "ratio": round(statistics.median(ratios), 2)}
    judged(figure, "ratio", 1.5)
    linear: Figure = {"per_item": round(medians[sizes[-1]] / medians[100] / (sizes[-1] / 100), 3)}
    return {"P18_seal_a_case": figure | ({"linear": judged(linear, "per_item", FLAT)} if sizes[-1] > 100 else {})}


def _case(centre: Centre, size: int) -> Case:
    """A closed case of the counsellor's with so many signed items."""
    actor, db = centre.school[COUNSELLOR], centre.db
    assert actor.keyring is not None and actor.holder_id is not None
    me = holder_row(db, actor.holder_id)
    assert me is not None
    client_id = new_id()
    with writing(db):
        write_client(db, client_id=client_id, card=ClientCard("某人", "", "2000-01-01", "高三1班"))
        box = create_box(db, kind="case", readers=[Reader(me, "assigned")], granter=actor.keyring)
        shared = create_box(db, kind="shared", readers=[], granter=actor.keyring)
        db.flush()
        adopt(db, child=shared, parent=box)
        case = Case(case_id=new_id(), case_no=next_number(db, "case"), client_id=client_id, counsellor_id=actor.holder_id)
        case.state, case.close_reason, case.source = "closed", "completed", "booking"
        case.box_id, case.shared_box_id, case.cover_revision, case.cover_sealed = box.box_id, shared.box_id, 0, b""
        day = today(centre.settings.time_zone)
        case.opened_on, case.closed_on = day - timedelta(days=60), day - timedelta(days=1)
        seal_cover(box, case, Cover("M"))
        db.add(case)
        db.flush()
        for number in range(1, size + 1):
            write_signed(db, box=box, kind="note", keyring=actor.keyring, content={"format": "dap", "data": TEXT}, number=number)
    return case


def _sealed(centre: Centre, case: Case) -> None:
    volume = hand_in(centre.db, actor=centre.school[COUNSELLOR], case=case, pages=0, retention="D10")
    shen = centre.school["archive"]
    counted = [entry.item for entry in entries_in(read_manifest(centre.db, actor=shen, volume=volume))]
    accept(centre.db, actor=shen, volume=volume, case=case, counted=counted, pages=0, place="3-2")


def _counted(centre: Centre, case: Case) -> Counter[str]:
    """Return how many asymmetric operations and durable commits one hand-over takes: the floor does as many."""
    with counted(*ASYMMETRIC) as calls, commits() as made:
        _sealed(centre, case)
    return calls + Counter({"commits": made.total()})


def _bare(centre: Centre, case: Case, folder: Path, same: Counter[str]) -> None:
    """Read and digest every sealed text twice, seal list and receipt, do the same asymmetric work, write as often durably."""
    folder.mkdir(exist_ok=True)
    written = b"".join(
        seal(new_key(), json.dumps(_digests(centre, case.box_id)).encode(), Kind.FORM, b"bare") for _half in range(2)
    )
    for name, act in _asymmetric().items():
        for _n in range(same[name]):
            act()
    for number in range(same["commits"]):
        with (folder / f"{case.case_no}-{number}").open("wb") as file:
            file.write(written if number == 0 else b"bare")
            file.flush()
            os.fsync(file.fileno())


def _asymmetric() -> dict[str, Callable[[], object]]:
    """Return each asymmetric operation by the name it is counted under."""
    kem, signing, said = hybrid.new_private(), new_private(), digest(b"bare")
    kem_public, sign_public, signature = hybrid.public_of(kem), public_of(signing), sign(signing, said)
    wrapped = hybrid.wrap(new_key(), kem_public, b"bare")
    return {
        "hybrid.wrap": lambda: hybrid.wrap(new_key(), kem_public, b"bare"),
        "hybrid.unwrap": lambda: hybrid.unwrap(wrapped, kem, b"bare"),
        "signatures.sign": lambda: sign(signing, said),
        "signatures.verifies": lambda: verifies(sign_public, signature, said),
    }


def _digests(centre: Centre, box_id: UUID) -> list[dict[str, Any]]:
    bodies = select(Item.item_id, Item.kind, Item.on_day, Body.sealed).join(Body, Body.item_id == Item.item_id)
    with centre.session() as db:
        rows = db.execute(bodies.where(Item.box_id == box_id)).all()
    return [{"item": row[0].hex, "kind": row[1], "day": str(row[2]), "digest": digest(row[3]).hex()} for row in rows]
