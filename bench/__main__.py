"""`make bench`: product beside floor in interleaved rounds of one run; one JSON object on stdout, progress on stderr.

Every figure says its G target and whether it is reached; what is not measured is named, so that no figure is missed
silently. Nothing here asserts a time.
"""

import argparse
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from bench.archive import archive
from bench.booking import bookings
from bench.finding import finding
from bench.measure import FULL, QUICK, Figure, Plan, missed
from bench.notes import notes
from bench.sealing import sealing
from bench.security import cost_of_security
from bench.serving import cold_starts, start_when_full
from bench.signing_in import signing_in
from bench.stage import staged
from bench.visitors import memory_under_requests

NOT_MEASURED = {
    "P1": "growth with the user's own cases; sign-in over HTTP",
    "P2, P6": "peers",
    "P3, P4": "10^7 audit lines, PostgreSQL",
    "P5": "the page over HTTP; PostgreSQL",
    "P9, P10": "beside age; 4 GiB; the whole file over HTTP",
    "P8, P11, P12, P13, P17": "nothing of them",
    "P18": "destroying, backup and restore; requests meanwhile",
    "P7": "over HTTP: both sides are called in the worker processes; 10^3..10^6 past bookings; a hundred bursts",
    "P14": "10^6 rows",
    "P15": "fewer requests than 10^4 (quick) only warm the workers up",
    "peers": "measured elsewhere, on the same machine",
}


def measure(plan: Plan, folder: Path) -> Figure:
    """Run everything of a plan in a folder."""
    figures: Figure = {}
    with staged(folder / "instance") as centre:
        figures["P14_cold_start"] = small = cold_starts(centre, folder, plan)
        figures["P1_sign_in"] = signing_in(centre, folder, plan)
        figures |= notes(centre, folder, plan)
        case_id = figures.pop("case_id")
        figures |= archive(centre, folder, plan)
        figures |= sealing(centre, folder, plan)
        figures |= finding(centre, folder, plan)
        small["flat_in_database"] = start_when_full(centre, small, plan)
        figures["P15_memory"] = memory_under_requests(centre, case_id, plan)
        figures["P7_burst"] = bookings(centre, folder, plan)
    figures["cost_of_security"] = cost_of_security(folder, plan)
    return figures


def machine() -> Figure:
    """Return what the figures depend on besides the code."""
    versions = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    return {"cores": os.cpu_count(), **versions}


def load() -> list[float]:
    """Return the load averages of 1, 5 and 15 minutes."""
    return [round(number, 2) for number in os.getloadavg()]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under two minutes: fewer rounds, smaller sizes")
    plan = QUICK if parser.parse_args().quick else FULL
    start, before = time.monotonic(), load()
    with tempfile.TemporaryDirectory(prefix="counsel-bench-") as name:
        figures = measure(plan, Path(name))
    report = {
        "plan": plan.name,
        "machine": machine() | {"load_before": before, "load_after": load()},
        "took_s": round(time.monotonic() - start, 1),
        **dict(sorted(figures.items())),
        "not_reached": missed(figures),
        "not_measured": NOT_MEASURED,
    }
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
