"""The abuse cases inside a school, by their numbers; those with a file of their own are named where they stand.

A6 `test_outbox.py`; A8 `journeys/test_story.py`; A11 also `test_sweep.py`; A22 `test_disclosure.py`; A30 `test_openings.py`;
A34 `test_reports.py`.
"""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import event, func, select

from counsel.access.models import Account
from counsel.access.sign_ins import present_person, sign_in
from counsel.app import create_app
from counsel.audit.models import AuditLine
from counsel.core.clock import now
from counsel.core.errors import UnreadableError
from counsel.jobs.runner import run_jobs
from counsel.keys.boxes import open_box
from counsel.outbox.notices import notices_of
from counsel.outbox.texts import TEXTS
from counsel.pathway.cases.models import Case
from counsel.pathway.sessions.services import begin_session, write_note
from tests.conftest import Centre
from tests.school import WORDS
from tests.services.test_sweep import Filled, filled  # noqa: F401
from tests.story import NOTE_CONTENT

NASTY = "{{config}} {% raw %} <img src=x onerror=alert(1)> [x](javascript:alert(1)) \u202eabc =HYPERLINK(1)"


def test_a01_one_student_finds_nothing_of_another(filled: Filled) -> None:  # noqa: F811
    """The same page as for what never was, and the refusal on record with actor and object."""
    client = filled.client("S2024002")
    foreign = client.get(f"/file/{filled.ids['case']}/{filled.ids['item']}")
    absent = client.get("/file/00000000-0000-4000-8000-000000000000/00000000-0000-4000-8000-000000000001")
    assert (foreign.status_code, foreign.data) == (404, absent.data)
    lines = filled.centre.db.scalars(select(AuditLine).where(AuditLine.tag.like("gate:%:refused")))
    assert filled.centre.school["S2024002"].holder_id in {line.actor_id for line in lines}


def test_a02_guessing_addresses_raises_an_alarm(filled: Filled) -> None:  # noqa: F811
    """A class teacher tries cases, prints, disclosures: 404 each, and after five the director hears of it."""
    client = filled.client("teacher")
    for path in ("/cases/{}", "/cases/{}/plan", "/cases/{}/notes", "/disclosures/{}", "/reports/{}", "/packages/{}/revoke"):
        for key in ("case", "disclosure"):
            assert client.get(path.format(filled.ids[key])).status_code in (404, 405)
    refused = filled.centre.db.scalar(select(func.count()).select_from(AuditLine).where(AuditLine.tag.like("gate:%:refused")))
    assert (refused or 0) >= 5
    packages = [client.get(f"/told-to-me/{filled.ids[key]}").status_code for key in ("case", "report", "item")]
    assert packages == [404] * 3
    run_jobs(filled.centre.db, "patterns")
    assert "pattern" in {row.kind for row in notices_of(filled.centre.db, filled.centre.school["director"].holder_id)}


def _concern(client: FlaskClient, about: str) -> tuple[int, bytes]:
    answer = client.post("/concern", data={"about": about, "text": "上课总趴着"}, follow_redirects=True)
    return answer.status_code, re.sub(rb'name="csrf_token" value="[^"]*"', b"", answer.data)


def test_a03_whether_somebody_is_a_client_shows_nowhere(filled: Filled) -> None:  # noqa: F811
    """A concern about a client, about another student, about nobody: one answer; leaders and teachers have no search at all."""
    client = filled.client("teacher")
    answers = {_concern(client, about) for about in ("苏未名", "叶无声", "查无此人")}
    assert len(answers) == 1
    leader = filled.client("leader")
    for path in ("/search", "/students", "/desk", "/cases", "/walk-in"):
        assert leader.get(path).status_code == 404


def test_a04_foreign_and_absent_cost_the_same(filled: Filled) -> None:  # noqa: F811
    """The same statements against the database, the same number of bytes: no clock tells them apart."""
    client = filled.client("qiu")
    engine = filled.app.extensions["counsel_sessions"].kw["bind"]
    said: list[str] = []
    engine.dispose()  # SQLite itself says what it is asked: most questions go past SQLAlchemy's own event

    def listen(connection: Any, *_more: Any) -> None:
        """Keep what is asked, without the values."""
        connection.set_trace_callback(lambda asked: said.append(re.split(r"\s(?:WHERE|VALUES|SET)\s", asked)[0]))

    event.listen(engine, "checkout", listen)

    def asked(case_id: Any) -> tuple[list[str], int]:
        said.clear()
        size = len(client.get(f"/cases/{case_id}").data)
        return list(said), size

    asked(filled.ids["case"])
    foreign, absent = asked(filled.ids["case"]), asked("00000000-0000-4000-8000-000000000000")
    extra = [one for one in foreign[0] if one not in absent[0]]
    assert len(absent[0]) > 8, absent
    assert foreign[1] == absent[1] and all("case_readers" in one for one in extra) and len(extra) <= 1


def test_a05_no_calendar_leaves_the_house(filled: Filled) -> None:  # noqa: F811
    """There is no feed that a shared phone could show; nothing but pages and assets is served."""
    rules = [rule.rule for rule in filled.app.url_map.iter_rules()]
    assert not [rule for rule in rules if "ics" in rule.split("/") or rule.endswith(".ics") or "calendar" in rule]
    client = filled.client("S2024002")
    assert client.get("/my-times").mimetype == "text/html"


def test_a06_no_message_names_a_person_a_topic_or_a_case() -> None:
    """Generic lines only; what is in them comes from the house, never from a case (R11)."""
    for text in TEXTS.values():
        for words in text if isinstance(text, (tuple, list)) else [text]:
            assert set(re.findall(r"%\((\w+)\)s", str(words))) <= {"school", "site", "address", "place", "link", "name"}
            assert not re.search(r"风险|自杀|咨询|危机|risk|suicid|counsel|crisis", str(words), re.IGNORECASE)


def test_a08_nothing_of_a_page_is_kept_by_a_browser(filled: Filled) -> None:  # noqa: F811
    """No page of somebody signed in may be stored; the journey looks at the back button itself."""
    for who in ("lan", "S2024001", "director", "desk", "teacher"):
        client = filled.client(who)
        for path in ("/", "/account", "/notices"):
            assert client.get(path).headers["Cache-Control"] == "no-store"


def test_a11_another_site_cannot_send_anything_away(filled: Filled) -> None:  # noqa: F811
    """Disclosure, report and event: refused before any view without our own token, from another site, or by GET."""
    filled.app.config["WTF_CSRF_ENABLED"] = True
    client = filled.client("lan")
    case = filled.ids["case"]
    before = filled.centre.db.scalar(select(func.count()).select_from(AuditLine))
    for path in (f"/cases/{case}/disclose", f"/cases/{case}/harm", f"/reports/{filled.ids['report']}", "/event"):
        assert client.post(path, data={"do": "make"}).status_code == 400
        assert client.post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code in (400, 403)
        assert client.post(path, headers={"Origin": "https://evil.example"}).status_code in (400, 403)
    filled.centre.db.rollback()
    assert filled.centre.db.scalar(select(func.count()).select_from(AuditLine)) == before


def test_a18_a_colleague_has_no_key_to_a_relatives_file(filled: Filled) -> None:  # noqa: F811
    """Whoever is not the counsellor cannot open it, with or without a rule; there is no glass to break."""
    case = filled.centre.db.get_one(Case, filled.ids["case"])
    for who in ("qiu", "director", "archive", "desk", "supervisor"):
        keyring = filled.centre.school[who].keyring
        assert keyring is not None
        for box_id in (case.box_id, case.shared_box_id):
            with pytest.raises(UnreadableError):
                open_box(filled.centre.db, keyring, box_id)


def test_a24_words_stay_words(filled: Filled) -> None:  # noqa: F811
    """Templates, tags, links and turned writing in a note are shown as they were typed and do nothing."""
    centre = filled.centre
    case, lan = centre.db.get_one(Case, filled.ids["case"]), centre.school["lan"]
    begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    content = {**NOTE_CONTENT, "data": NASTY}
    write_note(centre.db, actor=lan, case=case, number=2, content=content, seen_version=0, sign=True)
    page = filled.client("lan").get(f"/cases/{case.case_id}/sessions/2").text
    assert "{{config}}" in page and "<img src=x" not in page and "&lt;img src=x" in page
    assert 'href="javascript' not in page
    assert "unicode-bidi" in filled.client("lan").get(_sheet(page)).text


def _sheet(page: str) -> str:
    found = re.search(r'href="(/assets/[^"]*look\.css)"', page)
    assert found is not None
    return found.group(1)


def test_a31_a_shared_computer_shows_the_next_person_nothing(centre: Centre) -> None:
    """A vault belongs to one sign-in; idle for a quarter of an hour it is shut; a second person has another one."""
    one = sign_in(centre.db, login="lan", passphrase=WORDS, address="10.0.0.1", device="computer").person
    two = sign_in(centre.db, login="qiu", passphrase=WORDS, address="10.0.0.1", device="computer").person
    assert one is not None and two is not None and one.token != two.token
    with time_machine.travel(now() + timedelta(minutes=17), tick=True):
        found = present_person(centre.db, one.token)
        assert found is not None and found.keyring is None
    with time_machine.travel(now() + timedelta(minutes=60), tick=True):
        assert present_person(centre.db, one.token) is None and present_person(centre.db, two.token) is None


def test_a33_a_childs_phone_tells_a_parent_nothing(filled: Filled) -> None:  # noqa: F811
    """The tab says school services, the icon is the school's, an ended sign-in shows the door and no name."""
    client = filled.client("S2024001")
    for path in ("/", "/my-times", "/who-sees", "/file"):
        title = re.findall(r"<title>(.*?)</title>", client.get(path).text, re.DOTALL)[0]
        assert "School services" in title and not re.search(r"counsel|psych|心理|咨询", title, re.IGNORECASE)
    client.get("/leave")
    answer = client.get("/", follow_redirects=True)
    assert "苏未名" not in answer.text


def test_a33_titles_in_chinese_are_as_plain(filled: Filled) -> None:  # noqa: F811
    """The same in the language that parents read."""
    client = filled.client("S2024001")
    client.set_cookie("lang", "zh_Hans_CN")
    for path in ("/", "/my-times", "/who-sees", "/file"):
        title = re.findall(r"<title>(.*?)</title>", client.get(path).text, re.DOTALL)[0]
        assert not re.search(r"心理|咨询|辅导", title), title


def test_nobody_is_signed_in_by_a_foreign_account(sqlite_centre: Centre) -> None:
    """A sign-in belongs to one account: what one browser holds names no other (A10, A31)."""
    app = create_app(sqlite_centre.settings)
    client = app.test_client()
    assert client.get("/").status_code == 302
    client.set_cookie("sign-in", "x" * 43)
    assert client.get("/").status_code == 302 and sqlite_centre.db.scalar(select(func.count()).select_from(Account))
