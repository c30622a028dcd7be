"""What leaves the house and what waits inside, in a real browser, with a real mail server."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.test_story import book

Make = Callable[..., Any]
pytestmark = pytest.mark.xdist_group("site")


def test_a_colleague_chooses_where_to_be_told_and_a_test_arrives(site: Any, somebody: Make) -> None:
    """A bad address is refused beside its field and kept; a good one gets one neutral letter; an empty one ends it."""
    lin = somebody("lin")
    lin.go("/account")
    lin.page.fill("#address", "lin at school")
    lin.press("form[action$='/account/address'] button")
    assert lin.sees("Write one mail address") and lin.page.input_value("#address") == "lin at school"
    assert lin.barriers_in_both_themes() == []
    lin.page.fill("#address", "lin@school.example")
    lin.press("form[action$='/account/address'] button")
    assert lin.sees("A test goes there now")
    assert "1 sent" in site.run("jobs", "run", "deliver")
    letter = site.office.letters[-1]
    assert letter["To"] == "lin@school.example" and "林" not in str(letter["Subject"])
    lin.page.fill("#address", "")
    lin.press("form[action$='/account/address'] button")
    assert lin.sees("Nothing is sent any more")
    student = somebody(site.students()[4]["student_no"], phone=True)
    student.go("/account")
    assert student.page.locator("#address").count() == 0


def test_a_student_asks_to_be_reminded_and_sees_what_waits(site: Any, somebody: Make) -> None:
    """On the phone: the wish under the time, taken back with one press; the bell counts a confirmed time until it is read."""
    student = somebody(site.students()[4]["student_no"], phone=True)
    book(student, "", far=True)
    student.page.locator("summary", has_text="Remind me the evening before").first.click()
    student.page.fill("input[name=address]", "nobody")
    student.press("form[action$='/remind'] button.btn-soft")
    assert student.sees("Write one mail address") and student.page.input_value("input[name=address]") == "nobody"
    assert student.barriers_in_both_themes() == []
    student.page.fill("input[name=address]", "me@pupils.example")
    student.press("form[action$='/remind'] button.btn-soft")
    assert student.sees("You will be reminded the evening before.")
    assert "0 sent" in site.run("jobs", "run", "deliver")
    student.press_word("Rather not")
    assert student.sees("Remind me the evening before")
    duty = somebody("chen")
    duty.go("/duty")
    links = duty.page.locator("main a[href*='/duty/request/']")
    for path in [links.nth(n).get_attribute("href") for n in range(links.count())]:
        duty.go(str(path))
        if duty.sees(site.students()[4]["display_name"]):
            duty.press_word("Confirm the time")
            break
    student.go("/")
    student.press("a.bell")
    assert student.sees("Your time is confirmed.") and student.sees("new")
    assert student.barriers_in_both_themes() == []
    student.press_word("All read")
    assert not student.sees("new")


def test_the_administrator_sees_how_many_and_nothing_else(site: Any, somebody: Make) -> None:
    """Counts and codes on the health page; no address, no name; nobody else opens it."""
    admin = somebody("admin")
    admin.go("/health")
    assert admin.sees("Messages") and not admin.sees("@")
    for who in ("zhou", "desk", "teacher"):
        assert somebody(who).go("/health") == 404


def test_a_student_asks_about_the_file_and_the_director_answers(site: Any, somebody: Make) -> None:
    """Nothing chosen: told beside the field, words kept; asked, answered, read; nobody else finds the page."""
    student = somebody(site.students()[6]["student_no"], phone=True)
    student.go("/who-sees")
    student.press("a.btn:has-text('Ask about my file')")
    student.page.fill("#text", "Who opened my name last week?")
    student.press("main form button.btn-primary")
    assert student.sees("Choose one of the answers.") and student.page.input_value("#text").startswith("Who opened")
    student.page.check("input[name=kind][value=opening]")
    student.press("main form button.btn-primary")
    assert student.sees("Asked. The director answers here.") and student.sees("answer by")
    assert student.barriers_in_both_themes() == []
    gu = somebody("gu")
    gu.go("/questions")
    path = gu.page.locator("main a.quiet-title").last.get_attribute("href")
    gu.go(str(path))
    assert gu.sees("Who opened my name last week?") and gu.barriers_in_both_themes() == []
    gu.page.fill("#text", "The desk, to greet you.")
    gu.press("main form button.btn-primary")
    student.go("/my-questions")
    assert student.sees("The desk, to greet you.")
    for who in ("zhou", "desk", "admin", "teacher", "leader", "supervisor"):
        assert somebody(who).go(str(path)) == 404
