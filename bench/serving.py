"""P14 and P15: the real server from its command line; seconds to its first answer, memory of its workers under requests."""

import contextlib
import http.client
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import FLAT, Figure, Plan, judged, ratio, say
from bench.stage import rest
from tests.conftest import Centre

WORKERS, MIB, PATIENCE_S = 2, 1024, 60
DOOR = "/sign-in"


@dataclass(frozen=True)
class Server:
    """A server that has given its first answer."""

    pid: int
    port: int
    seconds: float

    def workers(self) -> list[int]:
        """Return the ids of its worker processes."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(command: list[str], environ: Mapping[str, str], port: int, path: str) -> Iterator[Server]:
    """Start a server, wait for its first 200, and stop it and its workers afterwards."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environ}, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(process, port, path)
        yield Server(process.pid, port, time.perf_counter() - start)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a server to end, and after a second end it and its workers: nothing stays running."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)


def wait_for(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    """Ask until the answer is 200.

    :raises RuntimeError: when the server ends or takes more than a minute.
    """
    deadline = time.perf_counter() + PATIENCE_S
    while time.perf_counter() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if get(port, path) == 200:
                return
        time.sleep(0.005)
    raise RuntimeError(f"no answer on {path}")


def get(port: int, path: str) -> int:
    """Return the status of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


@contextmanager
def product(centre: Centre) -> Iterator[Server]:
    """Serve the centre with `counsel serve`."""
    port, script = free_port(), Path(sys.executable).parent / "counsel"
    command = [str(script), "serve", "--workers", str(WORKERS), "--port", str(port)]
    with served(command, {"COUNSEL_INSTANCE": str(centre.settings.instance)}, port, DOOR) as server:
        yield server


@contextmanager
def floor(folder: Path) -> Iterator[Server]:
    """Serve the bare application with the same kind and number of workers."""
    port = free_port()
    options = ["--preload", "--no-control-socket", "--log-level", "warning", "-k", "gthread", "--threads", "2"]
    command = [sys.executable, "-m", "gunicorn", *options, "-w", str(WORKERS), "-b", f"127.0.0.1:{port}"]
    environ = {"FLOOR_DATABASE": str(folder / "floor-app.sqlite")}
    with served([*command, "bench.floor_app:make_app()"], environ, port, "/") as server:
        yield server


def cold_starts(centre: Centre, folder: Path, plan: Plan) -> Figure:
    """P14: seconds from the command to the first 200, product and floor in turn."""
    say("P14 cold start")
    rest(centre)
    size = (centre.settings.instance / "counsel.sqlite").stat().st_size
    seconds: dict[str, list[float]] = {"product": [], "floor": []}
    with floor(folder):
        pass  # makes the floor's table, and brings the files into memory
    for _start in range(plan.starts):
        with product(centre) as server:
            seconds["product"].append(server.seconds)
        with floor(folder) as server:
            seconds["floor"].append(server.seconds)
    figure: Figure = {f"{name}_s": round(statistics.median(values), 3) for name, values in seconds.items()}
    figure["spread_s"] = {name: [round(min(values), 3), round(max(values), 3)] for name, values in seconds.items()}
    figure |= {"ratio": ratio(figure["product_s"], figure["floor_s"]), "database_bytes": size}
    return judged(figure, "ratio", 2)


def start_when_full(centre: Centre, small: Figure, plan: Plan) -> Figure:
    """P14 again with the house at its largest: the start must not depend on the size of the database."""
    say("P14 cold start of the filled house")
    rest(centre)
    seconds = []
    for _start in range(plan.starts - 1):
        with product(centre) as server:
            seconds.append(server.seconds)
    figure: Figure = {"product_s": round(statistics.median(seconds), 3), "small_s": small["product_s"]}
    figure |= {"database_bytes": (centre.settings.instance / "counsel.sqlite").stat().st_size}
    figure["growth"] = ratio(figure["product_s"], figure["small_s"])
    return judged(figure, "growth", FLAT)


def memory_of(server: Server) -> Figure:
    """Return proportional and private MiB of the largest worker."""
    found = [_rollup(pid) for pid in server.workers()]
    return {name: round(max(worker[name] for worker in found) / MIB, 1) for name in ("pss", "private")}


def _rollup(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return {"pss": kib["Pss"], "private": kib["Private_Clean"] + kib["Private_Dirty"]}
