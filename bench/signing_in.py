"""P1: sign in, alone beside one bare Argon2id, eight at once, and among more and more accounts."""

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench.crowd import count_of, crowd_accounts
from bench.floor import argon2
from bench.measure import Act, Figure, Plan, beside_floor, growth, interleaved, judged, say
from bench.stage import COUNSELLOR, copied
from counsel.access.models import Account
from counsel.access.sign_ins import sign_in
from tests.conftest import Centre
from tests.school import STAFF, WORDS

AT_ONCE, TIMES = 8, 3


def enter(centre: Centre, login: str = COUNSELLOR) -> None:
    """Sign in once, in a database session of its own."""
    with centre.session() as db:
        attempt = sign_in(db, login=login, passphrase=WORDS, address="127.0.0.1", device="computer")
    assert attempt.person is not None


def signing_in(centre: Centre, folder: Path, plan: Plan) -> Figure:
    """Measure P1."""
    say("P1 sign in")
    return {
        "alone": judged(beside_floor(plan, lambda: enter(centre), argon2), "ratio", 1.3),
        "eight_at_once": at_once(centre, plan),
        "flat_in_users": flat(centre, folder, plan),
    }


def at_once(centre: Centre, plan: Plan) -> Figure:
    """Let eight people sign in at the same moment; the time is until the last of them is in."""
    people = list(STAFF)[:AT_ONCE]
    rounds = interleaved(
        replace(plan, rounds=TIMES, seconds=0),
        one=lambda: enter(centre),
        eight=lambda: together(lambda login=login: enter(centre, login) for login in people),
        floor=lambda: together(argon2 for _login in people),
    )
    ratios = {"times_one": rounds.ratio("eight", "one"), "times_eight_bare": rounds.ratio("eight", "floor")}
    return judged(rounds.figure() | ratios, "times_one", 5)


def together(acts: Iterable[Callable[[], object]]) -> None:
    """Run all acts in threads that start together, until the last has ended."""
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def flat(centre: Centre, folder: Path, plan: Plan) -> Figure:
    """Sign in among more and more accounts, a tenth of them with a sign-in open; the smaller houses are kept as copies."""
    acts: dict[int, Act] = {}
    with ExitStack() as stack:
        for size in plan.users:
            crowd_accounts(centre, size)
            last = size == max(plan.users)
            house = centre if last else stack.enter_context(copied(centre, folder / f"users-{size}"))
            acts[count_of(centre, Account)] = lambda house=house: enter(house)
        return growth(plan, acts, of="accounts", least=0)
