"""Looking through one's own cases: what is found, what is opened for it, what is never found (篇4 三)."""

from unittest.mock import patch

import pytest
from sqlalchemy import func, select

from counsel.audit.models import AuditLine
from counsel.core.errors import LockedError, RefusedError
from counsel.crypto import hybrid
from counsel.home.search import Find, search_own
from counsel.keys import grants
from counsel.pathway.cases.dossier import NOTE, append_to_form
from counsel.pathway.cases.models import Case
from counsel.pathway.plans.services import write_own_goals
from counsel.pathway.sessions.services import begin_session, write_note
from tests.conftest import Centre
from tests.services.test_ending import with_session
from tests.story import NOTE_CONTENT, received

STUDENT = "S2024001"


def found(centre: Centre, words: str, who: str = "lan") -> list[Find]:
    """Search in a session of one's own, as a request does."""
    with centre.session() as db:
        return list(search_own(db, actor=centre.school[who], words=words))


def noted(centre: Centre, case: Case, data: str) -> None:
    """Hold a second session and sign what was said in it."""
    lan = centre.school["lan"]
    begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    content = NOTE_CONTENT | {"data": data}
    write_note(centre.db, actor=lan, case=case, number=2, content=content, seen_version=0, sign=True)


@pytest.mark.parametrize(
    ("said", "sought"),
    [
        ("一上数学课就心慌", "数学课"),
        ("listens to RADIOHEAD at night", "radiohead"),
        ("asked for straße 7", "STRASSE"),
        ('他说"算了"，\n然后', '说"算了"'),
        ("一句话\\没说完", "话\\没"),
        ("先这样，\n再那样", "样，\n再"),
        ("一二三2024四", "2024四"),
    ],
)
def test_words_are_found_as_people_write_them(sqlite_centre: Centre, said: str, sought: str) -> None:
    """Chinese, either case of letters, quotation marks, backslashes, line breaks."""
    case = with_session(sqlite_centre)
    noted(sqlite_centre, case, said)
    places = [(find.case.case_id, find.kind, find.number) for find in found(sqlite_centre, sought)]
    assert places == [(case.case_id, "note", 2)]


def test_everything_of_a_case_is_looked_through_and_no_field_name_is_a_find(centre: Centre) -> None:
    """Name, note, addendum, the client's own goals; what only stands in the format of a form is no find."""
    case = with_session(centre)
    append_to_form(centre.db, actor=centre.school["lan"], case=case, kind=NOTE, number=1, text="补记：妹妹也来过")
    write_own_goals(centre.db, actor=centre.school[STUDENT], case=case, text="想和妹妹好好说话")
    assert {(find.kind, find.before + find.words + find.after) for find in found(centre, "妹妹")} == {
        ("note", "补记：妹妹也来过"),
        ("goals", "想和妹妹好好说话"),
    }
    assert [find.kind for find in found(centre, "苏未名")] == [""]
    assert found(centre, "assessment") == found(centre, "in_person") == []
    assert found(centre, "没有这样的字") == []


def test_a_colleagues_cases_are_not_there_and_whoever_may_not_search_is_refused(centre: Centre) -> None:
    """The rule, the keys, the line on record come before the first find; the words are in no line."""
    with_session(centre)
    assert found(centre, "睡", who="qiu") == []
    for who in ("desk", "teacher", "admin", "archive"):
        with pytest.raises((RefusedError, LockedError)):
            found(centre, "睡", who=who)
    lines = centre.db.scalars(select(AuditLine).where(AuditLine.tag == "pathway:search:run")).all()
    assert len(lines) == 1 and all("睡" not in line.detail for line in lines)


def test_a_box_in_which_nothing_lies_is_not_opened_and_the_others_cost_their_key_once(sqlite_centre: Centre) -> None:
    """The second search opens nothing with an asymmetric key, however many cases are empty."""
    centre = sqlite_centre
    with_session(centre)
    received(centre, "S2024002")
    found(centre, "睡")
    with patch.object(grants.hybrid, "unwrap", wraps=hybrid.unwrap) as unwrap:
        assert found(centre, "睡")
    assert unwrap.call_count == 0
    assert centre.db.scalar(select(func.count()).select_from(Case)) == 2
