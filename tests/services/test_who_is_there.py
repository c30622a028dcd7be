"""Who a request comes from is the row of the sign-in, and nothing else: no form cookie, no remembered name (security V7)."""

from typing import Any

import pytest
from flask_login.utils import encode_cookie

from counsel.access.sign_ins import sign_out
from counsel.app import create_app
from counsel.web.page import COOKIE
from tests.conftest import Centre

OUTSIDE, INSIDE = 302, 200


@pytest.fixture
def app(sqlite_centre: Centre) -> Any:
    """The application of the centre."""
    return create_app(sqlite_centre.settings)


def _own_page(client: Any) -> int:
    return int(client.get("/account").status_code)


def test_a_form_cookie_that_names_somebody_signs_nobody_in(sqlite_centre: Centre, app: Any) -> None:
    """Even one under our own key, as whoever read the server secret could make it."""
    client = app.test_client()
    with client.session_transaction() as session:
        session |= {"_user_id": sqlite_centre.school["lan"].account_id.hex, "_fresh": True, "_id": "x"}
    assert _own_page(client) == OUTSIDE


def test_a_remembered_name_signs_nobody_in_and_keeps_nobody_out(sqlite_centre: Centre, app: Any) -> None:
    """There is no way to stay signed in besides the row: such a cookie is not looked at."""
    client, lan = app.test_client(), sqlite_centre.school["lan"]
    with app.app_context():
        client.set_cookie("remember_token", encode_cookie(lan.account_id.hex, key=app.secret_key))
    assert _own_page(client) == OUTSIDE
    client.set_cookie(COOKIE, lan.token)
    assert _own_page(client) == INSIDE


def test_signed_out_the_same_cookie_opens_nothing(sqlite_centre: Centre, app: Any) -> None:
    """A stolen cookie is worth nothing once its owner has left."""
    client, lan = app.test_client(), sqlite_centre.school["lan"]
    client.set_cookie(COOKIE, lan.token)
    assert _own_page(client) == INSIDE
    sign_out(sqlite_centre.db, actor=lan)
    assert _own_page(client) == OUTSIDE
