"""P4: save a note's draft beside the floor, commits counted, at the service and through the page; eight writers at once."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from bench.crowd import open_sessions
from bench.floor import Notes
from bench.measure import Figure, Plan, beside_floor, commits, counted, in_processes, judged, say
from bench.opening import ASYMMETRIC, KEY_REBUILDS, text_of
from bench.pages import client_of
from bench.stage import CONTENT, COUNSELLOR, TEXT_BYTES, fresh_token, rest, sessions_of
from counsel.app import create_app
from counsel.confidentiality.rules import Permission
from counsel.core.errors import BusyError
from counsel.pathway.cases.services import find_case
from counsel.pathway.sessions.services import write_note
from tests.conftest import Centre

WRITERS, AS_SENT = 8, "multipart/form-data"  # as the page's script sends it
TEXT = text_of(CONTENT).encode()


class Draft:
    """A note that is being written: each save is a request of its own and sees the version before."""

    def __init__(self, centre: Centre, case_id: UUID, number: int, sessions: Callable[[], Session] | None = None) -> None:
        self.centre, self.case_id, self.number, self.seen = centre, case_id, number, 0
        self.sessions = sessions or centre.session

    def save(self) -> None:
        """Save it once with the service."""
        with self.sessions() as db:
            actor = self.centre.school[COUNSELLOR]
            case = find_case(db, actor=actor, case_id=self.case_id, permission=Permission.NOTE_WRITE)
            place = {"number": self.number, "content": CONTENT, "seen_version": self.seen}
            write_note(db, actor=actor, case=case, **place)
        self.seen += 1

    def post(self, client: FlaskClient) -> None:
        """Save it once through its page."""
        place = f"/cases/{self.case_id}/sessions/{self.number}"
        answer = client.post(place, data=CONTENT | {"version": str(self.seen), "do": "autosave"}, content_type=AS_SENT)
        assert answer.status_code == 200, answer.status_code
        self.seen += 1


def new_draft(centre: Centre, case_id: UUID) -> Draft:
    """Return a draft that has been saved once."""
    draft = Draft(centre, case_id, open_sessions(centre, case_id, 1)[0])
    draft.save()
    return draft


def save_figures(centre: Centre, case_id: UUID, floor: Notes, plan: Plan) -> Figure:
    """P4 at the house's present size."""
    draft = new_draft(centre, case_id)
    service = _saving(draft.save, lambda: floor.save(TEXT), plan)
    ours, bare = _signed_in(centre), client_of(floor, {})
    form = {name: part for name, part in CONTENT.items() if name != "format"}
    page = _saving(lambda: draft.post(ours), lambda: bare.post("/save", data=form, content_type=AS_SENT), plan)
    return {"service": service, "page": page}


def _saving(product: Callable[[], object], floor: Callable[[], object], plan: Plan) -> Figure:
    with counted(*ASYMMETRIC, *KEY_REBUILDS) as calls, commits() as made:
        product()
    durable = judged({"total": sum(made.values()), "of_which": dict(made)}, "total", 1)
    figure = judged(beside_floor(plan, product, floor), "ratio", 2.5)
    return figure | {"bytes": TEXT_BYTES, "asymmetric": dict(calls), "commits": durable}


def _signed_in(centre: Centre) -> FlaskClient:
    app = create_app(centre.settings)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.set_cookie("sign-in", fresh_token(centre, COUNSELLOR))
    return client


def writers_at_once(centre: Centre, case_id: UUID, folder: Path, plan: Plan) -> Figure:
    """Eight processes save drafts as fast as they can, beside eight that write to the floor; the worst wait counts."""
    say("P4 eight writers")
    numbers, seconds = open_sessions(centre, case_id, WRITERS), max(2.0, plan.seconds)
    rest(centre)
    product = in_processes(
        WRITERS,
        lambda n: Draft(centre, case_id, numbers[n], sessions_of(centre)).save,
        lambda _n, save: waits(save, seconds),
    )
    bare = in_processes(WRITERS, lambda _n: Notes(folder), lambda _n, floor: waits(lambda: floor.save(TEXT), seconds))
    figure = _worst([run.result for run in product]) | {"floor": _worst([run.result for run in bare])}
    errors = judged({"errors": figure.pop("errors")}, "errors", 0)
    return judged(figure, "worst_ms", 300) | {"busy_errors": errors}


def waits(act: Callable[[], object], seconds: float) -> tuple[list[float], int]:
    """Repeat `act` for some seconds; return how long each took in ms and how many found the database busy."""
    times, errors, end = [], 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        try:
            act()
        except (BusyError, sqlite3.OperationalError):
            errors += 1
        times.append((time.perf_counter() - start) * 1000)
    return times, errors


def _worst(results: list[tuple[list[float], int]]) -> Figure:
    times = sorted(ms for found, _errors in results for ms in found)
    counts = [len(found) for found, _errors in results]
    figure = {"saves": len(times), "fewest_and_most_of_a_writer": [min(counts), max(counts)]}
    figure |= {"p50_ms": round(times[len(times) // 2], 2), "worst_ms": round(times[-1], 1)}
    return figure | {"errors": sum(errors for _found, errors in results)}
