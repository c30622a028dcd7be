"""Every route with everybody's ids, and every form with hostile input: refusals look like absence, nothing crashes."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from counsel.access.models import Account
from counsel.access.sign_ins import open_sign_in
from counsel.app import create_app
from counsel.archive.paper import enter_paper
from counsel.confidentiality.decide import role_may
from counsel.pathway.appointments.duty import call_duty
from counsel.pathway.sessions.services import begin_session, write_note
from counsel.people.models import Student
from counsel.records.models import Item
from counsel.safeguarding.disclosure.services import start
from counsel.safeguarding.questions.services import ask as question
from counsel.safeguarding.reports.mandatory import begin
from counsel.tasks.services import open_tasks
from tests.conftest import Centre
from tests.services.test_lending import asked
from tests.services.test_material import kept
from tests.services.test_paper import OLD
from tests.story import NOTE_CONTENT, ask, in_counselling, open_the_centre

WHO = [
    "lan",
    "qiu",
    "director",
    "desk",
    "archive",
    "admin",
    "teacher",
    "leader",
    "manager",
    "expert",
    "supervisor",
    "S2024001",
    "S2024002",
]
ABOUT_CLIENTS = {"case", "disclosure", "package", "report", "question", "material", "ticket", "volume"}
OWN = {
    "lan": {"case", "task", "disclosure", "report", "item", "client", "material", "ticket"},
    "director": {"question", "ticket"},
    "archive": {"ticket", "volume"},
    "supervisor": {"ticket"},
    "S2024001": {"item"},
    "S2024002": {"appointment"},
}
SENT = {"do": "sign", "act": "end", "answer": "yes", "words": "x", "text": "x", "finding": "in_order", "promised": "y"}
BAD = [
    "",
    "x" * 100_000,
    "😀\u202e\u200b",
    "{{7*7}}<script>alert(1)</script>",
    "' OR 1=1 --",
    "-1",
    "99999999999999999999",
    "\x07\r\n",
]


@dataclass
class Filled:
    """A centre with one of everything, and its application."""

    centre: Centre
    app: Flask
    ids: dict[str, UUID]

    def client(self, who: str) -> FlaskClient:
        """Return a browser in which somebody is signed in, vault open."""
        person = self.centre.school[who]
        account = self.centre.db.get_one(Account, person.account_id)
        opened = open_sign_in(self.centre.db, account=account, keyring=person.keyring, device="computer")
        client = self.app.test_client()
        client.set_cookie("sign-in", opened.token)
        client.set_cookie("lang", "en")
        return client


@pytest.fixture
def filled(sqlite_centre: Centre) -> Filled:
    """One case with a signed note, one request, one task."""
    centre = sqlite_centre
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    write_note(centre.db, actor=lan, case=case, number=1, content=NOTE_CONTENT, seen_version=0, sign=True)
    request = ask(centre, "S2024002", "lan")
    call_duty(centre.db, actor=centre.school["desk"])
    student = centre.db.scalars(select(Student)).first()
    assert student is not None and lan.staff_id is not None and lan.holder_id is not None
    ids = {
        "case": case.case_id,
        "appointment": request.appointment_id,
        "task": open_tasks(centre.db)[0].task_id,
        "account": lan.staff_id,
        "holder": lan.holder_id,
        "student": student.student_id,
        "client": case.client_id,
        "item": centre.db.scalars(select(Item.item_id).where(Item.box_id == case.shared_box_id)).first() or uuid4(),
        "disclosure": start(centre.db, actor=lan, client_id=case.client_id, case=case).disclosure_id,
        "question": question(centre.db, actor=centre.school["S2024001"], kind="copy", text="想要一份").question_id,
    }
    owed = begin(centre.db, actor=lan, client_id=case.client_id, case=case)
    assert owed is not None
    ids["report"] = owed.report_id
    ids["material"] = kept(centre, case).material_id
    volume = enter_paper(centre.db, actor=centre.school["archive"], old=OLD)
    ids["volume"] = volume.volume_id
    ids["ticket"] = asked(centre, volume, mode="paper", forms=()).ticket_id
    app = create_app(centre.settings)
    app.config["WTF_CSRF_ENABLED"] = False
    return Filled(centre, app, ids)


def address(rule: Rule, ids: dict[str, UUID]) -> str:
    """Return a route's address with ids filled in."""
    path = rule.rule
    for name in rule.arguments:
        value = {"number": "1", "act": "check-in", "code": "en", "mark": "x", "name": "x", "party": "client"}.get(name) or str(
            ids.get(name, uuid4())
        )
        path = re.sub(rf"<(?:[^<>:]+:)?{name}>", value, path)
    return path


def guarded(app: Flask) -> list[Rule]:
    """Return the routes that name a permission and take an id."""
    return [
        rule
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "permission", None) and rule.arguments
    ]


@pytest.mark.parametrize("who", WHO)
def test_every_route_with_a_foreign_id_looks_absent(filled: Filled, who: str) -> None:
    """A1, A2: another subject's id and an id that does not exist give the same page to whoever may not open it, read or sent."""
    client = filled.client(who)
    own = OWN.get(who, set())
    differing, crashed = [], []
    for rule in guarded(filled.app):
        mine = who == "S2024001" and rule.rule.startswith("/file/")
        if mine or rule.arguments & own or "GET" not in (rule.methods or ()):
            continue
        foreign = client.get(address(rule, filled.ids))
        absent = client.get(address(rule, {}))
        permission = filled.app.view_functions[rule.endpoint].permission  # type: ignore[attr-defined]
        if foreign.status_code >= 500 or absent.status_code >= 500:
            crashed.append(rule.rule)
        if not role_may(filled.centre.school[who], permission) and foreign.status_code != 404:
            crashed.append(rule.rule)
        if rule.arguments & ABOUT_CLIENTS and (foreign.status_code, foreign.data) != (absent.status_code, absent.data):
            differing.append(rule.rule)
    assert (differing, crashed) == ([], [])


@pytest.mark.parametrize("who", WHO)
def test_what_is_sent_to_a_foreign_id_is_answered_as_to_none(filled: Filled, who: str) -> None:
    """A1: a form sent to somebody else's case, disclosure, report or question does nothing and looks absent."""
    client = filled.client(who)
    differing = []
    for rule in guarded(filled.app):
        about = rule.arguments & ABOUT_CLIENTS
        mine = who == "S2024001" and rule.rule.startswith("/file/")
        if mine or not about or rule.arguments & OWN.get(who, set()) or "POST" not in (rule.methods or ()):
            continue
        foreign, absent = (client.post(address(rule, ids), data=SENT) for ids in (filled.ids, {}))
        if (foreign.status_code, foreign.data) != (absent.status_code, absent.data) or foreign.status_code != 404:
            differing.append((rule.rule, foreign.status_code, absent.status_code))
    assert differing == []


@pytest.mark.parametrize("who", ["lan", "director", "desk", "admin", "teacher", "archive", "supervisor", "S2024001"])
def test_no_form_crashes_on_hostile_input(filled: Filled, who: str) -> None:
    """Empty, endless, emoji, right-to-left, template and SQL text in every field: an answer, never a stack trace."""
    client = filled.client(who)
    crashed = []
    for rule in filled.app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or rule.endpoint in (
            "people.sign_out_here",
            "people.dismiss_here",
            "people.switch_role",
        ):
            continue
        path = address(rule, filled.ids)
        for bad in BAD:
            fields = dict.fromkeys(_fields(client, path), bad) | {"do": "sign", "step": "send", "notice": "1"}
            answer = client.post(path, data=fields, buffered=True)
            if answer.status_code >= 500:
                crashed.append((path, bad[:20], answer.status_code))
    assert crashed == []


def _fields(client: FlaskClient, path: str) -> list[str]:
    page = client.get(path)
    found = re.findall(r'name="([a-z_0-9]+)"', page.text) if page.status_code == 200 else []
    more = [
        "slot",
        "reason",
        "outcome",
        "number",
        "role",
        "weekday",
        "half",
        "holder",
        "to",
        "code",
        "version",
        "addendum",
        "rank",
    ]
    return list(dict.fromkeys([*found, *more]))


@pytest.mark.parametrize("path", ["/", "/cases", "/desk", "/staff", "/who-sees", "/duty"])
def test_nobody_signed_in_sees_only_the_door(filled: Filled, path: str) -> None:
    """R5-25: no service data without a sign-in; crawlers are told to stay away."""
    client = filled.app.test_client()
    answer = client.get(path)
    assert answer.status_code == 302 and "/sign-in" in answer.headers["Location"]
    assert "Disallow: /" in client.get("/robots.txt").text


def test_every_answer_carries_the_headers(filled: Filled) -> None:
    """Also errors; nothing but assets may be stored."""
    client: Any = filled.client("lan")
    for path in ("/", "/nothing", "/cases", "/sign-in"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store" and headers["X-Content-Type-Options"] == "nosniff"


def test_a_post_from_another_site_is_refused(filled: Filled) -> None:
    """A11: fetch site and origin are looked at before any view."""
    client = filled.client("teacher")
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert client.post("/help", headers=headers).status_code == 403


def test_a_get_changes_nothing(filled: Filled) -> None:
    """ASVS 3.5.3: walking every page as counsellor and director leaves all tables but audit, wraps and sign-ins as they were."""
    centre = filled.centre
    tables = ("appointments", "cases", "case_moves", "items", "bodies", "tasks", "consents", "counselling_sessions", "occupancy")
    count = "SELECT count(*) FROM "

    def state() -> list[Any]:
        centre.db.rollback()
        return [centre.db.connection().exec_driver_sql(count + table).scalar() for table in tables]

    before = state()
    for who in ("lan", "director", "desk", "S2024001"):
        client = filled.client(who)
        for rule in filled.app.url_map.iter_rules():
            if "GET" in (rule.methods or ()) and rule.endpoint != "people.leave":
                client.get(address(rule, filled.ids))
    assert state() == before
