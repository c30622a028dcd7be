"""P7: two hundred students at once for twenty slots, on SQLite and PostgreSQL, with two workers and with eight."""

import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from bench.floor import PgSlots, Slots
from bench.measure import Figure, Plan, Run, in_processes, judged, ratio, say, wall
from bench.postgres import cluster, make_database, tools
from bench.stage import rest, sessions_of, staged
from counsel.access.sign_ins import SignedIn
from counsel.core.clock import now
from counsel.core.errors import ConflictError
from counsel.core.ids import new_id
from counsel.crypto.derive import new_key
from counsel.keys.bundle import new_keyring
from counsel.pathway.appointments.lifecycle import OCCUPYING
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.requests import Wish, request_appointment
from counsel.roster.queries import Slot, free_slots
from tests.conftest import Centre
from tests.story import CALM, REASON

STUDENTS, SLOTS, WORKERS = 200, 20, (2, 8)
Booker = Callable[[int], bool]
MakeBooker = Callable[[], Booker]


def bookings(centre: Centre, folder: Path, plan: Plan) -> Figure:
    """Measure P7 on SQLite, and on PostgreSQL when it is installed."""
    floor = folder / "slots.sqlite"
    Slots(floor).db.close()
    return {
        "sqlite": _on_database(centre, plan, lambda: Slots(floor).book),
        "postgresql": _on_postgres(folder / "pg-instance", plan),
    }


def _on_postgres(folder: Path, plan: Plan) -> Figure:
    found = tools()
    if found is None:
        return {"not_measured": "PostgreSQL is not installed"}
    with cluster(found) as address:
        for name in ("school", "floor"):
            make_database(address, name)
        bare = address("floor", "postgresql")
        first = PgSlots(bare)
        first.prepare()
        first.db.close()
        with staged(folder, {"COUNSEL_DATABASE_URL": address("school", "postgresql+psycopg")}) as centre:
            return _on_database(centre, plan, lambda: PgSlots(bare).book)


def _on_database(centre: Centre, plan: Plan, floor: MakeBooker) -> Figure:
    """Bursts with each number of workers, product and floor in turn; every burst has days and students of its own."""
    figures, day = {}, 2
    for workers in WORKERS:
        found = []
        for _round in range(plan.bursts):
            say(f"P7 burst on {centre.backend}, {workers} workers")
            found.append(_burst(centre, workers, day, floor))
            day += 2
        figures[f"{workers}_workers"] = _summary(found)
    return figures


def _burst(centre: Centre, workers: int, day: int, floor: MakeBooker) -> Figure:
    slots = _free(centre, day)
    people = [_student(centre) for _n in range(STUDENTS)]
    rest(centre)
    product = in_processes(workers, lambda _n: _product(centre, people, slots), lambda n, book: _share(book, n, workers))
    first = day * SLOTS
    bare = in_processes(workers, lambda _n: _floor(floor(), first), lambda n, book: _share(book, n, workers))
    answers, standing = _answers(product), _standing(centre, slots)
    return {
        "booked": answers["booked"],
        "refused": answers["refused"],
        "failed": {name: count for name, count in answers.items() if name not in ("booked", "refused")},
        "standing": sum(standing),
        "doubles": sum(count - 1 for count in standing),
        "product_s": wall(product),
        "floor_s": wall(bare),
        "floor_booked": _answers(bare)["booked"],
    }


def _free(centre: Centre, day: int) -> list[Slot]:
    """Return twenty free times, ten on each of two days."""
    days = [(now() + timedelta(days=day + n)).date() for n in range(2)]
    slots = [slot for found in days for slot in free_slots(centre.db, found)[: SLOTS // 2]]
    assert len(slots) == SLOTS
    return slots


def _student(centre: Centre) -> SignedIn:
    """Return a signed-in student with new keys, as an activation would make them."""
    client_id = new_id()
    card = {"name": "冉一禾", "student_no": "B", "birth_date": "2010-01-01", "class_name": "高二1班"}
    keyring = new_keyring(client_id, link=new_key(), student_id=new_id(), card=card)
    return replace(centre.school["S2024001"], holder_id=client_id, account_id=new_id(), keyring=keyring, token="")


def _product(centre: Centre, people: list[SignedIn], slots: list[Slot]) -> Booker:
    sessions = sessions_of(centre)

    def book(number: int) -> bool:
        """Ask for a slot, as a request of its own."""
        wish = Wish(slot=slots[number % SLOTS].key, answers=CALM, reason=REASON, notice_version=1)
        with sessions() as db:
            try:
                request_appointment(db, actor=people[number], wish=wish)
            except ConflictError:
                return False
        return True

    return book


def _floor(book: Callable[[int, int], bool], first: int) -> Booker:
    return lambda number: book(first + number % SLOTS, first * STUDENTS + number)


def _share(book: Booker, worker: int, workers: int) -> Counter[str]:
    """Book for one worker's share of the students; count the answers, errors by their names."""
    answers: Counter[str] = Counter()
    for number in range(worker, STUDENTS, workers):
        try:
            answers["booked" if book(number) else "refused"] += 1
        except Exception as error:  # every kind of failure is a finding
            answers[type(error).__name__] += 1
    return answers


def _answers(runs: list[Run]) -> Counter[str]:
    return sum((run.result for run in runs), Counter())


def _standing(centre: Centre, slots: list[Slot]) -> list[int]:
    """Return how many appointments stand on each of the slots that have any."""
    place = (Appointment.counsellor_id, Appointment.starts_at)
    query = select(*place, func.count()).where(Appointment.state.in_(OCCUPYING)).group_by(*place)
    wanted = {(slot.holder_id, slot.starts_at) for slot in slots}
    with centre.session() as db:
        return [count for holder, at, count in db.execute(query) if (holder, at) in wanted]


def _summary(found: list[dict[str, Any]]) -> Figure:
    """Judge all bursts together: right only when every one of them was."""
    wrong = [burst for burst in found if not (burst["booked"] == burst["standing"] == SLOTS and not burst["doubles"])]
    failed = sum(sum(burst["failed"].values()) for burst in found)
    times = {side: [round(burst[f"{side}_s"], 3) for burst in found] for side in ("product", "floor")}
    medians = {f"{side}_s": round(statistics.median(values), 3) for side, values in times.items()}
    figure = medians | {"ratio": ratio(medians["product_s"], medians["floor_s"]), "each_s": times}
    return judged(figure, "ratio", 2.5) | {
        "bursts": len(found),
        "booked": [burst["booked"] for burst in found],
        "doubles": [burst["doubles"] for burst in found],
        "exact": judged({"wrong_bursts": len(wrong)}, "wrong_bursts", 0),
        "answered": judged({"failed": failed, "kinds": dict(_kinds(found))}, "failed", 0),
    }


def _kinds(found: list[dict[str, Any]]) -> Counter[str]:
    return sum((Counter(burst["failed"]) for burst in found), Counter())
