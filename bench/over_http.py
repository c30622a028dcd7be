"""P9 and P10 over HTTP: a recording sent part by part and heard from anywhere, beside a bare handler of the same server."""

import http.client
import os
import statistics
import time
from pathlib import Path
from random import Random
from typing import Any

from bench.measure import Figure, Plan, judged, ratio, say
from bench.serving import floor, memory_of, product
from bench.stage import COUNSELLOR, fresh_token, rest
from bench.visitors import Browser
from counsel.pathway.material.services import begin
from counsel.records.material import length_of_part, parts_of
from tests.conftest import Centre

MIB, SEEK = 1024 * 1024, 64 * 1024
HEAD = b"RIFF\x24\x08\x00\x00WAVEfmt "


def recordings_over_http(centre: Centre, folder: Path, plan: Plan, consent: tuple[Any, Any]) -> Figure:
    """Measure sending and seeking through the real server, the bare handler right after it."""
    say("P9, P10 over HTTP")
    mib, seeks = (1024, 300) if plan.name == "full" else (64, 60)
    case, item = consent
    place = {"kind": "audio", "title": "x", "size": mib * MIB, "consent_id": item.item_id}
    material = begin(centre.db, actor=centre.school[COUNSELLOR], case=case, **place).material_id
    token, case_id = fresh_token(centre, COUNSELLOR), case.case_id
    rest(centre)
    with product(centre) as server:
        browser = Browser(server.port, token)
        csrf = browser.token_of(f"/cases/{case_id}/recordings")
        before = memory_of(server)["private"]
        sent = _send(browser, f"/material/{material}/parts", csrf, mib * MIB)
        grown = round(memory_of(server)["private"] - before, 1)
        status, _body = browser.ask("POST", f"/material/{material}/done", {"csrf_token": csrf})
        assert status == 200, status
        heard = _seek(browser, f"/recordings/{material}/play", mib * MIB, seeks)
    with floor(folder) as bare:
        plain = _send(Browser(bare.port), "/discard", "", mib * MIB)
        hello = _hello(bare.port, seeks)
    upload: Figure = {"mib": mib, "sent_s": round(sent, 2), "discarded_s": round(plain, 2), "ratio": ratio(sent, plain)}
    seek: Figure = {"p50_ms": _at(heard, 50), "p99_ms": _at(heard, 99), "hello_p50_ms": _at(hello, 50)}
    seek["ratio"] = ratio(seek["p50_ms"], seek["hello_p50_ms"])
    return {
        "P9_over_http": judged(upload, "ratio", 1.5) | {"memory": judged({"grown_mib": grown}, "grown_mib", 16)},
        "P10_seek_over_http": judged(seek, "ratio", 2.5) | {"tail": judged({"p99_ms": seek["p99_ms"]}, "p99_ms", 6)},
    }


def _send(browser: Browser, path: str, csrf: str, size: int) -> float:
    """Send all parts one after the other; return the seconds."""
    block, start = os.urandom(MIB), time.perf_counter()
    for number in range(parts_of(size)):
        length = length_of_part(size, number)
        body = (HEAD + block[len(HEAD) :] if number == 0 else block) * (length // MIB) + block[: length % MIB]
        assert _one(browser, "POST", f"{path}?number={number}", {"X-CSRFToken": csrf}, body)[0] == 200
    return time.perf_counter() - start


def _seek(browser: Browser, path: str, size: int, times: int) -> list[float]:
    dice, found = Random(7), []
    for _time in range(times):
        start = dice.randrange(0, size - SEEK)
        wanted = {"Range": f"bytes={start}-{start + SEEK - 1}"}
        before = time.perf_counter()
        status, length = _one(browser, "GET", path, wanted)
        found.append((time.perf_counter() - before) * 1000)
        assert (status, length) == (206, SEEK), (status, length)
    return found


def _hello(port: int, times: int) -> list[float]:
    browser, found = Browser(port), []
    browser.ask("GET", "/sign-in")
    for _time in range(times):
        before = time.perf_counter()
        assert _one(browser, "GET", "/hello", {}) == (200, len("hello"))
        found.append((time.perf_counter() - before) * 1000)
    return found


def _one(browser: Browser, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, int]:
    """Send one request with the browser's cookies; return status and length of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=120)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    connection.request(method, path, body, {**headers, "Cookie": cookies})
    answer = connection.getresponse()
    length = len(answer.read())
    connection.close()
    return answer.status, length


def _at(values: list[float], percent: int) -> float:
    return round(statistics.quantiles(values, n=100)[percent - 1], 2)
