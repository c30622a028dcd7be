"""The same answer for everyone who asks about anyone; what guardians have to do with it, told to the client (篇4 三; 篇8 二)."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import time_machine

from counsel.app import create_app
from counsel.audit.models import AuditLine
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, RefusedError
from counsel.home.queries import guardians_know
from counsel.safeguarding.asked.services import TAG, WHAT, WHO, answer_enquiry, enquiries_of_the_year
from counsel.web.page import COOKIE
from tests.conftest import Centre

STAFF = ("lan", "director", "desk", "archive", "admin", "teacher", "leader", "manager", "expert", "supervisor")


@pytest.mark.parametrize("who", STAFF)
def test_everybody_at_a_desk_has_the_answer(centre: Centre, who: str) -> None:
    """No key is needed, no name is asked, and the line holds two codes."""
    answer_enquiry(centre.db, actor=replace(centre.school[who], keyring=None), who="guardian", what="is_client")
    line = centre.db.query(AuditLine).filter_by(tag=TAG).one()
    assert (line.subject_id, line.object_id, line.detail) == (None, None, "guardian is_client")
    assert enquiries_of_the_year(centre.db, actor=centre.school[who])["guardian"] == 1


def test_students_do_not_answer_and_unknown_codes_are_refused(centre: Centre) -> None:
    """Nothing is noted."""
    with pytest.raises(RefusedError):
        answer_enquiry(centre.db, actor=centre.school["S2024001"], who="guardian", what="file")
    with pytest.raises(InvalidError) as found:
        answer_enquiry(centre.db, actor=centre.school["desk"], who="苏未名", what="file' --")
    assert set(found.value.problems) == {"who", "what"}
    assert centre.db.query(AuditLine).filter_by(tag=TAG).count() == 0


def test_the_answer_does_not_depend_on_whom_it_is_about(sqlite_centre: Centre) -> None:
    """A3: there is no field for a name, and every kind of asker reads the same first sentence."""
    client = create_app(sqlite_centre.settings).test_client()
    client.set_cookie(COOKIE, sqlite_centre.school["desk"].token)
    page = client.get("/asked").get_data(as_text=True)
    assert 'type="text"' not in page and 'type="search"' not in page and "textarea" not in page
    first = set()
    for who in WHO:
        for what in WHAT:
            answer = _post(client, who, what)
            start = answer.index('class="prose mt-2 voice"')
            first.add(answer[start : answer.index("</p>", start)])
    assert len(first) == 1


def _post(client: Any, who: str, what: str) -> str:
    page = client.get("/asked").get_data(as_text=True)
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    answer = client.post("/asked", data={"csrf_token": token, "who": who, "what": what})
    assert answer.status_code == 200
    text: str = answer.get_data(as_text=True)
    return text


@pytest.mark.parametrize(
    ("day", "policy", "said"),
    [
        (date(2023, 2, 27), "inform_unless_contraindicated", "signed"),  # born 2009-03-01: 13
        (date(2023, 3, 2), "inform_unless_contraindicated", "informed"),
        (date(2023, 3, 2), "required", "signed"),
        (date(2023, 3, 2), "student_only", "nothing"),
        (date(2027, 3, 2), "required", "of_age"),
    ],
)
def test_the_client_reads_what_guardians_have_to_do_with_it(centre: Centre, day: date, policy: str, said: str) -> None:
    """By age on the day and the centre's policy; a colleague is refused the question."""
    house = house_of(centre.db)
    centre.db.info["house"] = replace(house, settings=replace(house.settings, guardian_policy=policy))
    with time_machine.travel(day, tick=True):
        assert guardians_know(centre.db, actor=centre.school["S2024001"]) == said
    with pytest.raises(RefusedError):
        guardians_know(centre.db, actor=centre.school["lan"])
