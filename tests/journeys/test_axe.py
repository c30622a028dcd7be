"""Every page through axe, in both languages and both themes; no console error, nothing blocked by the policy."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("site")
VARIANTS = [("zh-CN", False), ("zh-CN", True), ("en", False), ("en", True)]
STUDENTS = {"student": 3, "booked": 6}
PAGES = {
    "": ["/told", "/copy", "/sign-in", "/activate", "/recover", "/no-such-page"],
    "student": [
        *("/", "/book", "/my-times", "/who-sees", "/my-questions", "/told-about-me", "/account"),
        *("/file", "/file > /file/", "/file > /end"),
    ],
    "booked": ["/my-times > /move"],
    "zhou": [
        "/",
        "/cases",
        "/duty",
        "/walk-in",
        "/students",
        "/rules",
        "/account",
        "CASE",
        "CASE/consent",
        "CASE/screen",
        "CASE/crisis",
        "CASE/support",
        "/disclosures",
        "CASE/safety-plan",
        "/notices",
        "CASE/intake",
        "CASE/assessment",
        "CASE/plan",
        "CASE/sessions/1",
        "CASE/notes",
        "CASE/results",
        "CASE/referral",
        "CASE/closing",
        "CASE/report",
        "CASE/evaluation",
        "CASE/process",
        "CASE/material",
        "CASE/recordings",
        "CASE/recordings/1",
        "CASE > /reports/",
        "/event",
        "AGREE",
        "/cases?show=overdue",
        "/search",
        "/incoming",
        "/paper",
        "/cases 0007 > feedback",
        "/cases 0010 > hand-over",
        "/cases 0013 > follow-up/1",
        "/cases 0013 > /signed/",
        "ROOM",  # the last one: the screen is lent from here on
    ],
    "chen": [
        "/cases 0023 > told",
        "/cases 0023 > supervision",
        "/cases 0023 > return",
        "/duty > /duty/task/",
        "/duty > /duty/request/",
        "/disclosures",
        "/disclosures > /disclosures/",
    ],
    "desk": ["/asked", "/desk", "/walk-in", "/students", "TIMES"],
    "gu": [
        "/",
        "/duty",
        "/roster",
        "/rooms/visits",
        "/staff",
        "/settings",
        "/cases",
        "/roll",
        "/deputies",
        "/direct",
        "/duty/cards",
        "/questions",
        "/instruments",
        "/openings",
        "/recordings",
        "/handed-in",
        "/staff > /education",
        "/staff > /log",
    ],
    "admin": ["/", "/staff", "/health", "/settings", "/roll"],
    "teacher": ["/", "/concern", "/rules", "/told-to-me", "/told-to-me > /told-to-me/"],
    "shen": ["/", "/archive/register", "/loans/new", "/archive/catalogue", "/archive/names", "/archive/integrity"],
    "leader": ["/", "/deputies", "/leadership", "/leadership > /events/"],
    "manager": ["/event", "/event > /events/"],
    "supervisor": ["/", "/loans", "/disclosures > /review"],
}


@pytest.mark.parametrize(("language", "dark"), VARIANTS)
@pytest.mark.parametrize("who", list(PAGES))
def test_every_page_is_accessible(site: Any, somebody: Callable[..., Any], who: str, language: str, dark: bool) -> None:
    """WCAG 2.2 AA as far as axe can tell, phone width for students, desktop for staff."""
    login = site.students()[STUDENTS[who]]["student_no"] if who in STUDENTS else who
    person = somebody(login, phone=who in ("", *STUDENTS), language=language, dark=dark)
    errors: list[str] = []
    person.page.on("console", lambda message: errors.append(message.text) if "Content Security Policy" in message.text else None)
    case = _case(person) if who == "zhou" else ""
    problems = []
    for path in PAGES[who]:
        person.go(FOUND[path](person, case) if path in FOUND else _address(person, path.replace("CASE", case)))
        problems += [f"{path} {problem}" for problem in person.barriers()]
        html = person.page.locator("html").get_attribute("lang")
        assert html == language
    assert problems == []
    assert errors == []


def _address(person: Any, path: str) -> str:
    """Return a page's address: itself, or what a link on another page leads to, or what belongs to a case by its number."""
    if " > " not in path:
        return path
    start, part = path.split(" > ")
    if start.startswith("/cases "):
        return f"{_case(person, start.removeprefix('/cases '))}/{part}"
    person.go(start)
    links = person.page.locator(f"main a[href*='{part}']")
    assert links.count(), path
    return str(links.first.get_attribute("href"))


def _case(person: Any, wanted: str = "0004") -> str:
    person.go("/cases")
    links = person.page.locator("a.quiet-title")
    texts = [links.nth(n).inner_text() for n in range(links.count())]
    number = next(n for n, text in enumerate(texts) if wanted in text)
    return str(links.nth(number).get_attribute("href"))


def _room(person: Any, _case_path: str) -> str:
    person.go(_agree(person, _case(person, "0007")))
    person.press("button[value=in_room]")
    return str(person.page.url.removeprefix(person.site.url))


def _agree(person: Any, case: str) -> str:
    person.go(case)
    form = person.page.locator("form[action*='/print/']").first.get_attribute("action")
    return str(form).replace("/print/", "/agree/") + "/client"


def _times(person: Any, _case: str) -> str:
    person.go("/desk")
    return str(person.page.locator("a[href$='/times']").first.get_attribute("href"))


FOUND = {"TIMES": _times, "AGREE": _agree, "ROOM": _room}
