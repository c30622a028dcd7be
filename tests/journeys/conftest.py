"""A demonstration served by the product's own server on a free port, and people with browsers."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.post_office import PostOffice, post_office

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Site:
    """The served demonstration: its address, folder, and who can sign in."""

    url: str
    folder: Path
    accounts: list[dict[str, str]]
    people: list[str]
    office: PostOffice
    environ: dict[str, str]

    def students(self) -> list[dict[str, str]]:
        """Return the students who have activated."""
        return [account for account in self.accounts if account["role"] == "student"]

    def run(self, *words: str) -> str:
        """Run a command of the product in this instance and return what it says."""
        command = [str(Path(sys.executable).parent / "counsel"), *words]
        return subprocess.run(command, env=self.environ, check=True, capture_output=True, text=True).stdout

    def passphrase(self) -> str:
        """Return the one passphrase of the demonstration."""
        return self.accounts[0]["passphrase"]


def morning_zone() -> str:
    """Return a zone where it is early morning now, so that today's times lie ahead whenever the tests run."""
    offset = (6 - datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/UTC"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Fill a demonstration with the command line and serve it with the command line."""
    folder = tmp_path_factory.mktemp("site")
    environ = {**os.environ, "COUNSEL_INSTANCE": str(folder), "COUNSEL_TIME_ZONE": morning_zone()}
    with post_office(tmp_path_factory.mktemp("post")) as office:
        environ |= {f"COUNSEL_{name.upper()}": str(value) for name, value in office.settings.items()}
        yield from _served(folder, environ, office)


def _served(folder: Path, environ: dict[str, str], office: PostOffice) -> Iterator[Site]:
    command = str(Path(sys.executable).parent / "counsel")
    filled = subprocess.run([command, "demo", "--json"], env=environ, check=True, capture_output=True)
    known = json.loads(filled.stdout)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder.parent / "server.log").open("wb") as log:
        server = subprocess.Popen([command, "serve", "--port", str(port)], env=environ, stderr=log)
    url = f"http://127.0.0.1:{port}"
    _wait(url)
    yield Site(url, folder, known["accounts"], known["people"], office, environ)
    server.terminate()
    server.wait(20)


def _wait(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/robots.txt", timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(url)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window, which draws nothing beside the page."""
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path="/usr/bin/chromium-headless-shell", args=FLAGS)
        yield found
        found.close()


@dataclass
class Person:
    """Somebody at a browser; submits forms as they are rendered."""

    site: Site
    page: Page

    def go(self, path: str) -> int:
        """Open a path and return the answer's status."""
        answer = self.page.goto(self.site.url + path)
        assert answer is not None
        return answer.status

    def sign_in(self, login: str, words: str = "") -> None:
        """Sign in at the door."""
        self.go("/sign-in")
        self.page.fill("#login", login)
        self.page.fill("#passphrase", words or self.site.passphrase())
        self.press("form button.btn-primary")

    def press(self, selector: str) -> None:
        """Press a button and wait for the answer."""
        with self.page.expect_navigation():
            self.page.click(selector)

    def press_word(self, word: str) -> None:
        """Press the button or link with this word."""
        with self.page.expect_navigation():
            self.page.get_by_text(word, exact=True).first.click()

    def sees(self, words: str) -> bool:
        """Return whether the page shows some words."""
        return words in self.page.inner_text("body")

    def barriers(self) -> list[str]:
        """Return what axe finds against WCAG 2.2 AA on the page as it stands."""
        found = Axe().run(self.page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        return [f"{rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in found.response["violations"]]

    def barriers_in_both_themes(self) -> list[str]:
        """Return what axe finds on a page that a journey alone can reach, light and dark."""
        found = []
        for scheme in ("dark", "light"):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found += self.barriers()
        return found

    def close(self) -> None:
        """Close the browser window."""
        self.page.context.close()


PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture
def somebody(site: Site, browser: Browser) -> Iterator[object]:
    """Make people with a window of their own."""
    people: list[Person] = []

    def make(login: str = "", *, phone: bool = False, language: str = "en", dark: bool = False, script: bool = True) -> Person:
        context = browser.new_context(
            viewport=PHONE if phone else DESK,
            locale=language,
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            reduced_motion="reduce",  # a click never lands where something just glided away
        )
        context.set_default_timeout(15_000)
        person = Person(site, context.new_page())
        people.append(person)
        if login:
            person.sign_in(login)
        return person

    yield make
    for person in people:
        person.close()
