"""The lent screen: a client holds the counsellor's browser, and it shows one page until the passphrase is typed (design §2)."""

from typing import Any

import pytest
from flask import Flask

from counsel.access.models import Account
from counsel.access.sign_ins import open_sign_in
from counsel.app import create_app
from counsel.pathway.cases.agreement import newest_answer
from counsel.pathway.cases.dossier import CONSENT
from counsel.pathway.cases.models import Case
from counsel.pathway.intake.consent import consent_given, record_consent
from counsel.records.models import Item
from counsel.records.services import item_of
from tests.conftest import Centre
from tests.school import WORDS
from tests.services.test_sweep import address
from tests.story import consent_content, open_the_centre, received


@pytest.fixture
def lent(sqlite_centre: Centre) -> tuple[Flask, Any, Case, Item]:
    """A counsellor's browser that has just been handed over for the consent."""
    open_the_centre(sqlite_centre)
    case = received(sqlite_centre)
    lan = sqlite_centre.school["lan"]
    record_consent(sqlite_centre.db, actor=lan, case=case, content=consent_content(way="in_room"))
    item = item_of(sqlite_centre.db, case.shared_box_id, CONSENT.code)
    assert item is not None
    app = create_app(sqlite_centre.settings)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    account = sqlite_centre.db.get_one(Account, lan.account_id)
    signed = open_sign_in(sqlite_centre.db, account=account, keyring=lan.keyring, device="computer")
    client.set_cookie("sign-in", signed.token)
    answer = client.post(f"/cases/{case.case_id.hex}/agree/{item.item_id.hex}/client", data={"way": "in_room"})
    assert answer.status_code == 303 and "/room/" in answer.location
    return app, client, case, item


def test_no_other_page_opens_until_the_passphrase_is_typed(lent: tuple[Flask, Any, Case, Item], sqlite_centre: Centre) -> None:
    """Every guarded route, read or written, leads back to the one page; a wrong passphrase changes nothing."""
    app, client, case, item = lent
    room = client.get("/").location
    assert "/room/" in room
    ids = {"case": case.case_id, "item": item.item_id}
    tried = 0
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if getattr(view, "permission", None) is None or rule.endpoint in ("home.room", "people.unlock"):
            continue
        path = address(rule, ids)
        for method in (rule.methods or set()) & {"GET", "POST"}:
            answer = client.open(path, method=method, data={})
            tried += 1
            assert (answer.status_code, answer.location) == (303, room), (path, method)
    assert tried > 100
    client.post("/unlock", data={"passphrase": "not the passphrase at all"})
    assert client.get("/").location == room
    other = client.get(room.replace(str(item.item_id), str(case.case_id)))
    assert other.status_code == 303 and other.location == room


def test_the_answer_counts_and_the_passphrase_gives_the_screen_back(
    lent: tuple[Flask, Any, Case, Item], sqlite_centre: Centre
) -> None:
    """The yes is recorded as said in the room; after the passphrase the room is shut."""
    _app, client, case, item = lent
    room = client.get("/").location
    assert client.get(room).status_code == 200
    assert client.post(room, data={"answer": "yes"}).status_code == 200
    sqlite_centre.db.rollback()
    given = newest_answer(sqlite_centre.db, item.item_id)
    assert given is not None and (given.way, given.agreed) == ("in_room", True)
    assert consent_given(sqlite_centre.db, actor=sqlite_centre.school["lan"], case=case) is not None
    client.post("/unlock", data={"passphrase": WORDS})
    assert client.get("/cases").status_code == 200
    assert client.get(room).status_code == 404
