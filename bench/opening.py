"""P3: open a case with a hundred notes; time beside the floor, asymmetric operations counted."""

from collections.abc import Callable
from uuid import UUID

from bench.floor import BareCipher, Notes
from bench.measure import Figure, Plan, beside_floor, commits, counted, judged
from bench.pages import client_of
from bench.stage import CONTENT, COUNSELLOR, NOTES
from counsel.audit.chain import recording
from counsel.confidentiality.rules import Permission
from counsel.crypto import hybrid, signatures
from counsel.pathway.cases.services import cover_of, find_case
from counsel.pathway.sessions.services import read_notes
from tests.conftest import Centre

FLOOR_CASE = 3
ASYMMETRIC = (hybrid.unwrap, hybrid.wrap, signatures.sign, signatures.verifies)
KEY_REBUILDS = (hybrid.public_of,)
Opening = Callable[[Centre, UUID], list[str]]


def all_notes(centre: Centre, case_id: UUID) -> list[str]:
    """Open a case and its notes with the service behind the page that shows them all."""
    with centre.session() as db:
        actor = centre.school[COUNSELLOR]
        case = find_case(db, actor=actor, case_id=case_id, permission=Permission.NOTE_READ)
        with recording(db):
            cover_of(db, actor=actor, case=case)
            return [text_of(texts[0]) for session, texts in read_notes(db, actor=actor, case=case) if session.number <= NOTES]


def text_of(content: object) -> str:
    """Return the words of a note."""
    return "".join(content[name] for name in CONTENT if name != "format")  # type: ignore[index]


def open_case_figures(centre: Centre, case_id: UUID, floor: Notes, plan: Plan) -> Figure:
    """P3 at the house's present size; beside it, without a target, the page over the barest cipher there is."""
    barest = Notes(floor.path.parent, BareCipher())
    barest.fill((FLOOR_CASE + 1) * NOTES, text_of(CONTENT).encode())
    page = _as_page(all_notes, centre, case_id, barest, plan) | {"target": "none: another format than the design's"}
    return _opening(all_notes, centre, case_id, floor, plan) | {"page_beside_bare_cipher": page}


def _opening(act: Opening, centre: Centre, case_id: UUID, floor: Notes, plan: Plan) -> Figure:
    """The first opening of a grant is asymmetric by design; the second, which is counted, uses the own wrap it left."""
    assert act(centre, case_id) == [text_of(CONTENT)] * NOTES
    with counted(*ASYMMETRIC, *KEY_REBUILDS) as calls, commits() as made:
        act(centre, case_id)
    rebuilt = calls.pop("hybrid.public_of", 0)
    operations = {"total": sum(calls.values()), "of_which": dict(calls), "keys_rebuilt_besides": rebuilt}
    bare = beside_floor(plan, lambda: act(centre, case_id), lambda: floor.open_case(FLOOR_CASE))
    bare |= {"target": "none: G is set for the page"}
    page = judged(_as_page(act, centre, case_id, floor, plan), "ratio", 2.5)
    return {"page": page, "bare": bare, "asymmetric": judged(operations, "total", 1), "commits": dict(made)}


def _as_page(act: Opening, centre: Centre, case_id: UUID, floor: Notes, plan: Plan) -> Figure:
    """Show the notes of both sides with the same template, in process."""
    sides = {
        "product": lambda: act(centre, case_id),
        "floor": lambda: [text.decode() for text in floor.open_case(FLOOR_CASE)],
    }
    client = client_of(floor, sides)
    figure = beside_floor(plan, lambda: client.get("/open/product"), lambda: client.get("/open/floor"))
    return figure | {"page_bytes": len(client.get("/open/product").data)}
