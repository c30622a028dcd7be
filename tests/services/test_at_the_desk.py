"""What counsellors and archivists meet on their pages: nothing asked twice, in order of days, in words, and to be corrected."""

import pytest
from sqlalchemy import select

from counsel.archive.catalogue import Wanted, catalogue
from counsel.archive.models import Volume
from counsel.audit.models import AuditLine
from counsel.core.errors import InvalidError
from counsel.home.forms_shown import FORMS, SAID, TITLES, form_lines
from counsel.pathway.cases.models import Case
from counsel.pathway.plans.services import plan_anew
from counsel.pathway.sessions.homework import give_homework, homework_of
from counsel.records.scanning import TEST_FILE
from tests.conftest import Centre
from tests.services.test_material import a_case, kept
from tests.services.test_sweep import Filled, filled  # noqa: F401
from tests.story import PLAN_CONTENT

SPECIAL = {"F02", "F13", "paper", "raised", "screen", "result"}  # with lines of their own
ELSEWHERE = {"F09", "report", "more"}  # read on pages of their own rooms, lent to nobody


def test_every_form_is_read_in_words() -> None:
    """No signed page shows the names of fields."""
    assert set(TITLES) <= SPECIAL | ELSEWHERE | set(FORMS) | set(SAID)


def test_homework_is_answered_for_the_client_with_what_came_of_it(filled: Filled) -> None:  # noqa: F811
    """Who never signs in says the result, or declines, all the same; the sheet has both in words (R10-11)."""
    centre, db = filled.centre, filled.centre.db
    case, lan = db.get_one(Case, filled.ids["case"]), centre.school["lan"]
    give_homework(db, actor=lan, case=case, session_no=1, task="睡前不看手机", due_on=None)
    place = {"state": "declined", "result": "太难了"}
    assert filled.client("lan").post(f"/cases/{case.case_id}/homework/1", data=place).status_code in (302, 303)
    db.rollback()
    answered = homework_of(db, actor=lan, case=case)[0]
    assert (answered.row.state, answered.result) == ("declined", "太难了")
    with filled.app.test_request_context():
        lines = [(str(label), str(text)) for label, text in form_lines("hw_result", place)]
    assert len(lines) == 2 and all(label not in place for label, _text in lines) and lines[0][1] != "declined"


def test_a_score_is_not_made_of_nothing(filled: Filled) -> None:  # noqa: F811
    """An aid that says no when nothing was filled in is worse than none."""
    client, path = filled.client("lan"), f"/cases/{filled.ids['case']}"
    for typed in ({}, {"months": "6", "distress_mark": "4", "function_mark": "1"}, {"months": "x"}):
        answer = client.post(f"{path}/score", data=typed, follow_redirects=True).get_data(as_text=True)
        assert "Nothing was added up" in answer and "no referral from this score" not in answer
        assert f'id="months" name="months" inputmode="numeric" required value="{typed.get("months", "")}"' in answer
    answer = client.post(f"{path}/score", data={"months": "6", "distress_mark": "1", "function_mark": "2"}, follow_redirects=True)
    assert "Score 5" in answer.get_data(as_text=True)


def test_planning_anew_begins_with_the_plan_before_and_says_why(filled: Filled) -> None:  # noqa: F811
    """T16: nothing is asked twice, and the reason stands in the story, the newest day first."""
    centre, db = filled.centre, filled.centre.db
    case = db.get_one(Case, filled.ids["case"])
    plan_anew(db, actor=centre.school["lan"], case=case, to="planning", reason="no_progress")
    client = filled.client("lan")
    page = client.get(f"/cases/{case.case_id}/plan?number=2").get_data(as_text=True)
    assert PLAN_CONTENT["goals"] in page and PLAN_CONTENT["problem_order"] in page
    story = client.get(f"/cases/{case.case_id}").get_data(as_text=True).split('class="timeline"')[1].split("</ol>")[0]
    assert "no progress" in story and story.index("T16") < story.index("Session 1")


def test_a_volume_is_found_as_people_type_its_code(filled: Filled) -> None:  # noqa: F811
    """With any separator, in any case, in full width, or by its number alone; another number finds nothing."""
    centre, db = filled.centre, filled.centre.db
    volume, shen = db.get_one(Volume, filled.ids["volume"]), centre.school["archive"]
    assert volume.code is not None
    head, tail = volume.code.split("·")
    for typed in (volume.code, f"{head}.{tail}", volume.code.lower(), f"{head}・{tail}", f"{head} {tail}", str(volume.number)):
        assert [row.volume_id for row in catalogue(db, actor=shen, wanted=Wanted(code=typed))] == [volume.volume_id], typed
    for typed in (f"{head}·{tail}9", f"QZ999-XL·{tail}", f"X{head}·{tail}", "9999", "·"):
        assert not catalogue(db, actor=shen, wanted=Wanted(code=typed))


def test_the_place_of_a_volume_is_corrected_on_record(filled: Filled) -> None:  # noqa: F811
    """The paper was moved: the archivist says so, nobody else does, and the place before stays in the log."""
    db = filled.centre.db
    volume = db.get_one(Volume, filled.ids["volume"])
    before, path = volume.place, f"/archive/{volume.volume_id}/place"
    for who in ("lan", "director", "admin", "teacher"):
        assert filled.client(who).post(path, data={"place": "9-9"}).status_code == 404
    shen = filled.client("archive")
    assert (
        shen.post(path, data={"place": " "}).status_code == 422 and shen.post(path, data={"place": "x" * 61}).status_code == 422
    )
    assert shen.post(path, data={"place": "7-1"}).status_code == 303
    db.rollback()
    assert volume.place == "7-1"
    told = db.scalars(select(AuditLine.detail).where(AuditLine.tag == "archive:volume:moved")).all()
    assert list(told) == [f"{before} > 7-1"]


def test_the_scanners_own_test_file_is_refused_without_a_daemon(sqlite_centre: Centre) -> None:
    """A26: it is known by its words, wherever no daemon is named; nothing of it is kept."""
    case = a_case(sqlite_centre)
    with pytest.raises(InvalidError) as found:
        kept(sqlite_centre, case, b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + TEST_FILE + b"!$H+H*\n")
    assert found.value.problems == {"file": "virus"}
