"""Scenarios of the field played to their end: C2 to the doctor and back, C5 on to somebody outside, a guardian in the room."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.test_pathway import OTHERS, evaluate_by_phone, open_case, sign

Make = Callable[..., Any]
pytestmark = pytest.mark.xdist_group("site")
REFERRED = {"reason": "to be looked at", "target": "City hospital", "phone": "0100-1", "information": "one page"}


def other_ways(person: Any, case: str) -> None:
    """Open the drawer of the rarer steps on a case's page."""
    person.go(case)
    person.page.locator("summary", has_text="Other ways to go").click()


def refer(person: Any, case: str, kind: str) -> None:
    """Sign a referral with the guardian's receipt."""
    person.go(f"{case}/referral")
    person.page.select_option("#kind", kind)
    person.page.select_option("#consent", "asked")
    person.page.check("input[name=receipt][value=guardian]")
    for name, words in REFERRED.items():
        person.page.fill(f"#{name}", words)
    person.press("button[value=sign]")
    assert person.sees("Signed. Nobody can change it now")


def yes_on_paper(person: Any) -> None:
    """Record the yes that was signed on paper, on the page that asks for it."""
    for box in person.page.locator("input[name^=point_][value=yes] + span").all():
        box.click()
    person.page.check("input[name=way][value=on_paper]")
    person.page.fill("#sheet_place", "cupboard 1")
    person.press("form:has(#sheet_place) button[value=yes]")


def consent_on_paper(person: Any, case: str, **guardian: str) -> None:
    """Explain everything anew; the client has signed on paper."""
    person.go(f"{case}/consent")
    for box in person.page.locator("input[name=points]").all():
        box.check()
    person.page.check("input[name=way][value=on_paper]")
    person.page.fill("#sheet_place", "cupboard 1")
    person.page.fill("#emergency_contact", "Aunt, 139")
    grown_up = person.sees("guardian's part is not needed")
    person.page.check(f"input[name=guardian][value={'not_needed' if grown_up else guardian.get('part', 'informed')}]")
    if guardian.get("way"):
        person.page.check(f"input[name=guardian_way][value={guardian['way']}]")
        person.page.fill("#guardian_note", "the mother")
    person.press_word("Record the consent")
    assert person.sees("Consent recorded and sealed."), person.page.inner_text("main")[:500]


def test_c2_to_the_doctor_and_back(site: Any, somebody: Make) -> None:
    """T10, T11: the hospital's paper, a second signature, the consent anew; the step before each is refused in words."""
    chen, gu = somebody("chen"), somebody("gu")
    case = open_case(chen, "0008")
    other_ways(chen, case)
    chen.press_word("Refer to a doctor (after F08)")
    assert chen.sees("Written advice to see a doctor comes first"), chen.page.inner_text("main")[:400]
    refer(chen, case, "medical")
    other_ways(chen, case)
    chen.press_word("Refer to a doctor (after F08)")
    assert chen.sees("Written advice to see a doctor comes first"), "the client has not answered"
    chen.go(case)
    chen.press('li:has-text("Referral") a.btn-primary')
    yes_on_paper(chen)
    other_ways(chen, case)
    chen.press_word("Refer to a doctor (after F08)")
    assert chen.sees("With a doctor")
    chen.press_word("Record the feedback")
    chen.page.check("input[name=source][value=hospital]")
    chen.page.fill("#text", "诊断：焦虑症")
    chen.press("main form button.btn-primary")
    assert chen.page.input_value("#text") == "诊断：焦虑症" and chen.sees("Error: please look at this again")
    chen.page.fill("#text", "医院意见：“焦虑状态”，可以上学")
    chen.page.fill("#sheet_place", "cupboard 2")
    chen.press("main form button.btn-primary")
    chen.press_word("Go on with counselling")
    assert not chen.sees("Homework"), "no way back before the second signature"
    chen.go(case)
    chen.page.get_by_text("After a suspected disorder", exact=True).click()
    chen.page.fill("#why-return", "supportive talks beside the treatment")
    chen.press("form:has(input[value=ask_return]) button")
    gu.go("/")
    gu.press("a[href*='/countersign/'] >> nth=-1")  # the newest
    assert gu.sees("Go on after a suspected disorder") and not gu.sees("焦虑状态")
    assert gu.barriers_in_both_themes() == []
    gu.press("button[value=yes]")
    consent_on_paper(chen, case)
    chen.press_word("Go on with counselling")
    assert chen.sees("The guardian's part is missing for this age"), "a consent renewed without the guardian"
    consent_on_paper(chen, case, part="signed", way="by_phone")
    chen.press_word("Go on with counselling")
    chen.go(case)
    assert chen.sees("Homework"), chen.page.inner_text("main")[:600]
    for who in OTHERS:
        assert [somebody(who).go(f"{case}/{page}") for page in ("feedback/1", "referral")] == [404, 404]


def test_c5_on_to_somebody_outside_with_a_signed_release(site: Any, somebody: Make) -> None:
    """T08: what goes to whom is signed by the client; without it the case does not close for that reason."""
    lin = somebody("lin")
    case = open_case(lin, "0011")
    refer(lin, case, "counsellor")
    other_ways(lin, case)
    lin.page.select_option("#why-to", "client_wish")
    lin.press_word("Ask for a hand-over")
    sign(lin, f"{case}/report", summary="two talks", goals_reached="on the way", advice="go on outside")
    evaluate_by_phone(lin, case, "goes on outside")
    for released in (False, True):
        if released:
            lin.go(case)
            lin.press('li:has-text("Referral") a.btn-primary')
            yes_on_paper(lin)
        lin.go(f"{case}/closing")
        lin.page.select_option("#reason", "transferred_out")
        lin.press_word("Close the case")
        assert lin.sees("Closed. It can be read") is released, lin.page.inner_text("main")[:500]
    for who in OTHERS:
        assert somebody(who).go(f"{case}/report") == 404


def test_a_guardian_answers_in_the_room_and_sees_nothing_the_child_has_told(site: Any, somebody: Make) -> None:
    """G3: handed over, the screen shows the explained points only; a name is asked for; then the passphrase."""
    zhou = somebody("zhou")
    case = open_case(zhou, "0001")
    consent_on_paper(zhou, case, part="signed", way="in_room")
    zhou.press('a.btn-primary:has-text("The guardian\'s yes")')
    zhou.press("button[value=in_room]")
    assert zhou.sees("the limits of secrecy") and not zhou.sees("Aunt, 139")
    zhou.press("button[value=yes]")
    assert zhou.page.locator("#words-error").is_visible()
    assert zhou.go("/cases") == 200 and not zhou.sees("Case 0")
    zhou.page.fill("#words", "mother")
    zhou.press("button[value=yes]")
    zhou.press_word("For the counsellor: type the passphrase")
    zhou.page.fill("#passphrase", site.passphrase())
    zhou.press("main form button.btn-primary")
    zhou.go(case)
    assert not zhou.page.locator('a:has-text("The guardian\'s yes")').count(), zhou.page.inner_text("main")[:500]


def test_level_four_is_on_the_duty_screen_in_three_actions(site: Any, somebody: Make) -> None:
    """C3 3 as far as the room: asked, recorded, on the card; no approval on the way; others see nothing."""
    zhou = somebody("zhou")
    case = open_case(zhou, "0025")
    zhou.go(f"{case}/screen")
    answers = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6a", "q6b", "q8b", "q9", "q10", "q11", "q12"), "no")
    for code, value in {**answers, "q2": "yes", "q7": "yes", "q8a": "yes"}.items():
        zhou.page.locator(f"input[name={code}][value={value}] + span").click()
    zhou.press("button[value=save]")  # one
    assert zhou.sees("imminent") and zhou.sees("The crisis record is due by")
    zhou.press("a:has-text('The crisis record is due by')")
    words = ("found", "protective", "why", "measures", "notified", "duty_needs", "reach")
    for name in words:
        zhou.page.fill(f"#{name}", f"{name}: the aunt has the pills")
    zhou.press("button[value=sign]")
    assert zhou.sees("Error: please look at this again") and zhou.page.input_value("#reach").startswith("reach: ")
    assert zhou.sees("There is no signed safety plan")
    zhou.page.fill("#unplanned", "after the hospital, tomorrow")
    zhou.page.fill("#who_stays", "the aunt, until tomorrow")
    zhou.page.fill("#next_review", "tomorrow")
    zhou.press("button[value=sign]")  # two
    assert zhou.sees("Signed. Nobody can change it now") and not zhou.sees("The crisis record is due by")
    plan = {"signs": "no sleep", "own_steps": "write", "people": "the yard", "professionals": "12356", "means": "put away"}
    sign(zhou, f"{case}/safety-plan", **plan)
    zhou.go(f"{case}/safety-plan")
    assert zhou.sees("put away") and zhou.page.locator("#signs").count() == 0
    zhou.press_word("Write a new one")
    assert zhou.page.input_value("#signs") == ""

    gu = somebody("gu")
    assert gu.go(case) == 404
    gu.go("/duty/cards")
    assert not gu.sees("the aunt has the pills")
    gu.press_word("Open the cards")  # three
    assert gu.sees("duty_needs: the aunt has the pills") and not gu.sees("measures: the aunt") and not gu.sees("found: the aunt")
    assert gu.barriers_in_both_themes() == []
    gu.go("/notices")
    assert gu.sees("Somebody has to be watched over.")
    off_duty = [somebody(who) for who in ("zhou", "chen", "lin")]
    statuses = [(person.go("/duty") == 200 and person.sees("You have duty now"), person.go("/duty/cards")) for person in off_duty]
    assert all(status == (200 if on_duty else 404) for on_duty, status in statuses), statuses
    assert off_duty[2].go(f"{case}/crisis") == 404
    for who in ("desk", "teacher", "leader", "admin", "shen", "manager", "expert", "supervisor"):
        other = somebody(who)
        assert other.go("/duty/cards") == 404 and other.go(f"{case}/crisis") == 404


def test_a_relationship_found_later_hands_the_case_over(site: Any, somebody: Make) -> None:
    """C5, R9-08: declared in one step; the director is told which number and chooses; nobody learns which relationship."""
    chen, gu = somebody("chen"), somebody("gu")
    case = open_case(chen, "0008" if chen.go("/cases") == 200 and chen.sees("0008") else "0005")
    other_ways(chen, case)
    chen.page.select_option("#kind", "own_matter")
    chen.press_word("Declare")
    assert not chen.sees("The case is handed over"), "a soft one needs its reason"
    other_ways(chen, case)
    chen.page.select_option("#kind", "kin")
    chen.press_word("Declare")
    assert chen.sees("The case is handed over") and chen.sees("The director chooses who takes it over.")
    gu.go("/notices")
    assert gu.sees("A case must be handed over because of another relationship.") and not gu.sees("relative")
    assert gu.go(case) == 404
