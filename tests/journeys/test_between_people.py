"""Deputies, second signatures, offered talks, guests and imports in a real browser, with who must be refused."""

import contextlib
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import TimeoutError

Make = Callable[..., Any]
pytestmark = pytest.mark.xdist_group("site")


def test_a_concern_reaches_the_student_as_an_offer(site: Any, somebody: Make) -> None:
    """Given a teacher's concern; when duty offers a talk; then the student alone decides and the teacher learns nothing."""
    teacher = somebody("teacher")
    teacher.go("/concern")
    teacher.page.fill("#about", "somebody in my class")
    teacher.page.fill("#text", "no lunch for a week")
    teacher.press("form.paper button.btn-primary")
    assert teacher.sees("Thank you for telling us")

    number = site.students()[7]["student_no"]
    duty = somebody("chen")
    duty.go("/duty")
    duty.page.locator("a.quiet-title", has_text="Read a message to the centre").last.click()
    assert duty.sees("no lunch for a week")
    duty.page.fill("#student_no", "W999")
    duty.press("form:has(#student_no) button")
    assert duty.sees("There is no such number on the roll")
    duty.page.fill("#student_no", number)
    duty.press("form:has(#student_no) button")
    assert duty.sees("nothing happens until the student says yes")

    student = somebody(number, phone=True)
    assert student.sees("A talk, if you like") and not student.sees("no lunch")
    student.press_word("No, thank you")
    assert student.sees("Nobody is told") and not student.sees("A talk, if you like")
    teacher.go("/")
    assert not teacher.sees("declined")


def test_a_deputy_acts_for_the_director_and_is_ended(site: Any, somebody: Make) -> None:
    """Given a director who will be away; when she names a deputy and ends it; then the role comes and goes."""
    gu = somebody("gu")
    gu.go("/deputies")
    gu.page.select_option("#account", label="林汀")
    today = date.today()
    gu.page.fill("#from_on", (today - timedelta(days=2)).isoformat())
    gu.page.fill("#until_on", (today + timedelta(days=5)).isoformat())
    gu.press("form:has(#account) button.btn-primary")
    assert gu.sees("林汀") and gu.sees("Named.")

    lin = somebody("lin")
    lin.go("/account")
    lin.press("button[value=director]")
    assert lin.go("/staff") == 200 and lin.sees("Invite a colleague")
    assert lin.page.locator("a[href='/deputies']").count() == 1
    gu.go("/deputies")
    gu.press_word("End now")
    assert gu.sees("Nobody acts for you.")
    lin.go("/staff")
    assert lin.page.locator("#passphrase").count() == 1
    for who in ("zhou", "admin", "teacher"):
        assert somebody(who).go("/deputies") == 404


def test_tables_are_imported_while_the_page_tells_how_far(site: Any, somebody: Make, tmp_path: Path) -> None:
    """Given a roll of 300 rows; when it is imported without script; then progress stands there, and mistakes row by row."""
    admin = somebody("admin", script=False)
    lines = ["student_no,name,birth_date,class,leaves_on"]
    lines += [f"Z{n:04},新生{n},2010-03-0{1 + n % 9},初二1班,2029-07" for n in range(300)]
    good, bad = tmp_path / "roll.csv", tmp_path / "guardians.csv"
    good.write_bytes("\n".join(lines).encode("gb18030"))
    bad.write_text("student_no,guardian,relation\nZ0001,=cmd(),mother\nNOBODY,Somebody,aunt\n", encoding="utf-8")
    admin.go("/roll")
    admin.page.set_input_files("#roll", good)
    admin.press("form.paper button.btn-primary")
    assert admin.sees("300 of 300") and admin.sees("300 added, 0 changed, 0 as before.")
    watching = somebody("admin")
    assert watching.go(admin.page.url.removeprefix(site.url)) == 200
    assert watching.barriers_in_both_themes() == []
    admin.go("/roll")
    admin.page.check("input[name=kind][value=guardians]")
    admin.page.set_input_files("#roll", bad)
    admin.press("form.paper button.btn-primary")
    assert admin.sees("nothing was imported") and admin.sees("Row 2, Name: looks like a formula")
    for who in ("zhou", "desk", "leader"):
        assert somebody(who).go("/roll") == 404


def test_a_parent_gets_a_number_and_activates(site: Any, somebody: Make) -> None:
    """Given a parent at the desk; when a code is printed; then they sign in on their phone like anybody."""
    desk = somebody("desk")
    desk.go("/students")
    desk.page.fill("#name", "某家长")
    desk.page.fill("#born", "1979-05-06")
    desk.press_word("Register and print a code")
    number = desk.page.locator(".sheet-code .num").inner_text()
    code = desk.page.locator(".code-print").inner_text()
    parent = somebody(phone=True)
    parent.go("/activate")
    words = "hudie feiguo canghai"
    typed = {"code": code, "login": number, "born": "1979-05-06", "passphrase": words, "again": words}
    for field, value in typed.items():
        parent.page.fill(f"#{field}", value)
    parent.press("form button.btn-primary")
    assert parent.sees("Write this down now")
    parent.go("/")
    assert parent.sees("某家长") and parent.go("/roll") == 404


def test_single_keys_open_and_move_but_never_sign(site: Any, somebody: Make) -> None:
    """Given a counsellor at the keyboard; when she uses single letters; then she moves, and inside a field nothing happens."""
    zhou = somebody("zhou")
    zhou.go("/")
    zhou.page.keyboard.press("?")
    assert zhou.page.locator("dialog#keys").is_visible()
    zhou.page.keyboard.press("Escape")
    zhou.page.wait_for_selector("dialog#keys", state="hidden")
    for _try in range(4):  # the two letters belong together for a second and a half, which a busy machine may take
        zhou.page.keyboard.press("g")
        zhou.page.keyboard.press("c")
        with contextlib.suppress(TimeoutError):
            zhou.page.wait_for_url("**/cases", timeout=4000)
            break
    assert zhou.page.url.endswith("/cases")
    zhou.page.keyboard.press("j")
    with zhou.page.expect_navigation():
        zhou.page.keyboard.press("Enter")
    assert "/cases/" in zhou.page.url
    zhou.go("/cases")
    zhou.page.keyboard.press("/")
    zhou.page.keyboard.type("gcn")
    assert zhou.page.input_value("#number") == "gcn" and zhou.page.url.endswith("/cases")
