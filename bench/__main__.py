"""`make bench`: product beside floor in interleaved rounds of one run; medians, ratios, sizes, spread, as JSON on stdout.

Measured at the services, in one process, on SQLite; pages are measured through the WSGI application. What is not measured
here is named in the output, so that no figure is missed silently.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bench.floor import Notes, Slots, argon2
from counsel.access.sign_ins import sign_in
from counsel.app import create_app
from counsel.core.clock import now
from counsel.core.errors import ConflictError
from counsel.core.installation import open_house
from counsel.core.settings import load_settings
from counsel.pathway.appointments.lifecycle import OCCUPYING
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.reception import register_walk_in
from counsel.pathway.sessions.models import CounsellingSession
from counsel.pathway.sessions.services import begin_session, read_note, write_note
from counsel.roster.queries import free_slots
from tests.conftest import Centre
from tests.school import WORDS, found_school
from tests.story import NOTE_CONTENT, in_counselling, open_the_centre

NOT_MEASURED = [
    "P2, P5, P6, P8-P13, P17, P18: their pages do not exist yet",
    "growth beyond the sizes named here; 2 and 8 gunicorn workers; PostgreSQL; peers; the switch with sealing off",
]
TEXT = "x" * 2048


def interleaved(product: Callable[[], object], floor: Callable[[], object], rounds: int) -> dict[str, float]:
    """Return medians in milliseconds and their ratio, product and floor in turn."""
    times: dict[str, list[float]] = {"product": [], "floor": []}
    for _round in range(rounds):
        for name, act in (("product", product), ("floor", floor)):
            start = time.perf_counter()
            act()
            times[name].append((time.perf_counter() - start) * 1000)
    medians = {f"{name}_ms": round(statistics.median(values), 3) for name, values in times.items()}
    spread = max(times["product"]) / max(min(times["product"]), 1e-9)
    return {**medians, "ratio": round(medians["product_ms"] / medians["floor_ms"], 2), "spread": round(spread, 1)}


def login(centre: Centre, rounds: int) -> dict[str, Any]:
    """P1: sign-in against one bare Argon2id; G is 1.3."""
    place = {"login": "lan", "passphrase": WORDS, "address": "127.0.0.1", "device": "computer"}
    return interleaved(lambda: sign_in(centre.db, **place), argon2, rounds) | {"target": 1.3}


def save_note(centre: Centre, folder: Path, rounds: int) -> dict[str, Any]:
    """P4: save a 2 KiB draft, then the next; G is 2.5 of an encrypted insert with a chained line."""
    case, lan, floor = in_counselling(centre), centre.school["lan"], Notes(folder)
    begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50)
    seen = iter(range(rounds + 1))
    content = {**NOTE_CONTENT, "data": TEXT}

    def product() -> None:
        write_note(centre.db, actor=lan, case=case, number=1, content=content, seen_version=next(seen))

    found = interleaved(product, lambda: floor.save(TEXT.encode()), rounds) | {"target": 2.5, "bytes": 2048}
    found["open_one"] = interleaved(lambda: read_note(centre.db, actor=lan, case=case, number=1), floor.open_all, rounds)
    assert centre.db.scalars(select(CounsellingSession)).first() is not None
    return found


def burst(centre: Centre, folder: Path, students: int) -> dict[str, Any]:
    """P7: many at once for few slots; exactly as many booked as there are slots, nobody twice."""
    slots = free_slots(centre.db, (now() + timedelta(days=2)).date())[:10]
    floor, results = Slots(folder), {"product": [0, 0.0], "floor": [0, 0.0]}

    def one(number: int) -> None:
        db = centre.session()
        try:
            register_walk_in(db, actor=centre.school["desk"], student_no="", name=f"x{number}", slot_key=slots[number % 10].key)
            results["product"][0] += 1
        except ConflictError:
            pass
        finally:
            db.close()

    def bare(number: int) -> None:
        results["floor"][0] += floor.book((number % 10) * 10, number)

    for name, act in (("product", one), ("floor", bare)):
        start = time.perf_counter()
        threads = [threading.Thread(target=lambda a=act, n=n: [a(k) for k in range(n, students, 8)]) for n in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        results[name][1] = round(time.perf_counter() - start, 3)
    centre.db.rollback()
    standing = centre.db.scalars(select(Appointment).where(Appointment.state.in_(OCCUPYING))).all()
    return {"students": students, "slots": len(slots), "booked": results["product"][0], "standing": len(standing)} | {
        "product_s": results["product"][1],
        "floor_s": results["floor"][1],
        "target_ratio": 2.5,
    }


def start_up(centre: Centre) -> dict[str, Any]:
    """P14: from create_app to the first answer, in this process."""
    start = time.perf_counter()
    client = create_app(centre.settings).test_client()
    first = client.get("/sign-in").status_code
    took = time.perf_counter() - start
    again = [_timed(lambda: client.get("/sign-in")) for _n in range(50)]
    return {"first_answer_s": round(took, 3), "status": first, "door_page_ms": round(statistics.median(again) * 1000, 2)}


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def memory() -> dict[str, Any]:
    """P15: resident memory of this process after everything above."""
    status = Path("/proc/self/status").read_text().splitlines()
    return {"rss_mib": round(int(next(line for line in status if line.startswith("VmRSS")).split()[1]) / 1024, 1)}


def main() -> None:
    """Run everything and print JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    rounds = 7 if parser.parse_args().quick else 40
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = load_settings(folder / "instance", {})
        school = found_school(settings)
        house, engine, sessions = open_house(settings)
        with sessions() as db:
            centre = Centre(settings, house, db, school, "sqlite")
            open_the_centre(centre)
            figures = {
                "P1_login": login(centre, max(rounds // 4, 5)),
                "P4_save_note": save_note(centre, folder, rounds),
                "P7_burst": burst(centre, folder, 200),
                "P14_start": start_up(centre),
                "P15_memory": memory(),
            }
        engine.dispose()
    figures["machine"] = {"cores": os.cpu_count(), "load": os.getloadavg(), "python": sys.version.split()[0]}
    figures["not_measured"] = NOT_MEASURED
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
