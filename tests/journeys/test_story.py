"""The main story in a real browser: a student asks on a phone, a counsellor signs one note, nobody else reads it."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from playwright.sync_api import Error

from tests.journeys.test_lending import read_with_the_clients_own_yes
from tests.journeys.test_pathway import sign

Make = Callable[..., Any]
WORDS = "Kept awake before the monthly exam, would like to talk"
NOTE = "Slept earlier this week and smiled once"
pytestmark = pytest.mark.xdist_group("site")


def book(student: Any, counsellor: str, answers: dict[str, str] | None = None, *, far: bool = False) -> None:
    """Walk the four steps of a request, for the first time that is free, or on the last free day shown."""
    student.go("/book")
    if far:
        with student.page.expect_navigation():
            student.page.locator("a.day:not(.is-full)").last.click()
    student.page.locator("label.slot", has_text=counsellor).first.click()
    student.press(".actbar button")
    student.press(".actbar button")
    assert student.sees("Tick that you have read it.")
    student.page.click(".tick-box")
    student.press(".actbar button")
    for code in ("q1", "q2", "q7", "urgent"):
        value = (answers or {}).get(code, "no")
        student.page.locator(f"input[name={code}][value={value}] + span").click()
    student.press(".actbar button")
    student.page.fill("#reason", WORDS)
    student.press(".actbar button")


def test_c1_from_a_request_on_a_phone_to_a_good_end(site: Any, somebody: Make) -> None:
    """C1: request, consent, test result, plan, a sealed note, joint evaluation, follow-up; and who must see nothing."""
    number = site.students()[11]["student_no"]
    student = somebody(number, phone=True)
    book(student, "周岚")
    assert student.sees("The time is held for you")

    duty = somebody("chen")
    duty.go("/duty")
    duty.page.locator("a.quiet-title", has_text="Today").first.click()
    assert duty.sees(WORDS)
    duty.press_word("Confirm the time")
    assert duty.sees("only the assigned counsellor opens the words")

    student.go("/who-sees")
    assert student.sees("周岚") and student.sees("read what you wrote when booking")

    desk = somebody("desk")
    rows = desk.page.locator("li.quiet-row", has_text="周岚")
    with desk.page.expect_navigation():
        rows.get_by_role("button", name="Check in").first.click()
    desk.press_word("Show names")
    assert desk.sees(site.students()[11]["display_name"])
    assert not desk.sees(WORDS)

    zhou = somebody("zhou")
    with zhou.page.expect_navigation():
        zhou.page.get_by_role("button", name="Begin").first.click()
    case = zhou.page.url.removeprefix(site.url)
    assert zhou.sees(site.students()[11]["display_name"])
    _consent_and_screen(zhou, case)
    _approve_an_instrument(somebody("gu"))
    _forms(zhou, case)
    _plan_answered_at_home(zhou, student, case)
    zhou.go(case)
    zhou.page.check("input[name=crisis]")
    zhou.press_word("Write the note of a session")
    note = zhou.page.url.removeprefix(site.url)
    for field in ("data", "assessment", "plan", "next_on"):
        zhou.page.fill(f"#{field}", NOTE)
    zhou.press("button[value=sign]")
    assert zhou.sees("Signed. Nobody can change it now, you included."), zhou.page.inner_text("main")[:600]
    zhou.go(note)
    assert zhou.sees(NOTE)
    zhou.page.fill("#addendum", "slept seven hours since")
    zhou.press_word("Append")
    zhou.go(note)
    assert zhou.sees("slept seven hours since") and zhou.page.locator("#data").count() == 0
    _good_end(zhou, student, case)

    for who in ("teacher", "leader", "admin", "desk", "lin", "gu", "shen", "manager", "expert", "supervisor"):
        other = somebody(who)
        for path in (case, note, f"{case}/intake"):
            assert other.go(path) == 404
            assert not other.sees(NOTE)
    for other in (somebody(site.students()[8]["student_no"], phone=True), student):
        assert other.go(case) == 404
    code = _filed(site, zhou, somebody, case, note)
    read_with_the_clients_own_yes(zhou, student, somebody, code)


def _approve_an_instrument(gu: Any) -> None:
    gu.go("/instruments")
    wanted = {"code": "A7", "version": "1", "title": "Seven questions", "items": "7", "lowest": "0", "highest": "3"}
    for name, value in wanted.items():
        gu.page.fill(f"#{name}", value)
    gu.press("main form button.btn-primary")
    assert gu.sees("Seven questions")


def _good_end(zhou: Any, student: Any, case: str) -> None:
    """T19, T20, T23: the student ends it at home and gives marks; both parts, agreed follow-ups, and completed."""
    zhou.go(case)
    zhou.page.locator("summary", has_text="Other ways to go").click()
    zhou.press_word("End it together")
    sign(zhou, f"{case}/report", summary="one talk", goals_reached="sleeps", advice="go on with the diary")
    student.go("/file")
    for code in ("understood", "useful", "goal", "change", "again"):
        student.page.locator(f"input[name={code}][value='5'] + span").click()
    student.press("form[action*='/evaluate'] button[value=yes]")
    zhou.go(f"{case}/evaluation")
    zhou.page.check("input[name=counsellor_mark][value='4']")
    zhou.page.fill("#conclusion", "the goal is reached")
    zhou.press("button[value=sign]")
    zhou.go(f"{case}/closing")
    zhou.page.check("form[action$='/follow-ups'] input[value=yes]")
    day = datetime.now(UTC).date()
    zhou.page.fill("#first", (day + timedelta(days=21)).isoformat())
    zhou.page.fill("#second", (day + timedelta(days=90)).isoformat())
    zhou.page.fill("#contact", "in the page")
    zhou.page.fill("#when", "at noon")
    zhou.press("form[action$='/follow-ups'] button")
    zhou.press_word("Into follow-up")
    zhou.go(f"{case}/follow-up/1")
    assert zhou.page.input_value("#channel") == "in the page · at noon"
    zhou.page.check("input[name=reached][value=no]")
    zhou.page.fill("#risk", "nothing seen")
    zhou.press("button[value=sign]")
    assert zhou.sees("The agreed day has not come yet") and zhou.page.input_value("#risk") == "nothing seen"
    zhou.page.check("input[name=reached][value=yes]")
    zhou.press("button[value=sign]")
    student.go("/file")
    student.press_word("I would rather not be asked")
    zhou.go(case)
    zhou.press_word("All settled: close")
    assert zhou.go(case) == 200 and zhou.sees("goals reached")
    assert zhou.go(f"{case}/assessment") == 404


def _filed(site: Any, zhou: Any, somebody: Callable[..., Any], case: str, note: str) -> str:
    """T25: handed in with the list signed, sent back once, counted by keyboard, sealed; then the key is the archive's alone.

    Returns the code it was filed under.
    """
    zhou.go(f"{case}/hand-in")
    number, shen = zhou.page.locator(".crumbs li").first.inner_text(), somebody("shen")
    for pages in ("two", "2"):
        zhou.go(f"{case}/hand-in")
        zhou.page.fill("#pages", pages)
        assert zhou.barriers_in_both_themes() == []
        zhou.press("main form button.btn-primary")
        if pages == "two":
            assert zhou.page.locator("#pages-error").count() and zhou.page.input_value("#pages") == "two"
            zhou.page.fill("#pages", "1")
            zhou.press("main form button.btn-primary")
            assert zhou.sees("the archivist counts it") and zhou.go(f"{case}/hand-in") == 404
            shen.go("/")
            assert shen.barriers_in_both_themes() == []
            shen.press(f"th a:has-text('{number}')")
            shen.page.locator("summary", has_text="Send it back").click()
            shen.page.check("input[name=flaws][value=pages]")
            assert shen.barriers_in_both_themes() == []
            shen.press("button[value=back]")
            zhou.go("/handed-in")
            assert zhou.barriers_in_both_themes() == []
            zhou.press(f"main li:has-text('{number}'):has-text('sent back') a.quiet-title")
            assert zhou.sees("the pages do not add up")
    shen.go("/archive")
    shen.press(f"th a:has-text('{number}')")
    here = shen.page.url
    boxes = shen.page.locator("input[name=counted]")
    boxes.first.focus()
    for _one in range(boxes.count()):
        shen.page.keyboard.press("Enter")
    assert shen.page.locator("[data-counted]").inner_text() == str(boxes.count())
    shen.page.keyboard.type("3")
    shen.press("button[value=seal]")
    assert shen.page.locator("#pages-error").count() and not shen.page.locator("#contents-error").count()
    assert shen.page.locator("input[name=counted]:checked").count() == boxes.count()
    shen.page.fill("#pages", "2")
    shen.press("button[value=seal]")
    assert shen.sees("Sealed as QZ001-XL") and shen.go(here.split("/", 3)[3].join(["/", ""])) == 404
    shen.go("/archive/catalogue")
    assert shen.sees(f"Case {number}") and shen.barriers_in_both_themes() == []
    shen.press("main th a")
    assert shen.barriers_in_both_themes() == [] and shen.sees("Check value of the seal") and shen.sees("Informed consent 1")
    assert len(pikepdf.open(BytesIO(shen.page.pdf())).pages) >= 2
    assert zhou.go(shen.page.url.removeprefix(site.url)) == 404
    shen.go(f"/archive/spines?year={datetime.now(UTC).year}")
    assert shen.sees("QZ001-XL") and shen.barriers_in_both_themes() == []
    for who in (zhou, shen):
        for path in (case, note, f"{case}/recordings", f"{case}/material", f"{case}/hand-in"):
            assert who.go(path) == 404, path
    zhou.go("/handed-in")
    filed = zhou.page.locator("main li", has_text=number).inner_text()
    return re.search(r"filed as (QZ001-XL\S+)", filed)[1]  # type: ignore[index]


def _consent_and_screen(zhou: Any, case: str) -> None:
    zhou.go(f"{case}/consent")
    zhou.page.fill("#emergency_contact", "Aunt, 139")
    zhou.press_word("Record the consent")
    assert zhou.sees("Explain every point and tick it when it has been understood.")
    for box in zhou.page.locator("input[name=points]").all():
        box.check()
    zhou.page.check("input[name=way][value=in_room]")
    assert zhou.page.input_value("#emergency_contact") == "Aunt, 139"
    wanted = "not_needed" if zhou.sees("guardian's part is not needed") else "informed"
    zhou.page.check(f"input[name=guardian][value={wanted}]")
    zhou.press_word("Record the consent")
    yes_on_the_lent_screen(zhou, case)
    zhou.go(f"{case}/screen")
    for code in ("q1", "q2", "q3", "q4", "q5", "q6a", "q6b", "q7", "q8a", "q8b", "q9", "q10", "q11", "q12"):
        zhou.page.locator(f"input[name={code}][value=no] + span").click()
    _late_answer_never_wins(zhou)
    zhou.press("button[value=save]")


def _late_answer_never_wins(zhou: Any) -> None:
    """The answer to an earlier tick comes after the answer to a later one, as it may with two workers."""
    held: list[Any] = []
    zhou.page.route("**/screen", lambda route: route.continue_() if held else held.append(route))
    zhou.page.locator("input[name=q12][value=yes] + span").click()
    zhou.page.locator("input[name=q12][value=no] + span").click()
    zhou.page.locator("input[name=q1][value=yes] + span").click()
    zhou.page.wait_for_selector("output .risk-1")
    with suppress(Error):
        held[0].continue_()
    zhou.page.wait_for_timeout(300)
    assert zhou.page.locator("output .risk-1").is_visible() and zhou.page.locator("[data-stale]").is_hidden()
    zhou.page.unroute("**/screen")


def yes_on_the_lent_screen(zhou: Any, case: str) -> None:
    zhou.go(case)
    zhou.press('a.btn-primary:has-text("The client\'s yes")')
    zhou.press("button[value=in_room]")
    assert zhou.sees("Informed consent")
    assert zhou.go("/cases") == 200 and not zhou.sees("Case 0")
    zhou.page.go_back()
    zhou.press("button[value=yes]")
    assert zhou.sees("Thank you")
    zhou.press_word("For the counsellor: type the passphrase")
    zhou.page.fill("#passphrase", zhou.site.passphrase())
    zhou.press("main form button.btn-primary")
    assert zhou.go(case) == 200


def _plan_answered_at_home(zhou: Any, student: Any, case: str) -> None:
    zhou.go(case)
    zhou.press_word("Begin counselling")
    assert zhou.sees("agree"), zhou.page.inner_text("main")[:400]
    student.go("/file")
    student.page.locator("a", has_text="Plan").first.click()
    for code in ("order", "goals", "method", "times"):
        student.page.locator(f"input[name=point_{code}][value=yes] + span").click()
    student.press("button[value=yes]")
    zhou.go(case)
    zhou.press_word("Begin counselling")


def _forms(zhou: Any, case: str) -> None:
    zhou.go(f"{case}/intake")
    for field in ("presenting_complaint", "course", "past_help", "expectations"):
        zhou.page.fill(f"#{field}", "as told")
    zhou.page.fill("#disposition", "诊断为焦虑")
    for field in ("in_scope", "within_competence"):
        zhou.page.locator(f"input[name={field}][value=yes] + span").click()
    zhou.page.check("input[name=no_conflict][value=yes]")
    zhou.press("button[value=sign]")
    assert zhou.sees("This says diagnosis or treatment")
    zhou.page.fill("#disposition", "go on to assessment")
    zhou.press("button[value=sign]")
    zhou.press_word("On to assessment")
    zhou.go(f"{case}/results")
    zhou.page.select_option("#instrument", index=0)
    zhou.page.fill("#answers", "2 2 2 2 2 2 9")
    zhou.page.fill("#score", "14")
    zhou.page.fill("#on_date", (datetime.now(UTC).date() - timedelta(days=2)).isoformat())
    zhou.press("main form button.btn-primary")
    assert zhou.sees("Error") and zhou.page.input_value("#answers") == "2 2 2 2 2 2 9"
    zhou.page.fill("#answers", "2 2 2 2 2 2 2")
    zhou.press("main form button.btn-primary")
    assert zhou.sees("14")
    zhou.go(f"{case}/assessment")
    zhou.page.select_option("#main_problem", "P01")
    zhou.page.select_option("#severity", "LV1")
    zhou.page.check("input[name=basis][value=interview]")
    zhou.page.fill("#severity_reason", "the criteria were not all asked yet")
    zhou.page.check("input[name=medical_advice][value=no]")
    zhou.page.fill("#causes", "exams, little sleep")
    zhou.press("button[value=sign]")
    assert zhou.sees("Error") and zhou.page.input_value("#causes") == "exams, little sleep"
    for criterion in ("duration", "distress", "function", "generalisation", "conflict_type", "insight"):
        zhou.page.select_option(f"#{criterion}", index=1)
    zhou.press("button[value=sign]")
    zhou.press_word("On to the plan")
    zhou.go(f"{case}/plan")
    for field in ("problem_order", "goals", "method", "number", "frequency", "place", "duties", "progress", "support"):
        zhou.page.fill(f"#{field}", "sleep first")
    zhou.press("button[value=sign]")


def test_a_yes_shows_the_numbers_and_calls_duty_before_anything_is_sent(site: Any, somebody: Make) -> None:
    """Given a yes to a safety question; when the step is answered; then numbers stand there and duty has a task."""
    student = somebody(site.students()[0]["student_no"], phone=True)
    student.go("/book")
    student.page.locator("label.slot").first.click()
    student.press(".actbar button")
    student.page.click(".tick-box")
    student.press(".actbar button")
    for code, value in (("q1", "no"), ("q2", "yes"), ("q7", "no"), ("urgent", "no")):
        student.page.locator(f"input[name={code}][value={value}] + span").click()
    student.page.check("input[name=contact_way][value=phone]")
    student.press(".actbar button")
    assert student.sees("Write a telephone number")
    assert student.sees("Thank you for saying it") and student.sees("12356")
    student.page.check("input[name=contact_way][value=in_page]")
    student.press(".actbar button")
    assert student.sees("Thank you for saying it") and student.sees("12356")
    duty = somebody("chen")
    duty.go("/duty")
    links = [link.get_attribute("href") for link in duty.page.locator("a.quiet-title").all()]
    seen = []
    for path in [path for path in links if path and "/task/" in path]:
        duty.go(path)
        seen.append(duty.sees(site.students()[0]["display_name"]))
    assert any(seen)


def test_without_script_a_student_books_and_cancels(site: Any, somebody: Make) -> None:
    """Given a browser without script; when a student books and cancels; then both work."""
    student = somebody(site.students()[1]["student_no"], phone=True, script=False)
    book(student, "林汀")
    assert student.sees("The time is held for you")
    student.press_word("Cancel")
    assert student.sees("You can book again whenever you like.")


def test_after_signing_out_back_shows_nothing(site: Any, somebody: Make) -> None:
    """Given a shared computer; when a counsellor signs out and somebody presses Back; then nothing of hers is there."""
    lin = somebody("lin")
    lin.go("/cases")
    assert lin.sees("Cases")
    lin.press_word("Sign out")
    lin.page.go_back()
    assert not lin.sees("Case 0")
    assert lin.page.locator("#passphrase").count() == 1


def test_locking_keeps_what_was_typed(site: Any, somebody: Make) -> None:
    """Given a concern half-written; when the sign-in has ended meanwhile; then the text goes on after signing in."""
    teacher = somebody("teacher")
    teacher.go("/concern")
    teacher.page.fill("#about", "somebody in my class")
    teacher.page.fill("#text", "has been sitting alone for two weeks")
    teacher.page.context.clear_cookies(name="sign-in")
    teacher.press("form.paper button.btn-primary")
    assert teacher.sees("What you typed is kept")
    teacher.page.fill("#login", "teacher")
    teacher.page.fill("#passphrase", site.passphrase())
    teacher.press("form button.btn-primary")
    assert teacher.sees("What you typed is still here")
    teacher.press("main form button")
    assert teacher.sees("Thank you for telling us")


def test_a_hostile_form_changes_nothing(site: Any, somebody: Make) -> None:
    """Given bad input of every kind; when it is sent; then the answer is a page with a message and no stack trace."""
    teacher = somebody("teacher")
    bad = ["", "x" * 100_000, "😀‮\u200b", "<script>alert(1)</script>{{7*7}}", "' OR 1=1 --"]
    for text in bad:
        teacher.go("/concern")
        teacher.page.fill("#about", text[:59] or "")
        teacher.page.fill("#text", text)
        teacher.press("form.paper button.btn-primary")
        assert not teacher.sees("Traceback") and not teacher.sees("49")
        assert teacher.sees("Thank you") or teacher.sees("Error: please look at this again")
    request = teacher.page.request
    form = {"csrf_token": teacher.page.locator("[name=csrf_token]").first.get_attribute("value") or ""}
    teacher.go("/concern")
    form = {"csrf_token": teacher.page.locator("[name=csrf_token]").first.get_attribute("value") or ""}
    for path in ("/cases/x/decide", "/duty/task/0", "/staff/x/vouch", "/my-times/x/cancel", "/nothing"):
        assert request.post(site.url + path, form=form).status == 404
    assert request.post(site.url + "/concern", form={"about": "x", "text": "y"}).status == 400
    assert request.get(site.url + "/concern?a=1&a=2").status == 400


def test_no_name_or_number_lies_in_clear_in_any_file(site: Any, somebody: Make) -> None:
    """Given the demonstration at work; when every file of the instance is searched; then none of its people is found."""
    student = somebody(site.students()[0]["student_no"], phone=True)
    student.go("/who-sees")
    hits = []
    for path in site.folder.rglob("*"):
        body = path.read_bytes() if path.is_file() else b""
        hits += [(path.name, word) for word in site.people if word.encode() in body]
    assert hits == []


def test_leaving_quickly_ends_the_sign_in(site: Any, somebody: Make) -> None:
    """Given a student who must leave; when the way out is pressed; then the sign-in is gone on the server."""
    student = somebody(site.students()[2]["student_no"], phone=True)
    cookies = student.page.context.cookies()
    answer = student.page.request.get(site.url + "/leave", max_redirects=0)
    assert answer.status == 303 and "cache" in answer.headers["clear-site-data"]
    student.page.context.add_cookies(cookies)
    student.go("/who-sees")
    assert re.search("/sign-in", student.page.url)
