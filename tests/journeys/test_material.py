"""A counsellor brings a long letter and a scan into a case, in the browser, over a connection that breaks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.journeys.test_axe import _case
from tests.unit.test_inspecting import pdf, script

LONG = "长信的一行，写得很慢。\n".encode() * 300_000  # three parts


def test_a_long_letter_arrives_in_parts_and_goes_on_after_a_break(
    site: Any, somebody: Callable[..., Any], tmp_path: Path
) -> None:
    """The second part is lost on the way: said so, pressed again, kept whole; what runs something is refused with the reason."""
    zhou = somebody("zhou")
    place, page = f"{_case(zhou)}/material", zhou.page
    sent = {"parts": 0}

    def lose_the_second(route: Any) -> None:
        sent["parts"] += 1
        if sent["parts"] == 2:
            route.abort()
        else:
            route.continue_()

    page.route("**/parts?number=*", lose_the_second)
    zhou.go(place)
    (tmp_path / "letter.txt").write_bytes(LONG)
    (tmp_path / "paper.pdf").write_bytes(pdf(script))
    page.fill("#title", "来信一封")
    page.select_option("#kind", "letter")
    page.set_input_files("#file", tmp_path / "letter.txt")
    page.click("form[data-upload] .btn-primary")
    page.get_by_text("Not sent just now").wait_for()
    page.click("form[data-upload] .btn-primary")
    page.get_by_text("Looked through, sealed and kept").wait_for()
    assert sent["parts"] == 4 and zhou.sees("来信一封") and zhou.sees("TXT")
    link = page.locator("a.quiet-title", has_text="来信一封").get_attribute("href")
    answer = page.request.get(f"{site.url}{link}", headers={"Range": "bytes=5-9"})
    assert (answer.status, answer.body()) == (206, LONG[5:10])
    whole = page.request.get(f"{site.url}{link}")
    assert whole.body() == LONG and "attachment" in whole.headers["content-disposition"]
    assert "来信" not in whole.headers["content-disposition"]
    page.fill("#title", "附带程序的文件")
    page.set_input_files("#file", tmp_path / "paper.pdf")
    page.click("form[data-upload] .btn-primary")
    page.get_by_text("The document runs something").wait_for()
    teacher = somebody("teacher")
    assert teacher.go(place) == 404 and teacher.go(str(link)) == 404
