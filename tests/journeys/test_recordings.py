"""A session is recorded for supervision: asked, agreed, sealed, heard by the supervisor, taken back by the client."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.test_axe import _case
from tests.services.test_recordings import sound

pytestmark = pytest.mark.xdist_group("site")
SUPERVISOR = "柳青"
PLAYS = """async (at) => { const player = document.querySelector("audio"); player.currentTime = at; await player.play();
    await new Promise((done) => setTimeout(done, 400)); player.pause(); return [player.duration, player.currentTime]; }"""


def test_a_recording_is_heard_for_supervision_and_taken_back(site: Any, somebody: Callable[..., Any], tmp_path: Path) -> None:
    """Neither counsellor, director nor teacher hears it; the client takes the yes back, and between two pieces it is over."""
    zhou, client = somebody("zhou"), somebody(site.students()[3]["student_no"], phone=True)
    place = f"{_case(zhou)}/recordings"
    zhou.go(place)
    zhou.press("a[href$='/recordings/1']")
    zhou.press("button[value=sign]")
    assert zhou.page.locator("#session_no-error").count()
    zhou.page.fill("#session_no", "1")
    zhou.page.check("input[name=media][value=audio]")
    zhou.page.locator("#supervision label", has_text=SUPERVISOR).locator("input").check()
    zhou.page.fill("#until", str(date.today() + timedelta(days=60)))
    assert zhou.barriers_in_both_themes() == []
    zhou.press("button[value=sign]")
    zhou.go(place)
    assert zhou.sees("waits for the client's yes") and not zhou.page.locator("input[type=file]").count()
    client.go("/file")
    client.page.get_by_text("Recording consent").click()
    client.page.wait_for_url("**/file/*/*")
    own = client.page.url
    assert client.sees(SUPERVISOR) and client.sees("nobody hears it any more") and client.barriers_in_both_themes() == []
    client.press("button[value=yes]")
    zhou.go(place)
    assert zhou.sees("waits for the guardian's yes")
    zhou.press("a[href$='/guardian']")
    zhou.page.check("input[name=way][value=by_phone]")
    zhou.page.fill("#words", "Mother, by telephone")
    zhou.press("button[name=answer][value=yes]")
    zhou.go(place)
    assert zhou.sees("everybody stands by it")
    (tmp_path / "session.wav").write_bytes(sound(280))  # three parts
    zhou.page.locator("details summary", has_text="Bring the recording in").click()
    assert zhou.barriers_in_both_themes() == []
    zhou.page.set_input_files("input[type=file]", tmp_path / "session.wav")
    zhou.page.click("form[data-upload] .btn-primary")
    zhou.page.get_by_text("Sealed and kept, for those").wait_for()
    assert not zhou.page.locator("main a[href^='/recordings/']").count()
    liu = somebody("supervisor")
    liu.go("/recordings")
    assert liu.sees("session 1") and liu.barriers_in_both_themes() == []
    liu.press("a.quiet-title")
    here = liu.page.url.removeprefix(site.url)
    assert liu.barriers_in_both_themes() == []
    assert [round(number) for number in liu.page.evaluate(PLAYS, 250)] == [280, 250]
    for who in ("zhou", "gu", "chen", "teacher", "leader", "admin", "desk", "shen"):
        other = somebody(who)
        assert other.go(here) == 404 and other.go(f"{here}/play") == 404, who
    client.go(own.removeprefix(site.url))
    client.page.check("input[name=copy]")
    client.press("button[value=no]")
    assert liu.page.evaluate("(at) => fetch(document.querySelector('audio').src).then((answer) => answer.status)", 0) == 404
    assert liu.go(here) == 404 and liu.go("/recordings") == 200 and liu.sees("Nothing to listen to")
    gu = somebody("gu")
    gu.go("/recordings")
    assert gu.barriers_in_both_themes() == []
    gu.press("button[value=give]")
    zhou.go(place)
    with zhou.page.expect_download() as saved:
        zhou.page.click("a[href$='/copy']")
    assert Path(saved.value.path()).read_bytes() == (tmp_path / "session.wav").read_bytes()
    zhou.press("form[action$='/copy'] button")
    assert zhou.sees("erased on")
    client.go(own.removeprefix(site.url))
    assert client.sees("erased on")
