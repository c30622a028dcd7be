"""How things are measured: interleaved rounds, growth, judged figures, counted calls and commits, forked writers."""

import gc
import multiprocessing
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection

Act = Callable[[], object]
Figure = dict[str, Any]
FLAT = 1.25


@dataclass(frozen=True)
class Plan:
    """How long and how large.

    :param seconds: how long each side works in each round.
    :param users: numbers of account rows at which P1 is measured; `notes`: numbers of notes for P3 and P4.
    :param own: number of one counsellor's own notes that P6 looks through.
    :param requests: mixed requests of P15; `starts`: cold starts of each side of P14.
    """

    name: str
    rounds: int
    seconds: float
    users: tuple[int, ...]
    notes: tuple[int, ...]
    own: int
    bursts: int
    requests: int
    starts: int


QUICK = Plan("quick", 5, 0.1, (100, 10_000), (1_000, 10_000), 1_000, 1, 300, 2)
FULL = Plan("full", 3, 4.0, (100, 100_000), (10_000, 1_000_000), 10_000, 5, 10_000, 5)


def say(words: str) -> None:
    """Tell on stderr what is measured now."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {words}\n")
    sys.stderr.flush()


@dataclass(frozen=True)
class Side:
    """One of several things measured in turn.

    :param around: entered for each of its rounds, outside the measured time.
    :param share: of the plan's seconds; a floor's act is short and needs fewer.
    """

    act: Act
    around: Callable[[], AbstractContextManager[object]] = nullcontext
    share: float = 1.0


@dataclass(frozen=True)
class Rounds:
    """The medians of each side's rounds in ms, in the order in which they were measured."""

    ms: dict[str, list[float]]

    def medians(self) -> dict[str, float]:
        """Return of each side the median of its rounds."""
        return {name: round(statistics.median(values), 3) for name, values in self.ms.items()}

    def figure(self) -> Figure:
        """Return the medians with their unit, and the lowest and highest of each side's rounds."""
        figure: Figure = {f"{name}_ms": value for name, value in self.medians().items()}
        spread = {name: [round(min(values), 3), round(max(values), 3)] for name, values in self.ms.items()}
        return figure | {"spread_ms": spread}

    def ratio(self, left: str, right: str) -> float:
        """Return the median of the ratios within each round: a busy machine slows both sides of one round."""
        return round(statistics.median(one / other for one, other in zip(self.ms[left], self.ms[right], strict=True)), 3)


def interleaved(plan: Plan, **sides: Side | Act) -> Rounds:
    """Measure the sides in turn, round by round; what the bench itself keeps is out of the collector's way, as in a worker."""
    gc.collect()
    gc.freeze()
    ms: dict[str, list[float]] = {name: [] for name in sides}
    for _round in range(plan.rounds):
        for name, side in sides.items():
            whole = side if isinstance(side, Side) else Side(side)
            with whole.around():
                ms[name].append(round_ms(whole.act, plan.seconds * whole.share))
    return Rounds(ms)


def round_ms(act: Act, seconds: float) -> float:
    """Return the median duration of `act` in ms, repeated for some seconds, at least once."""
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        times.append(timed(act) * 1000)
    return statistics.median(times)


def timed(act: Act) -> float:
    """Return how many seconds `act` took."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def beside_floor(plan: Plan, product: Act, floor: Act) -> Figure:
    """Measure product and floor in turn, with their ratio."""
    rounds = interleaved(plan, product=product, floor=Side(floor, share=0.25))
    return rounds.figure() | {"ratio": rounds.ratio("product", "floor")}


def ratio(left: float, right: float) -> float:
    """Return left / right in three figures."""
    return round(left / max(right, 1e-9), 3)


def judged(figure: Figure, key: str, limit: float) -> Figure:
    """Add the G target of one number of a figure and whether it is reached; at most `limit` is good."""
    figure["target"] = f"{key} <= {limit:g}"
    figure["reached"] = bool(figure[key] <= limit)
    return figure


def growth(plan: Plan, acts: Mapping[int, Act], *, of: str, least: int = 10_000) -> Figure:
    """Judge flatness: the same act in houses of several sizes, in turn; the largest beside the smallest from `least` on."""
    sizes = sorted(acts)
    smallest = next((size for size in sizes[:-1] if size >= least), sizes[0])
    rounds = interleaved(plan, **{str(size): acts[size] for size in sizes})
    figure: Figure = {"of": of, "ms_by_size": rounds.medians(), "from": smallest, "to": sizes[-1]}
    figure["growth"] = rounds.ratio(str(sizes[-1]), str(smallest))
    return judged(figure, "growth", FLAT)


def missed(figures: object, path: str = "") -> list[str]:
    """Return the paths of all figures that do not reach their target."""
    if not isinstance(figures, dict):
        return []
    own = [f"{path}: {figures['target']}"] if figures.get("reached") is False else []
    return own + [line for name, inner in figures.items() for line in missed(inner, f"{path}.{name}".lstrip("."))]


@contextmanager
def replaced(swaps: Mapping[Callable[..., Any], Callable[..., Any]]) -> Iterator[None]:
    """Put other functions in the place of the product's, wherever its modules imported them by name."""
    found = [
        (module, name, value)
        for title, module in list(sys.modules.items())
        if title.partition(".")[0] == "counsel"
        for name, value in list(vars(module).items())
        if callable(value) and any(value is old for old in swaps)
    ]
    for module, name, value in found:
        setattr(module, name, swaps[value])
    try:
        yield
    finally:
        for module, name, value in found:
            setattr(module, name, value)


@contextmanager
def counted(*functions: Callable[..., Any]) -> Iterator[Counter[str]]:
    """Count calls of the product's functions inside the block, by module and name."""
    counts: Counter[str] = Counter()

    def counting(function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with a counter before it."""
        name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"

        def call(*arguments: Any, **named: Any) -> Any:
            """Count, then call."""
            counts[name] += 1
            return function(*arguments, **named)

        return call

    with replaced({function: counting(function) for function in functions}):
        yield counts


@contextmanager
def commits() -> Iterator[Counter[str]]:
    """Count the commits of every database inside the block, by the database's name."""
    counts: Counter[str] = Counter()

    def note(connection: Connection) -> None:
        """Count one commit."""
        counts[str(connection.engine.url.database).rpartition("/")[2]] += 1

    event.listen(Engine, "commit", note)
    try:
        yield counts
    finally:
        event.remove(Engine, "commit", note)


@dataclass(frozen=True)
class Run:
    """What one forked process brought home; moments of the clock that all processes share."""

    start: float
    end: float
    result: Any


def in_processes(count: int, prepare: Callable[[int], Any], work: Callable[[int, Any], Any]) -> list[Run]:
    """Fork processes that prepare, start at once and work; return what each brought home.

    The caller has closed its database connections: none may be carried across a fork.
    """
    context = multiprocessing.get_context("fork")
    barrier, pipes = context.Barrier(count), [context.Pipe(duplex=False) for _n in range(count)]

    def child(number: int) -> None:
        """Prepare, wait for the others, work, and send the result home."""
        state = prepare(number)
        barrier.wait(60)
        start = time.perf_counter()
        result = work(number, state)
        pipes[number][1].send(Run(start, time.perf_counter(), result))

    processes = [context.Process(target=child, args=(number,), daemon=True) for number in range(count)]
    for process in processes:
        process.start()
    for _receive, send in pipes:
        send.close()
    runs = [receive.recv() for receive, _send in pipes]
    for process in processes:
        process.join(30)
    return runs


def wall(runs: list[Run]) -> float:
    """Return the seconds from the first start to the last end."""
    return max(run.end for run in runs) - min(run.start for run in runs)
