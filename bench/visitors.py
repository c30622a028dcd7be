"""Visitors of the served product: mixed requests over HTTP, counted by page, with the workers' memory between them."""

import http.client
import re
import statistics
import threading
import time
from collections import Counter, defaultdict
from http.cookies import SimpleCookie
from urllib.parse import urlencode
from uuid import UUID

from bench.crowd import open_sessions
from bench.measure import Figure, Plan, judged, say
from bench.serving import DOOR, Server, memory_of, product
from bench.stage import CONTENT, COUNSELLOR, fresh_token, rest
from tests.conftest import Centre
from tests.school import WORDS

CLIENTS, SIGN_IN_EVERY, DESK, STUDENT = 4, 30, "desk", "B1"
LONG = 10_000  # G speaks of so many requests; fewer still warm the workers up
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
Times = dict[str, list[float]]


class Browser:
    """Cookies of one signed-in person, a connection per request so that every worker gets its share."""

    def __init__(self, port: int, token: str = "") -> None:
        self.port, self.cookies = port, {"sign-in": token} if token else {}

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """Send one request; return status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        connection.request(method, path, urlencode(form) if form else None, headers)
        answer = connection.getresponse()
        for line in answer.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        body = answer.read().decode()
        connection.close()
        return answer.status, body

    def token_of(self, path: str) -> str:
        """Return the form token of a page.

        :raises LookupError: when the answer has none.
        """
        found = TOKEN.search(self.ask("GET", path)[1])
        if found is None:
            raise LookupError(path)
        return found[1]


class Visitor(threading.Thread):
    """Goes round the same pages; every thirtieth request signs somebody in, which takes and returns 64 MiB."""

    def __init__(self, centre: Centre, server: Server, case_id: UUID, number: int) -> None:
        super().__init__()
        self.port, self.case, self.draft = server.port, f"/cases/{case_id}", f"/cases/{case_id}/sessions/{number}"
        self.counsellor, self.desk, self.student = (
            Browser(server.port, fresh_token(centre, login)) for login in (COUNSELLOR, DESK, STUDENT)
        )
        self.todo, self.done, self.version = 0, 0, 0
        self.times: Times = defaultdict(list)
        self.wrong: Counter[str] = Counter()
        self.form_token = ""

    def run(self) -> None:
        """Make the requests."""
        rounds = [
            (self.counsellor, "GET", "/", "first page of a counsellor"),
            (self.counsellor, "GET", "/cases", "caseload"),
            (self.counsellor, "GET", self.case, "case"),
            (self.counsellor, "GET", f"{self.case}/sessions/1", "signed note"),
            (self.counsellor, "POST", self.draft, "autosave"),
            (self.desk, "GET", "/desk", "day sheet"),
            (self.student, "GET", "/", "first page of a student"),
            (self.student, "GET", "/book", "free times"),
            (Browser(self.port), "GET", DOOR, "door"),
        ]
        while self.todo > 0:
            browser, method, path, name = rounds[self.done % len(rounds)]
            if self.done % SIGN_IN_EVERY == SIGN_IN_EVERY - 1:
                browser, method, path, name = Browser(self.port), "POST", DOOR, "sign in"
            self._one(browser, method, path, name)
            self.done, self.todo = self.done + 1, self.todo - 1

    def _one(self, browser: Browser, method: str, path: str, name: str) -> None:
        start = time.perf_counter()
        try:
            form = self._form(browser, name) if method == "POST" else None
            start = time.perf_counter()
            status, _body = browser.ask(method, path, form)
        except (OSError, http.client.HTTPException, LookupError):
            status = 0
        self.times[name].append((time.perf_counter() - start) * 1000)
        if status not in (200, 303):
            self.wrong[f"{name} {status}"] += 1
        if name == "autosave" and status == 200:
            self.version += 1

    def _form(self, browser: Browser, name: str) -> dict[str, str]:
        if name == "sign in":
            return {"login": COUNSELLOR, "passphrase": WORDS, "csrf_token": browser.token_of(DOOR)}
        self.form_token = self.form_token or browser.token_of(self.draft)
        return CONTENT | {"csrf_token": self.form_token, "version": str(self.version), "do": "autosave"}


def memory_under_requests(centre: Centre, case_id: UUID, plan: Plan) -> Figure:
    """P15: memory of the largest worker after the mixed requests, and its growth over their second half."""
    say(f"P15 {plan.requests} mixed requests")
    numbers = open_sessions(centre, case_id, CLIENTS * 2)
    rest(centre)
    with product(centre) as server:
        fresh = memory_of(server)
        first = _half(centre, server, case_id, numbers[:CLIENTS], plan.requests // 2)
        half = memory_of(server)
        second = _half(centre, server, case_id, numbers[CLIENTS:], plan.requests - plan.requests // 2)
        whole = memory_of(server)
    growth = {f"{name}_growth_mib": round(whole[name] - half[name], 1) for name in ("pss", "private")}
    wrong = sum((visitor.wrong for visitor in first + second), Counter())
    return {
        "requests": plan.requests,
        "comparable": plan.requests >= LONG,
        "fresh_mib": fresh,
        "half_way_mib": half,
        "pss": judged({"mib": whole["pss"]}, "mib", 45),
        "private": judged({"mib": whole["private"]}, "mib", 30),
        "growth": judged(growth, "private_growth_mib", 1),
        "wrong_answers": judged({"count": wrong.total(), "kinds": dict(wrong)}, "count", 0),
        "p50_ms_with_4_clients": _medians(first + second),
    }


def _half(centre: Centre, server: Server, case_id: UUID, numbers: list[int], requests: int) -> list[Visitor]:
    visitors = [Visitor(centre, server, case_id, number) for number in numbers]
    rest(centre)
    for place, visitor in enumerate(visitors):
        visitor.todo = requests // CLIENTS + (place < requests % CLIENTS)
        visitor.start()
    for visitor in visitors:
        visitor.join()
    return visitors


def _medians(visitors: list[Visitor]) -> dict[str, float]:
    times: Times = defaultdict(list)
    for visitor in visitors:
        for name, values in visitor.times.items():
            times[name] += values
    return {name: round(statistics.median(values), 1) for name, values in times.items()}
