"""A filed volume is lent in the browser: with ground, yes and count; and refused to whoever never gets one (F15; C6.4)."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("site")
READS, CODE = "先睡眠，后学习", "ZX-0002"


def code_of(shen: Any) -> str:
    """The archival code of the second volume on the shelf."""
    shen.go("/archive/catalogue")
    return str(shen.page.locator("th a", has_text=CODE).inner_text())


def registered(person: Any, **fields: str) -> str:
    """Fill in F15 and return the address of its line on the register."""
    person.go("/loans/new")
    for name in ("basis", "mode", "way"):
        if name in fields:
            person.page.check(f"input[name={name}][value={fields[name]}]")
    for name in ("code", "applicant", "purpose", "place", "identity"):
        if name in fields:
            person.page.fill(f"#{name}", fields[name])
    if "reader" in fields:
        person.page.select_option("#reader", label=fields["reader"])
    for form in ("F05", "F10"):
        person.page.check(f"input[name=forms][value={form}]")
    person.press("main button.btn-primary")
    return str(person.page.url.removeprefix(person.site.url))


def test_a_volume_is_lent_read_and_counted_back(somebody: Callable[..., Any]) -> None:
    """Asked by a counsellor, agreed to by the director, opened by the archivist, read by the supervisor; nobody else."""
    shen, zhou, gu, liu = (somebody(who) for who in ("shen", "zhou", "gu", "supervisor"))
    code = code_of(shen)
    zhou.go("/loans/new")
    zhou.press("main button.btn-primary")
    assert zhou.sees("There is no sealed volume under this code") and zhou.barriers_in_both_themes() == []
    place = {"code": code, "basis": "consent", "mode": "screen", "way": "paper", "place": "Cabinet 2", "reader": "柳青"}
    line = registered(zhou, **place, applicant="Outside supervisor", purpose="Supervision")
    assert zhou.sees("waits for the director")
    gu.go("/")
    gu.go("/loans")
    assert gu.barriers_in_both_themes() == []
    gu.press("section[aria-labelledby=yes] a")
    assert gu.sees("Outside supervisor") and not gu.sees(READS) and gu.barriers_in_both_themes() == []
    gu.press("button[value=yes]")
    shen.go("/archive")
    assert shen.barriers_in_both_themes() == []
    shen.go(line)
    shen.press("button[value=serve]")
    assert shen.sees("Handed out") and shen.go(f"{line}/read") == 404
    liu.go("/loans")
    liu.page.locator("a.quiet-title", has_text=CODE).first.click()
    liu.press_word("Read")
    assert liu.sees(READS) and liu.sees("柳青") and liu.barriers_in_both_themes() == []
    for who in ("teacher", "leader", "desk", "admin", "chen", "manager"):
        other = somebody(who)
        assert [other.go(f"{line}{end}") for end in ("", "/read")] == [404, 404], who
        assert other.go("/archive/register") == 404
    assert zhou.go(line) == 200 and [one.go(f"{line}/read") for one in (zhou, gu)] == [404, 404]
    shen.go(line)
    shen.press("button[value=back]")
    assert shen.sees("Check every item of the list") and shen.barriers_in_both_themes() == []
    for form in ("F05", "F10"):
        shen.page.check(f"input[name=counted][value={form}]")
    shen.press("button[value=back]")
    assert shen.sees("Back and sealed anew") and liu.go(f"{line}/read") == 404
    shen.go("/archive/register")
    assert shen.sees(code) and shen.barriers_in_both_themes() == []


def read_with_the_clients_own_yes(zhou: Any, student: Any, somebody: Callable[..., Any], code: str) -> None:
    """The client is asked on the own page and says yes; the supervisor reads until the client takes it back."""
    gu, shen, liu = (somebody(who) for who in ("gu", "shen", "supervisor"))
    place = {"code": code, "basis": "consent", "mode": "screen", "way": "own", "reader": "柳青"}
    line = registered(zhou, **place, applicant="Outside supervisor", purpose="Supervision")
    assert zhou.sees("waits for the director")
    student.go("/file")
    assert student.sees("Somebody would read filed forms about you") and student.sees("Nobody reads it without your yes")
    assert student.barriers_in_both_themes() == []
    student.press("form[action*=loans] button[value=yes]")
    assert student.sees("It may be read now")
    gu.go(line)
    gu.press("button[value=yes]")
    assert liu.go(f"{line}/read") == 404
    shen.go(line)
    shen.press("button[value=serve]")
    assert liu.go(f"{line}/read") == 200
    student.go("/file")
    student.press("form[action*=loans] button[value=no]")
    assert student.sees("Nobody reads it") and liu.go(f"{line}/read") == 404


def test_a_former_client_fetches_the_copy_with_a_code(somebody: Callable[..., Any]) -> None:
    """Identity in person, the director's yes, a code by telephone; the wrong digits open nothing."""
    shen, gu, person = somebody("shen"), somebody("gu"), somebody(phone=True)
    place = {"code": code_of(shen), "basis": "own_request", "mode": "copy", "identity": "Identity card, seen"}
    line = registered(shen, **place, applicant="The person", purpose="For a doctor")
    gu.go(line)
    gu.press("button[value=yes]")
    shen.go(line)
    shen.press("button[value=serve]")
    assert shen.sees("Write the number you will ring")
    shen.page.fill("#digits", "5678")
    shen.press("button[value=serve]")
    code = shen.page.locator(".flash b.num").inner_text()
    assert shen.barriers_in_both_themes() == []
    for digits, opens in (("1111", False), ("5678", True)):
        person.go("/copy")
        person.page.fill("#code", code)
        person.page.fill("#digits", digits)
        person.press("button.btn-primary")
        assert person.sees(READS) is opens
    assert person.barriers_in_both_themes() == []
    shen.go(line)
    assert not shen.sees(code)


def test_a_class_teachers_wish_is_refused_and_stands_on_the_register(somebody: Callable[..., Any]) -> None:
    """C6.4: refused with the clause, the same whether there is a volume; counted, without a name."""
    teacher, shen = somebody("teacher"), somebody("shen")
    shen.go("/archive/register")
    before = shen.page.locator("section[aria-labelledby=no] tbody tr").count()
    teacher.go("/asked")
    teacher.page.check("input[name=who][value=class_teacher]")
    teacher.page.check("input[name=what][value=file]")
    teacher.press("main button.btn-primary")
    assert teacher.sees("Files of the centre are not lent")
    assert teacher.go("/loans") == 404 and teacher.go("/loans/new") == 404
    shen.go("/archive/register")
    assert shen.page.locator("section[aria-labelledby=no] tbody tr").count() == before + 1 and shen.sees("篇4 三")


def test_a_returning_clients_counsellor_reads_the_filed_case_the_same_day(somebody: Callable[..., Any]) -> None:
    """Without anybody's yes, by a ticket; without one refused to everybody, the archivist included; back, it is sealed anew."""
    chen, shen = somebody("chen"), somebody("shen")
    chen.go("/cases")
    links = chen.page.locator("a.quiet-title")
    cases = [str(links.nth(n).get_attribute("href")) for n in range(links.count())]
    new = next(case for case in cases if chen.go(case) == 200 and chen.sees("Filed before"))
    chen.go(new)
    chen.press("section[aria-labelledby=earlier] button")
    assert chen.sees("Asked for") and chen.sees("asked for")
    shen.go("/archive")
    shen.press("button[value=serve]")
    assert shen.sees("Open for its reader")
    chen.go(new)
    old = str(chen.page.locator("section[aria-labelledby=earlier] a", has_text="Read it").get_attribute("href"))
    assert chen.go(old) == 200 and chen.sees("Archived") and chen.barriers_in_both_themes() == []
    for who in ("zhou", "gu", "shen", "lin", "teacher"):
        assert somebody(who).go(old) == 404, who
    shen.go("/archive")
    shen.press("button[value=back]")
    assert shen.sees("Sealed anew") and chen.go(old) == 404
