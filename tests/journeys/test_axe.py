"""Every page through axe, in both languages and both themes; no console error, nothing blocked by the policy."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.xdist_group("site")
VARIANTS = [("zh-CN", False), ("zh-CN", True), ("en", False), ("en", True)]
PAGES = {
    "": ["/sign-in", "/activate", "/recover", "/no-such-page"],
    "student": ["/", "/book", "/my-times", "/who-sees", "/account", "/file"],
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
        "CASE/intake",
        "CASE/assessment",
        "CASE/plan",
        "CASE/sessions/1",
        "CASE/results",
        "CASE/referral",
        "CASE/closing",
        "CASE/report",
        "CASE/evaluation",
        "CASE/process",
        "AGREE",
        "/cases?show=overdue",
        "/search",
        "/incoming",
        "/paper",
    ],
    "desk": ["/desk", "/walk-in", "/students", "TIMES"],
    "gu": ["/", "/duty", "/roster", "/staff", "/settings", "/cases", "/roll", "/deputies", "/direct", "/instruments"],
    "admin": ["/", "/staff", "/health", "/settings", "/roll"],
    "teacher": ["/", "/concern", "/rules"],
    "shen": ["/"],
    "leader": ["/", "/deputies"],
    "supervisor": ["/"],
}


@pytest.mark.parametrize(("language", "dark"), VARIANTS)
@pytest.mark.parametrize("who", list(PAGES))
def test_every_page_is_accessible(site: Any, somebody: Callable[..., Any], who: str, language: str, dark: bool) -> None:
    """WCAG 2.2 AA as far as axe can tell, phone width for students, desktop for staff."""
    login = site.students()[3]["student_no"] if who == "student" else who
    person = somebody(login, phone=who in ("", "student"), language=language, dark=dark)
    errors: list[str] = []
    person.page.on("console", lambda message: errors.append(message.text) if "Content Security Policy" in message.text else None)
    case = _case(person) if who == "zhou" else ""
    problems = []
    for path in PAGES[who]:
        person.go(FOUND[path](person, case) if path in FOUND else path.replace("CASE", case))
        found = Axe().run(person.page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        problems += [f"{path} {rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in found.response["violations"]]
        html = person.page.locator("html").get_attribute("lang")
        assert html == language
    assert problems == []
    assert errors == []


def _case(person: Any) -> str:
    person.go("/cases")
    links = person.page.locator("a.quiet-title")
    texts = [links.nth(n).inner_text() for n in range(links.count())]
    number = next(n for n, text in enumerate(texts) if "0004" in text)
    return str(links.nth(number).get_attribute("href"))


def _agree(person: Any, case: str) -> str:
    person.go(case)
    form = person.page.locator("form[action*='/print/']").first.get_attribute("action")
    return str(form).replace("/print/", "/agree/") + "/client"


def _times(person: Any, _case: str) -> str:
    person.go("/desk")
    return str(person.page.locator("a[href$='/times']").first.get_attribute("href"))


FOUND = {"TIMES": _times, "AGREE": _agree}
