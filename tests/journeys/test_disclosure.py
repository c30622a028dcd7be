"""What leaves the room, played by everybody who has a part in it: counsellor, director, teacher, mother, supervisor, others."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("site")
ADVICE, FACT = "Do not leave them alone at break; ring 8012.", "Pills in the outer pocket."


def choose(person: Any, at: str, parts: dict[str, str]) -> None:
    """Tick parts of one recipient, each with its need and its words."""
    for part, words in parts.items():
        person.page.check(f"input[name={at}_p_{part}]")
        person.page.fill(f"#{at}_n_{part}", "is there by day")
        person.page.fill(f"#{at}_t_{part}", words)


def recipient(person: Any, at: str, kind: str, name: str, way: str) -> None:
    """Add a recipient by name and way."""
    person.press("button[value=add]")
    person.page.select_option(f"#{at}_kind", kind)
    person.page.fill(f"#{at}_name", name)
    person.page.check(f"input[name={at}_way][value={way}]")


def filled(person: Any) -> str:
    """From the case in danger to a page that may be signed; return its address."""
    person.go("/cases?show=high")
    person.press("a.quiet-title")
    person.press("form[action$='/disclose'] button")
    assert person.page.locator("input[type=checkbox]:checked, input[type=radio]:checked").count() == 0
    person.page.check("input[name=code][value=EX1]")
    person.page.fill("#purpose", "Somebody stays tonight")
    recipient(person, "r0", "class_teacher", "方枫", "page")
    person.page.select_option("#r0_holder", label="方枫")
    person.press("button[value=check]")
    assert person.page.locator("#r0_parts-error").count() and person.page.input_value("#purpose") == "Somebody stays tonight"
    assert not person.page.locator("input[name=r0_p_content], input[name=r0_p_summary]").count()
    assert person.barriers_in_both_themes() == []
    choose(person, "r0", {"identity": "", "advice": ADVICE, "facts": FACT})
    recipient(person, "r1", "guardian", "Mother", "code")
    person.page.fill("#r1_phone", "139 0000 1234")
    choose(person, "r1", {"concern": "", "advice": "Please come at ten."})
    person.page.check("input[name=informed][value=told]")
    person.press("button[value=check]")
    person.page.check("input[name=guardian_known]")  # the roll lists no "Mother"
    person.press("button[value=check]")
    return str(person.page.url.removeprefix(person.site.url).split("#")[0])


def letters(person: Any) -> list[str]:
    """Return what the page shows of each letter, byte for byte."""
    return [str(html) for html in person.page.locator("section.letter").evaluate_all("all => all.map(one => one.outerHTML)")]


def test_told_to_a_teacher_and_a_mother_and_to_nobody_else(site: Any, somebody: Callable[..., Any]) -> None:
    """Given a client in danger; when two are told; then they read what was shown before, byte for byte, and others nothing."""
    chen = somebody("chen")
    place = filled(chen)
    preview = letters(chen)
    assert len(preview) == 3
    chen.press("button[value=submit]")
    for who in ("zhou", "leader", "desk", "admin", "teacher", "supervisor"):
        assert somebody(who).go(place) == 404
        assert somebody(who).go(f"{place}/approve") == 404
    gu = somebody("gu")
    gu.go("/disclosures")
    gu.press("main a[href$='/approve']")
    assert gu.sees(ADVICE) and not gu.page.locator("a[href*='/cases/']").count()
    assert gu.barriers_in_both_themes() == []
    gu.press("button[value=yes]")
    chen.go(place)
    chen.press("button[value=send]")
    code = chen.page.inner_text(".code")
    assert chen.barriers_in_both_themes() == []
    package = _teacher_reads(somebody, preview)
    assert somebody("leader").go(package) == 404
    _mother_reads(somebody, preview, code)
    _afterwards(somebody, chen, place)


def _teacher_reads(somebody: Callable[..., Any], preview: list[str]) -> str:
    teacher = somebody("teacher")
    teacher.go("/told-to-me")
    assert teacher.barriers_in_both_themes() == []
    teacher.press("main a.quiet-title")
    teacher.press("button[value=open]")
    assert teacher.sees("Promise first")
    assert teacher.barriers_in_both_themes() == []
    teacher.page.check("#promised")
    teacher.press("button[value=open]")
    assert letters(teacher) == preview[:1]
    teacher.press("button[value=facts]")
    assert letters(teacher) == preview[:2] and teacher.page.locator(".watermark").inner_text().startswith("方枫")
    assert teacher.barriers_in_both_themes() == []
    package = str(teacher.page.url.removeprefix(teacher.site.url))
    teacher.go(package)
    assert letters(teacher) == preview[:1] and not teacher.page.locator("button[value=facts]").count()
    return package


def _mother_reads(somebody: Callable[..., Any], preview: list[str], code: str) -> None:
    mother = somebody("", phone=True)
    mother.go("/told")
    assert mother.barriers_in_both_themes() == []
    for digits in ("9999", "1234"):
        mother.page.fill("#code", code)
        mother.page.fill("#digits", digits)
        mother.press("main form button")
    mother.page.check("#promised")
    mother.press("button[value=open]")
    assert letters(mother) == preview[2:]
    assert mother.barriers_in_both_themes() == []


def _afterwards(somebody: Callable[..., Any], chen: Any, place: str) -> None:
    assert chen.go(f"{place}/review") == 404
    supervisor = somebody("supervisor")
    supervisor.go("/disclosures")
    supervisor.press(f"main a[href='{place}/review']")
    assert supervisor.barriers_in_both_themes() == []
    supervisor.page.check("input[name=finding][value=in_order]")
    supervisor.press("main form button")
    chen.go(place)
    assert chen.sees("opened") and chen.sees("read the facts") and chen.sees("In order")
    chen.press("form[action$='/revoke'] button >> nth=0")
    assert chen.sees("taken back")


def test_a_support_contact_waits_for_the_clients_yes(somebody: Callable[..., Any]) -> None:
    """Given a case; when somebody is proposed with a scope; then nothing is shared before the client has said yes."""
    zhou = somebody("zhou")
    zhou.go("/cases")
    zhou.page.get_by_text("0025").first.click()
    zhou.page.wait_for_url("**/cases/*-*")
    zhou.press("a[href$='/support']")
    zhou.press("a[href*='/support/']")
    zhou.press("button[value=sign]")
    assert zhou.page.locator("#name-error, .error-summary").count()
    zhou.page.fill("#name", "Doctor Wu")
    zhou.page.select_option("#relation", "professional")
    zhou.page.fill("#purpose", "Think together")
    for part in ("summary", "advice"):
        zhou.page.check(f"input[name=scope][value={part}]")
    zhou.page.fill("#until", "2099-01-01")
    assert zhou.barriers_in_both_themes() == []
    zhou.press("button[value=sign]")
    zhou.press("a[href$='/support']")
    assert zhou.sees("waits for the client's yes")
    assert zhou.barriers_in_both_themes() == []
