"""P2 and P6: the caseload of fifty cases, a search through one's own hundred notes; beside floors, and as a house grows."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.crowd import Crowd, count_of
from bench.floor import BareCipher, Notes
from bench.measure import Act, Figure, Plan, beside_floor, growth, judged, say
from bench.pages import client_of
from bench.saving import TEXT
from bench.stage import CONTENT, COUNSELLOR, NOTES, copied
from counsel.access.gate import keys_of
from counsel.audit.chain import recording
from counsel.core.database import writing
from counsel.core.ids import new_id
from counsel.crypto import hybrid
from counsel.home.search import search_own
from counsel.keys.rotation import open_for_writing
from counsel.pathway.cases.dossier import NOTE
from counsel.pathway.cases.evidence import ConflictClear, Evidence, IdentityMatched
from counsel.pathway.cases.opening import open_case
from counsel.pathway.cases.services import caseload
from counsel.people.cards import ClientCard, write_client
from counsel.records.models import Item
from counsel.records.services import write_signed
from tests.conftest import Centre

CASES, WORDS, ABSENT, ASKED_AT = 50, "继续记录", "没有这样的字", 10_000


def finding(centre: Centre, folder: Path, plan: Plan) -> Figure:
    """Measure both at the house's present size, and in a copy that has grown to the plan's largest number of notes."""
    say("P2, P6")
    _fifty_cases(centre)
    own = folder / "finding"
    own.mkdir()
    floor = Notes(own)
    floor.fill(NOTES, TEXT)
    with ExitStack() as stack:
        small = stack.enter_context(copied(centre, folder / "finding-small"))
        Crowd(centre, _any_case(centre)).grow(max(plan.notes))
        houses = {count_of(house, Item): house for house in (small, centre)}
        loads: dict[int, Act] = {size: lambda house=house: _caseload(house) for size, house in houses.items()}  # type: ignore[misc]
        finds: dict[int, Act] = {size: lambda house=house: _found(house, ABSENT) for size, house in houses.items()}  # type: ignore[misc]
        return {
            "P2_caseload_of_50": {
                "beside_dash": _beside_dash(centre, floor, plan),
                "beside_bare_page": _beside_bare_page(centre, floor, plan),
                "flat": growth(plan, loads, of="items of others"),
            },
            "P6_search_of_own_notes": {
                "of_100": _beside_scans(centre, floor, plan, NOTES),
                "flat": growth(plan, finds, of="items of others"),
                f"of_{plan.own}": _asked_of_many(_among_many(centre, floor, plan), plan),
            },
        }


def _fifty_cases(centre: Centre) -> None:
    """Give the counsellor fifty cases of guests, through the services."""
    actor = centre.school[COUNSELLOR]
    for number in range(CASES):
        client_id = new_id()
        with writing(centre.db):
            write_client(centre.db, client_id=client_id, card=ClientCard(f"冉一{number}"))
        evidence: list[Evidence] = [IdentityMatched("G1", client_id), ConflictClear("G4", client_id)]
        open_case(centre.db, actor=actor, client_id=client_id, initial="R", source="walk_in", evidence=evidence)


def _any_case(centre: Centre) -> UUID:
    return caseload(centre.db, actor=centre.school[COUNSELLOR])[-1][0].case_id


def _caseload(centre: Centre) -> list[str]:
    with centre.session() as db:
        rows = caseload(db, actor=centre.school[COUNSELLOR])
        return [f"{case.case_no} {cover.initial} {cover.level}" for case, cover in rows[:CASES]]


def _found(centre: Centre, words: str) -> list[Any]:
    with centre.session() as db:
        return list(search_own(db, actor=centre.school[COUNSELLOR], words=words))


def _beside_dash(centre: Centre, floor: Notes, plan: Plan) -> Figure:
    """The floor opens fifty covers, each by its own asymmetric unwrap, and shows them: the target's other way to be met."""
    private, info = hybrid.new_private(), b"dash"
    key = os.urandom(32)
    wraps = [hybrid.wrap(key, hybrid.public_of(private), info) for _n in range(CASES)]
    nonce = b"n" * 12
    covers = [AESGCM(key).encrypt(nonce, f"R 0 {n}".encode(), None) for n in range(CASES)]

    def dash() -> list[str]:
        """Unwrap and open each."""
        opened = (AESGCM(hybrid.unwrap(wrap, private, info)) for wrap in wraps)
        return [cipher.decrypt(nonce, cover, None).decode() for cipher, cover in zip(opened, covers, strict=True)]

    client = client_of(floor, {"product": lambda: _caseload(centre), "floor": dash})
    figure = beside_floor(plan, lambda: client.get("/open/product"), lambda: client.get("/open/floor"))
    return judged(figure, "ratio", round(1 / 0.45, 2))


def _beside_bare_page(centre: Centre, floor: Notes, plan: Plan) -> Figure:
    """The bare page shows fifty rows of one table, nothing sealed, and nobody signed in."""
    bare = "SELECT id FROM notes LIMIT 50"
    sides = {
        "product": lambda: _caseload(centre),
        "floor": lambda: [str(row[0]) for row in floor.db.execute(bare).fetchall()],
    }
    client = client_of(floor, sides)
    figure = beside_floor(plan, lambda: client.get("/open/product"), lambda: client.get("/open/floor"))
    return figure | {"target": "none: one of two ways to meet the target, 1.6; the other is the dash"}


def _beside_scans(centre: Centre, floor: Notes, plan: Plan, own: int) -> Figure:
    """The floor decrypts as many notes and looks for the words in them; beside it the same over the barest cipher."""
    assert len(_found(centre, WORDS)) >= own
    barest = Notes(floor.path.parent, BareCipher())
    for side in (floor, barest):
        side.fill(own, TEXT)
    other = beside_floor(plan, lambda: _found(centre, ABSENT), lambda: scan(barest, own // NOTES))
    figure = beside_floor(plan, lambda: _found(centre, ABSENT), lambda: scan(floor, own // NOTES))
    return figure | {"beside_bare_cipher": other | {"target": "none: another format than the design's"}}


def _among_many(centre: Centre, floor: Notes, plan: Plan) -> Figure:
    """The same among so many own notes, through the service that signs them."""
    actor = centre.school[COUNSELLOR]
    with centre.session() as db:
        case = caseload(db, actor=actor)[0][0]
        keyring = keys_of(db, actor)
        for first in range(1, plan.own, NOTES):
            with recording(db) as record:
                box = open_for_writing(db, keyring, case.box_id)
                for number in range(first, first + NOTES):
                    write_signed(db, box=box, kind=NOTE.code, keyring=keyring, content=CONTENT, number=number)
                record.by(actor, "pathway:note:signed", subject_id=case.client_id, object_id=case.case_id)
    return _beside_scans(centre, floor, plan, plan.own)


def _asked_of_many(figure: Figure, plan: Plan) -> Figure:
    if plan.own < ASKED_AT:
        return figure | {"target": f"none: 1.6 is asked at {ASKED_AT} own notes"}
    return judged(figure, "ratio", 1.6)


def scan(floor: Notes, cases: int) -> int:
    """Count the notes of the first so many cases in which the words stand."""
    return sum(ABSENT.encode() in text for case in range(cases) for text in floor.open_case(case))
