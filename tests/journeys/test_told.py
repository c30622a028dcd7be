"""C3 from an unfinished form to those who help, C4 and C8 where adults ask: played by everybody, those who see nothing too."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.journeys.test_disclosure import choose, letters, recipient
from tests.journeys.test_pathway import open_case, sign

Make = Callable[..., Any]
pytestmark = pytest.mark.xdist_group("site")
STAY, CAUSE = "Stay with them, ring 8012, lock the store room.", "the parents separate"


def alarm(student: Any) -> None:
    """Answer the safety questions of a booking with a yes, and close the page: nothing is ever sent."""
    student.go("/book")
    student.page.locator("label.slot").first.click()
    student.press(".actbar button")
    student.page.click(".tick-box")
    student.press(".actbar button")
    for code, value in (("q1", "yes"), ("q2", "yes"), ("q7", "yes"), ("urgent", "no")):
        student.page.locator(f"input[name={code}][value={value}] + span").click()
    student.page.check("input[name=contact_way][value=phone]")
    student.page.fill("#phone", "13900007777")
    student.press(".actbar button")
    assert student.sees("12356") and student.sees("120")


def task_about(duty: Any, phone: str) -> str:
    """Find the task whose alarm names a number."""
    duty.go("/duty")
    for path in [link.get_attribute("href") for link in duty.page.locator("a.quiet-title[href*='/task/']").all()]:
        duty.go(str(path))
        if duty.sees(phone):
            return str(path)
    raise AssertionError("no such task")


def test_c3_from_an_unfinished_form_to_those_who_help(site: Any, somebody: Make) -> None:
    """Duty rings, level 4, told at once with nobody's yes; each sees their part; the reason stays in the room."""
    student = somebody(site.students()[8]["student_no"], phone=True)
    alarm(student)
    duty = somebody("chen")
    task = task_about(duty, "13900007777")
    duty.press("button[name=level][value='4']")
    place = str(duty.page.url.removeprefix(site.url))
    assert duty.sees("nobody waits for a signature")
    duty.page.check("input[name=code][value=EX1]")
    duty.page.fill("#purpose", "Rescue")
    recipient(duty, "r0", "guardian", "Mother", "code")
    duty.page.fill("#r0_phone", "139 0000 4321")
    choose(duty, "r0", {"concern": "", "facts": "Pills in hand, store room, now.", "advice": "Come to the school clinic."})
    recipient(duty, "r1", "related", "Dormitory keeper", "code")
    duty.page.fill("#r1_phone", "139 0000 8765")
    choose(duty, "r1", {"advice": STAY})
    duty.page.check("input[name=informed][value=told]")
    duty.press("button[value=check]")
    duty.press("button[value=submit]")
    preview = letters(duty)
    duty.press("button[value=send]")
    codes = [code.inner_text() for code in duty.page.locator("b.code").all()]
    assert len(codes) == 2 and letters(duty) == preview
    mother, keeper = somebody("", phone=True), somebody("", phone=True)
    for person, code, digits in ((mother, codes[0], "4321"), (keeper, codes[1], "8765")):
        person.go("/told")
        person.page.fill("#code", code)
        person.page.fill("#digits", digits)
        person.press("main form button")
        person.page.check("#promised")
        person.press("button[value=open]")
    assert keeper.sees(STAY) and not keeper.sees("Pills") and not keeper.page.locator("button[value=facts]").count()
    mother.press("button[value=facts]")
    assert mother.sees("Pills in hand") and not mother.sees(CAUSE)
    duty.go(task)
    duty.page.check("input[name=outcome][value=reached_handed_over]")
    duty.press("form:has(input[name=outcome]) button")
    student.go("/told-about-me")
    assert student.sees("Come to the school clinic.") and student.sees(STAY)
    for who in ("zhou", "teacher", "leader", "admin", "desk", "manager", "shen"):
        other = somebody(who)
        assert other.go(place) == 404 and other.go(place.removesuffix("/edit")) == 404, who
    gu = somebody("gu")
    gu.go("/disclosures")
    assert gu.page.locator(f"a[href='{place.removesuffix('/edit')}/review']").count() == 1


def test_c4_whoever_asks_has_the_same_answer(site: Any, somebody: Make) -> None:
    """The stepfather at the desk, the class teacher on the own page: neither confirmed nor denied, and nothing is looked up."""
    said = set()
    for who, asks, wants in (
        ("desk", "guardian", "is_client"),
        ("teacher", "class_teacher", "file"),
        ("manager", "other", "result"),
    ):
        person = somebody(who)
        person.go("/asked")
        assert person.page.locator("main input[type=text], main textarea").count() == 0
        person.press("main form button")
        assert person.sees("Choose one of the answers.")
        person.page.check(f"input[value={asks}]")
        person.page.check(f"input[value={wants}]")
        person.press("main form button.btn-primary")
        said.add(person.page.locator("article .voice").inner_text())
        assert person.barriers_in_both_themes() == []
    assert len(said) == 1
    leader = somebody("leader")
    leader.go("/")
    assert not leader.page.locator("a[href*='/cases'], a[href*='/search'], a[href*='/students']").count()


def test_c4_a_formal_paper_gets_what_it_names_after_a_legal_opinion(site: Any, somebody: Make) -> None:
    """EX4: without the paper's number it does not leave; the director's yes needs the opinion; only what is named goes."""
    chen, gu = somebody("chen"), somebody("gu")
    case = open_case(chen, "0023")
    chen.press("form[action$='/disclose'] button")
    place = str(chen.page.url.removeprefix(site.url))
    chen.page.check("input[name=code][value=EX4]")
    chen.page.fill("#purpose", "Proceedings 17")
    recipient(chen, "r0", "authority", "District court", "spoken")
    choose(chen, "r0", {"content": "Own statement of 3 May, as written down."})
    chen.page.check("input[name=informed][value=told]")
    chen.press("button[value=check]")
    assert chen.page.locator("#door-error").count() or chen.page.locator("#paper_no-error").count()
    chen.page.check("input[name=door][value=paper]")
    chen.page.fill("#paper_no", "(2026) 17")
    chen.page.fill("#paper_body", "District court")
    chen.press("button[value=check]")
    chen.press("button[value=submit]")
    show = place.removesuffix("/edit")
    assert chen.sees("waits for a yes") and not chen.page.locator("button[value=send]").count()
    assert gu.go(f"{show}/approve") == 200 and not gu.sees(case)
    gu.press("button[value=yes]")
    assert gu.barriers_in_both_themes() == [] and gu.page.locator("#opinion-error").count()
    gu.page.fill("#opinion_by", "Legal expert")
    gu.page.fill("#opinion", "Only the own statement; others' names masked.")
    gu.press("button[value=yes]")
    chen.go(show)
    chen.press("button[value=send]")
    assert chen.sees("Sent.") or chen.sees("sent")
    for who in ("leader", "teacher", "admin", "expert"):
        assert somebody(who).go(show) == 404


def test_c2_back_to_school_after_a_crisis(site: Any, somebody: Make) -> None:
    """C2 5, C3 5: no return without a new record; supervision is written down; nobody else sees any of it."""
    chen = somebody("chen")
    case = open_case(chen, "0023")
    said = {"opinion": "“建议返校，门诊随访”", "sheet_place": "cupboard 2", "guardian_met": "mother, yesterday", "found": "calm"}
    said |= {"contact_plan": "every Tuesday", "classmates": "was ill for a while", "teacher_lines": "no questions\nring 8012"}
    here = datetime.now(ZoneInfo(site.environ["COUNSEL_TIME_ZONE"])).date().isoformat()
    sign(chen, f"{case}/return", interviewed_on=here, **said)
    assert chen.sees("A new crisis record") and chen.page.input_value("#classmates") == "was ill for a while"
    assert chen.barriers_in_both_themes() == []
    record = {"found": "re-entry talk", "protective": "a friend", "why": "no plans", "measures": "pills put away"}
    record |= {
        "notified": "the mother",
        "who_stays": "mother",
        "next_review": "in a week",
        "duty_needs": "ring the mother",
        "reach": "139",
        "unasked": "asked again next week, the mother was in the room",
    }
    sign(chen, f"{case}/crisis?number=2", **record)
    assert chen.sees("Signed. Nobody can change it now")
    sign(chen, f"{case}/return", interviewed_on=here, **said)
    assert chen.sees("Signed. Nobody can change it now")
    sign(chen, f"{case}/supervision?number=2", with_whom="柳青", on_date=here, question="how to go on", agreed="slowly")
    assert chen.sees("Signed. Nobody can change it now")
    chen.go(f"{case}/told")
    chen.page.select_option("#whom", "guardian")
    chen.press("main form button.btn-primary")
    assert chen.page.locator("#words-error").count()
    chen.page.fill("#words", "by telephone, the least")
    chen.press("main form button.btn-primary")
    assert chen.sees("by telephone, the least")
    for who in ("gu", "teacher", "leader", "supervisor", "admin", "zhou"):
        other = somebody(who)
        assert [other.go(f"{case}/{page}") for page in ("return", "supervision", "told")] == [404] * 3, who
