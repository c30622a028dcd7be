"""The later pathway in a real browser: a student ends it, a case is handed over, one from paper, a search; and who must not."""

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]
pytestmark = pytest.mark.xdist_group("site")
OTHERS = ("teacher", "leader", "admin", "desk", "gu", "shen", "manager", "expert", "supervisor")


def open_case(person: Any, number: str) -> str:
    """Open a case of the caseload by its number and return its path."""
    person.go("/cases")
    person.press(f"a.quiet-title:has-text('{number}')")
    return str(person.page.url.removeprefix(person.site.url))


def sign(person: Any, path: str, **fields: str) -> None:
    """Fill the fields of a form and sign it."""
    person.go(path)
    for name, words in fields.items():
        person.page.fill(f"#{name}", words)
    person.press("button[value=sign]")


def evaluate_by_phone(person: Any, case: str, conclusion: str) -> None:
    """Enter the client's marks as told by telephone, and sign the counsellor's own part."""
    person.go(f"{case}/closing")
    for mark in ("understood", "useful", "goal", "change", "again"):
        person.page.fill(f"#{mark}", "4")
    person.page.check("form[action$='/marks'] input[value=by_phone]")
    person.press("form[action$='/marks'] button")
    person.go(f"{case}/evaluation")
    person.page.check("input[name=counsellor_mark][value='4']")
    person.page.fill("#conclusion", conclusion)
    person.press("button[value=sign]")


def test_a_student_ends_counselling_alone_and_the_counsellor_closes_it(site: Any, somebody: Make) -> None:
    """C6: own goals, homework declined, the way out at once, one gentle offer declined; report, then closed for writing."""
    student = somebody(site.students()[5]["student_no"], phone=True)
    student.go("/file")
    student.page.fill("textarea[name=goals]", "to dare and raise my hand")
    student.press("form[action*='/goals'] button")
    assert student.page.input_value("textarea[name=goals]") == "to dare and raise my hand"
    student.press("button[value=declined]")
    assert student.sees("Whatever came of it")
    student.press("a:has-text('End counselling')")
    student.press_word("End it")
    assert student.sees("Ended. The door stays open")
    student.press("form[action*='/evaluate'] button[value=yes]")
    assert student.sees("Give every line a mark from 1 to 5")
    student.go("/file")
    student.press("form[action*='/evaluate'] button[value=no]")
    assert student.sees("That is all right")

    lin = somebody("lin")
    case = open_case(lin, "0006")
    assert lin.sees("The client has ended counselling") and lin.sees("to dare and raise my hand")
    lin.go(f"{case}/closing")
    lin.page.select_option("#reason", "withdrawn")
    lin.press_word("Close the case")
    assert lin.sees("report") and not lin.sees("Closed. It can be read")
    sign(lin, f"{case}/report", summary="four talks", goals_reached="sleeps", advice="go on writing it down")
    lin.go(f"{case}/closing")
    lin.page.select_option("#reason", "withdrawn")
    lin.press_word("Close the case")
    assert lin.sees("Closed. It can be read, and no longer written.")
    assert lin.go(case) == 200 and lin.go(f"{case}/assessment") == 404 and lin.go(f"{case}/report") == 404
    for who in OTHERS:
        other = somebody(who)
        assert [other.go(path) for path in (case, f"{case}/closing", f"{case}/report")] == [404, 404, 404]


def test_a_case_is_handed_over_with_the_summary_read_by_both(site: Any, somebody: Make) -> None:
    """C5: the director chooses without reading, the client says yes, the key goes over; the old one reads and writes no more."""
    zhou, gu, lin = somebody("zhou"), somebody("gu"), somebody("lin")
    case = open_case(zhou, "0010")
    assert zhou.sees("The director chooses who takes it over.")
    gu.go("/direct")
    gu.page.fill("#number", "10")
    gu.page.select_option("#to", label="林汀")
    gu.press("button[value=assign]")
    assert gu.sees("Done.") and gu.go(case) == 404
    zhou.go(case)
    zhou.press_word("Hand the key over")
    assert not zhou.sees("The key is handed over")
    sign(zhou, f"{case}/hand-over", course="one talk", goals="sleep", agreed="a diary", open_matters="friends")
    zhou.go(case)
    zhou.press('a.btn-primary:has-text("The client\'s yes")')
    zhou.page.check("input[name=way][value=on_paper]")
    zhou.page.fill("#sheet_place", "cupboard 1")
    zhou.press("form:has(#sheet_place) button[value=yes]")
    zhou.press_word("Hand the key over")
    lin.go("/incoming")
    lin.press("a.quiet-title:has-text('0010')")
    assert lin.sees("a diary") and lin.go(case) == 404
    lin.page.go_back()
    assert lin.barriers_in_both_themes() == []
    lin.page.check("input[name=no_conflict]")
    lin.press_word("Accept")
    assert lin.sees("The case is yours") and lin.go(f"{case}/screen") == 200
    assert zhou.go(f"{case}/sessions/1") == 200 and zhou.go(f"{case}/screen") == 404
    for who in OTHERS:
        assert somebody(who).go(f"/incoming/{case.rsplit('/', 1)[1]}") == 404


def test_a_running_case_comes_over_from_paper(site: Any, somebody: Make) -> None:
    """T00: what is missing stands beside its field and nothing typed is lost; two signatures; then consent anew."""
    chen, gu = somebody("chen"), somebody("gu")
    chen.go("/paper")
    chen.page.fill("#student_no", "W20260058")
    chen.page.fill("#place", "cupboard 3")
    chen.page.fill("#reason", "a new system in mid-term")
    chen.press_word("Ask the director to sign")
    assert chen.sees("Error: please look at this again") and chen.page.input_value("#place") == "cupboard 3"
    for code in ("F02", "F03", "F04", "F05"):
        chen.page.fill(f"#{code}_on", "2026-03-02")
        chen.page.fill(f"#{code}_sheets", "2")
    chen.page.fill("#began_on", "2026-02-24")
    chen.page.fill("#talks", "3")
    chen.page.check("input[name=no_conflict]")
    chen.press_word("Ask the director to sign")
    assert chen.sees("waits for the director")
    gu.go("/")
    gu.press("a[href*='/countersign/'] >> nth=-1")  # the newest
    assert gu.sees("Take over a running case from paper") and gu.sees("cupboard 3") and not gu.sees("W20260058")
    gu.press("button[value=yes]")
    chen.go("/paper")
    chen.press_word("Open the case")
    assert chen.sees("Renew the consent") and chen.sees("Forms held on paper")
    chen.page.check("input[name=crisis]")
    chen.press_word("Write the note of a session")
    assert chen.sees("The limits of confidentiality have not been explained")


def test_a_search_finds_the_own_cases_only(site: Any, somebody: Make) -> None:
    """Names and every text, in memory; a colleague's cases are not there."""
    zhou = somebody("zhou")
    zhou.go("/search")
    zhou.page.fill("#words", "睡眠记录")
    zhou.press("main form button")
    found = numbers_on(zhou)
    theirs = somebody("lin"), somebody("chen")
    for other in theirs:
        other.go("/cases")
    assert found and not any(found & numbers_on(other) for other in theirs)
    for who in ("desk", "teacher", "leader", "admin", "shen"):
        assert somebody(who).go("/search") == 404


def numbers_on(person: Any) -> set[str]:
    """Return the case numbers a list shows."""
    return {text[5:9] for text in person.page.locator("main a.quiet-title").all_inner_texts()}


def test_to_a_doctor_with_feedback_and_a_good_end_with_follow_up(site: Any, somebody: Make) -> None:
    """C2 to T12, and T20: feedback with the wording lint, marks by telephone, both parts of the evaluation, follow-ups agreed."""
    zhou = somebody("zhou")
    case = open_case(zhou, "0007")
    zhou.press_word("Record the feedback")
    zhou.page.check("input[name=source][value=client]")
    zhou.page.fill("#text", "诊断为焦虑症")
    zhou.press("main form button.btn-primary")
    assert zhou.sees("This says diagnosis or treatment") and zhou.page.input_value("#text") == "诊断为焦虑症"
    zhou.page.fill("#text", "医生说“焦虑状态”，先观察")
    zhou.press("main form button.btn-primary")
    sign(zhou, f"{case}/report", summary="one talk", goals_reached="none yet", advice="see the doctor again")
    evaluate_by_phone(zhou, case, "the doctor goes on")
    zhou.go(f"{case}/closing")
    zhou.page.check("form[action$='/follow-ups'] input[value=no]")
    zhou.press("form[action$='/follow-ups'] button")
    zhou.page.select_option("#reason", "medical_referral")
    zhou.press_word("Close the case")
    assert zhou.sees("Closed. It can be read"), zhou.page.inner_text("main")[:600]
    for who in OTHERS:
        assert somebody(who).go(f"{case}/feedback/1") == 404


def test_a_follow_up_is_held_and_the_case_is_completed(site: Any, somebody: Make) -> None:
    """T23: what was agreed is asked, or declined, before the case counts as completed."""
    zhou = somebody("zhou")
    case = open_case(zhou, "0013")
    zhou.go(f"{case}/follow-up/1")
    zhou.page.fill("#channel", "in the page")
    zhou.page.check("input[name=reached][value=yes]")
    zhou.page.fill("#state", "sleeps well")
    zhou.page.fill("#risk", "nothing seen")
    zhou.press("button[value=sign]")
    zhou.go(case)
    zhou.press_word("All settled: close")
    assert zhou.sees("planned") or zhou.sees("follow-up")
    zhou.go(case)
    zhou.press("button[name=decline][value='2']")
    zhou.go(case)
    zhou.press_word("All settled: close")
    assert zhou.go(case) == 200 and zhou.sees("goals reached")
    assert zhou.go(f"{case}/follow-up/2") == 404


def test_no_agreement_ends_with_the_door_open(site: Any, somebody: Make) -> None:
    """C5: the plan says what stays open and what else was offered; without it the case does not end for that reason."""
    lin = somebody("lin")
    case = open_case(lin, "0003")
    words = dict.fromkeys(("problem_order", "goals", "method", "number", "frequency", "place", "duties", "progress"), "sleep")
    sign(lin, f"{case}/plan", **words, support="nobody for now", disagreement="the way of working")
    lin.go(f"{case}/closing")
    lin.page.select_option("#reason", "no_agreement")
    lin.press_word("Close the case")
    assert not lin.sees("Closed. It can be read")
    again = dict.fromkeys(words, "sleep") | {"support": "nobody for now", "alternatives": "two institutions named"}
    sign(lin, f"{case}/plan?number=2", **again)
    lin.go(f"{case}/closing")
    lin.page.select_option("#reason", "no_agreement")
    lin.press_word("Close the case")
    assert lin.sees("Closed. It can be read"), lin.page.inner_text("main")[:500]
    for who in OTHERS:
        assert somebody(who).go(f"{case}/plan") == 404


def test_out_of_scope_ends_with_a_referral_in_the_clients_hands(site: Any, somebody: Make) -> None:
    """C5's variant, T03: a no to the scope names somebody else; the case ends with the signed referral, and not before."""
    chen = somebody("chen")
    case = open_case(chen, "0024")
    chen.go(f"{case}/screen")
    for code in ("q1", "q2", "q3", "q4", "q5", "q6a", "q6b", "q7", "q8a", "q8b", "q9", "q10", "q11", "q12"):
        chen.page.locator(f"input[name={code}][value=no] + span").click()
    chen.press("button[value=save]")
    chen.go(f"{case}/intake")
    for name in ("presenting_complaint", "course", "past_help", "expectations", "disposition"):
        chen.page.fill(f"#{name}", "a lawsuit in the family")
    chen.page.locator("input[name=in_scope][value=no] + span").click()
    chen.page.locator("input[name=within_competence][value=yes] + span").click()
    chen.page.check("input[name=no_conflict][value=yes]")
    chen.press("button[value=sign]")
    assert chen.page.locator("#recommendation-error").count()
    chen.page.fill("#recommendation", "legal aid 12348")
    chen.press("button[value=sign]")
    chen.press("button[value=out_of_scope]")
    assert chen.sees("Write and sign the referral (F08) first")
    chen.go(f"{case}/referral")
    assert chen.page.input_value("#target") == "legal aid 12348"
    assert chen.barriers_in_both_themes() == []
    chen.page.select_option("#kind", "social")
    chen.page.select_option("#consent", "asked")
    chen.page.check("input[name=receipt][value=client]")
    for name, words in (("phone", "12348"), ("reason", "asks about a lawsuit"), ("information", "nothing")):
        chen.page.fill(f"#{name}", words)
    chen.press("button[value=sign]")
    assert chen.sees("Signed. Nobody can change it now")
    chen.press("button[value=out_of_scope]")
    assert chen.sees("take down what the client answers"), "the client has not answered"
    chen.go(case)
    chen.press('li:has-text("Referral") a.btn-primary')
    chen.page.check("input[name=way][value=on_paper]")
    chen.page.fill("#sheet_place", "cupboard 1")
    chen.press("form:has(#sheet_place) button[value=yes]")
    chen.go(case)
    chen.press("button[value=out_of_scope]")
    chen.go("/cases")
    assert not chen.page.locator("a.quiet-title:has-text('0024')").count()
    for who in ("teacher", "leader", "admin", "expert", "desk"):
        assert somebody(who).go(f"{case}/referral") == 404
