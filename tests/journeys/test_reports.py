"""A minor who is harmed: reported with nobody's yes; leadership hears that, and of a major event, and nothing else."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

pytestmark = pytest.mark.xdist_group("site")
SEEN = "手臂上有条状伤痕，说是家里人打的"


def minor(person: Any) -> str:
    """Return the page of a case of one's own whose client is a minor and about whom nothing is owed."""
    person.go("/cases")
    links = person.page.locator("a.quiet-title")
    for href in [links.nth(n).get_attribute("href") for n in range(links.count())]:
        person.go(href)
        if person.page.locator("form[action$='/harm']").count() and not person.page.locator("a[href*='/reports/']").count():
            return str(href)
    raise AssertionError("no minor")


def rung(person: Any, site: Any) -> None:
    """Fill in that the police were rung just now."""
    here = datetime.now(ZoneInfo(site.environ["COUNSEL_TIME_ZONE"]))
    person.page.fill("#police_day", here.date().isoformat())
    person.page.fill("#police_clock", f"{here:%H:%M}")
    person.page.fill("#police_taken", "接警员0117")


def test_the_harm_of_a_minor_is_reported(site: Any, somebody: Callable[..., Any]) -> None:
    """From the case: what is missing is said and what was typed stays; then it is made, and the leader sees a day."""
    zhou = somebody("zhou")
    case = minor(zhou)
    zhou.page.locator("details:has(form[action$='/harm']) > summary").click()
    zhou.press("form[action$='/harm'] button")
    assert zhou.barriers_in_both_themes() == []
    address = zhou.page.url.removeprefix(site.url)
    zhou.page.check("input[name=signs][value=violence]")
    zhou.page.fill("#seen", SEEN)
    zhou.press("button[value=make]")
    assert zhou.sees("The police come first") and zhou.page.input_value("#seen") == SEEN
    assert zhou.barriers_in_both_themes() == []
    zhou.go(case)
    assert zhou.page.locator(".flash-stop a[href*='/reports/']").count() == 1
    zhou.go(address)
    for sign in ("violence", "injury"):
        zhou.page.check(f"input[name=signs][value={sign}]")
    zhou.page.fill("#seen", SEEN)
    zhou.page.fill("#safe_now", "今晚住姨妈家")
    rung(zhou, site)
    zhou.page.fill("#suspect_0", "某家长")
    zhou.page.check("input[name=child_knows][value=told]")
    zhou.press("button[value=make]")
    assert zhou.sees(SEEN) and zhou.sees("某家长") and zhou.sees("not acknowledged yet")
    leader = somebody("leader")
    leader.go("/leadership")
    assert leader.sees("A report that the law demands was made") and not leader.sees(SEEN) and not leader.sees("某家长")
    assert leader.page.locator(f"a[href='{address}']").count() == 0
    leader.press("main form button")
    zhou.go(address)
    assert zhou.sees("acknowledged")
    zhou.page.fill("#words", "派出所回电，已立案")
    zhou.press("button[value=add]")
    assert zhou.sees("派出所回电，已立案")
    for who in ("leader", "gu", "chen", "teacher", "admin", "supervisor"):
        other = somebody(who)
        assert other.go(address) == 404, who


def test_leadership_is_told_of_a_major_event(site: Any, somebody: Callable[..., Any]) -> None:
    """A name is refused beside the field; without it the leader reads and acknowledges it; nobody else finds it."""
    manager = somebody("manager", phone=True)
    manager.go("/event")
    manager.page.select_option("#kind", "many")
    manager.page.fill("#what", "方枫班上十人不适")
    manager.page.fill("#measures", "已送医，家长已通知")
    manager.page.fill("#needs", "请到现场")
    manager.press("form .btn-primary")
    assert manager.sees("There are names in the words") and manager.page.input_value("#what") == "方枫班上十人不适"
    assert manager.barriers_in_both_themes() == []
    manager.page.fill("#what", "一个班约十人不适")
    manager.press("form .btn-primary")
    assert manager.sees("Your keys do not look for the names of pupils")
    manager.page.check("[name=no_name]")
    manager.press("form .btn-primary")
    assert manager.sees("not acknowledged yet")
    address = manager.page.url.removeprefix(site.url)
    leader = somebody("leader")
    assert leader.sees("for leadership")
    leader.go("/leadership")
    leader.press("main a.quiet-title")
    assert leader.sees("一个班约十人不适")
    leader.press("button[value=seen]")
    manager.go(address)
    assert manager.sees("acknowledged")
    for who in ("zhou", "teacher", "admin", "desk", "supervisor"):
        other = somebody(who)
        assert other.go(address) == 404, who
    director = somebody("gu")
    assert director.go(address) == 200 and director.sees("一个班约十人不适")
