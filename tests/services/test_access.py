"""Sign-ins, throttling, locking, leaving: what ends, ends at the next request."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from counsel.access.devices import end_device, my_devices
from counsel.access.models import Account, SignIn
from counsel.access.sign_ins import (
    change_role,
    open_sign_in,
    present_person,
    remember_device,
    sign_in,
    sign_out,
    token_hash,
)
from counsel.access.vault import lock_vault, unlock_vault
from counsel.app import create_app
from counsel.confidentiality.roles import Role
from counsel.core.clock import now
from counsel.core.errors import InvalidError, NotFoundError, RefusedError, UnreadableError
from counsel.keys.boxes import open_box
from counsel.keys.groups import members_of
from counsel.keys.models import Box
from counsel.keys.trust import group_id
from counsel.people.invitations import activate, invite_class, invite_staff, invite_student, reinvite_staff
from counsel.people.models import Invitation, Student
from counsel.people.recovery import change_passphrase, confirm_code, recover
from counsel.people.settling import settle_in
from counsel.people.staff import dismiss, may_take_cases, vouch_for
from counsel.web.page import address
from tests.conftest import Centre
from tests.school import WORDS

PLACE = {"address": "10.0.0.1", "device": "phone"}


def test_the_right_words_open_vault_and_sign_in(centre: Centre) -> None:
    """The token finds the row; the row alone opens nothing."""
    attempt = sign_in(centre.db, login="LAN ", passphrase=WORDS, **PLACE)
    assert attempt.person is not None and attempt.person.vouched
    found = present_person(centre.db, attempt.person.token)
    assert found is not None and found.keyring is not None
    assert (found.role, found.name, found.keyring.holder_id) == (Role.COUNSELLOR, "岚老师", attempt.person.holder_id)
    assert present_person(centre.db, attempt.person.token[:-1] + "x") is None


def test_wrong_words_and_unknown_names_look_the_same_and_cost_time(centre: Centre) -> None:
    """Five tries, then a growing wait; an unknown name waits as well."""
    for login in ("lan", "nobody-here"):
        for _try in range(5):
            assert sign_in(centre.db, login=login, passphrase="wrong words here", **PLACE).person is None
        blocked = sign_in(centre.db, login=login, passphrase=WORDS, **PLACE)
        assert blocked.person is None and blocked.wait_until is not None


def test_a_known_device_keeps_its_own_budget(centre: Centre) -> None:
    """Nobody locks somebody else out of the browser they use."""
    remember_device(centre.db, login="lan", device=b"mine")
    for _try in range(6):
        sign_in(centre.db, login="lan", passphrase="wrong words here", **PLACE)
    assert sign_in(centre.db, login="lan", passphrase=WORDS, known_device=b"another", **PLACE).person is None
    assert sign_in(centre.db, login="lan", passphrase=WORDS, known_device=b"mine", **PLACE).person is not None


def test_the_vault_locks_after_a_pause_and_the_sign_in_later(sqlite_centre: Centre) -> None:
    """15 idle minutes shut the vault, 30 end the sign-in, 8 hours end it in any case."""
    centre = sqlite_centre
    start = now()
    person = sign_in(centre.db, login="lan", passphrase=WORDS, **PLACE).person
    assert person is not None
    with time_machine.travel(start + timedelta(minutes=16)):
        locked = present_person(centre.db, person.token)
        assert locked is not None and locked.keyring is None
        assert centre.db.scalars(select(SignIn).where(SignIn.vault_sealed.is_not(None), SignIn.device == "phone")).all()[:0] == []
        opened = unlock_vault(centre.db, actor=locked, passphrase=WORDS, address="10.0.0.1")
        assert opened.person is not None and opened.person.token != person.token
        assert present_person(centre.db, person.token) is None, "A10: the token changes at unlock and the old one is dead"
        assert present_person(centre.db, opened.person.token).keyring is not None  # type: ignore[union-attr]
    with time_machine.travel(start + timedelta(minutes=60)):
        assert present_person(centre.db, opened.person.token) is None
        assert centre.db.scalars(select(SignIn).where(SignIn.token_hash == token_hash(opened.person.token))).all() == []


def test_locking_and_signing_out_take_the_keys_away(centre: Centre) -> None:
    """Locking keeps the sign-in; signing out ends it on the server."""
    person = sign_in(centre.db, login="lan", passphrase=WORDS, **PLACE).person
    assert person is not None
    lock_vault(centre.db, actor=person)
    assert present_person(centre.db, person.token).keyring is None  # type: ignore[union-attr]
    sign_out(centre.db, actor=person)
    assert present_person(centre.db, person.token) is None


def test_my_devices_can_be_ended_one_by_one(centre: Centre) -> None:
    """Everybody sees and ends their own sign-ins, and nobody else's."""
    here = sign_in(centre.db, login="lan", passphrase=WORDS, **PLACE).person
    there = sign_in(centre.db, login="lan", passphrase=WORDS, **PLACE).person
    foreign = sign_in(centre.db, login="qiu", passphrase=WORDS, **PLACE).person
    assert here and there and foreign
    numbers = {device.number for device in my_devices(centre.db, actor=here) if not device.here}
    assert not any(end_device(centre.db, actor=foreign, number=number) for number in numbers)
    assert all(end_device(centre.db, actor=here, number=number) for number in numbers)
    assert present_person(centre.db, there.token) is None
    assert present_person(centre.db, here.token) is not None


def test_a_changed_passphrase_ends_the_other_devices(centre: Centre) -> None:
    """The old words open nothing any more; the bundle is the same."""
    here = sign_in(centre.db, login="lan", passphrase=WORDS, **PLACE).person
    there = sign_in(centre.db, login="lan", passphrase=WORDS, **PLACE).person
    assert here and there
    with pytest.raises(InvalidError):
        change_passphrase(centre.db, actor=here, old="wrong", new="baiyun heishui chunfeng")
    change_passphrase(centre.db, actor=here, old=WORDS, new="baiyun heishui chunfeng")
    assert present_person(centre.db, there.token) is None
    assert sign_in(centre.db, login="lan", passphrase=WORDS, **PLACE).person is None
    again = sign_in(centre.db, login="lan", passphrase="baiyun heishui chunfeng", **PLACE).person
    assert again is not None and again.keyring.kem_private == here.keyring.kem_private  # type: ignore[union-attr]


def test_the_printed_code_opens_once_more_and_is_replaced(centre: Centre) -> None:
    """Recovery sets a new passphrase, prints a new code, and the old code is dead."""
    code = centre.school.codes["S2024001"]
    place = {"login": "S2024001", "passphrase": "baiyun heishui chunfeng", "address": "10.0.0.9"}
    found = recover(centre.db, code=code, **place)
    assert found is not None and found[1].link == centre.school["S2024001"].keyring.link
    assert recover(centre.db, code=code, **place) is None
    with pytest.raises(InvalidError):
        confirm_code(centre.db, actor=centre.school["S2024001"], code=code)
    confirm_code(centre.db, actor=centre.school["S2024001"], code=found[2])


def test_dismissal_ends_everything_at_once(centre: Centre) -> None:
    """R4-11: sign-ins, grants, memberships in one transaction; the groups get new keys at a member's next unlock."""
    qiu = sign_in(centre.db, login="qiu", passphrase=WORDS, **PLACE).person
    assert qiu is not None and qiu.staff_id is not None
    dismiss(centre.db, actor=centre.school["director"], account_id=qiu.staff_id)
    assert present_person(centre.db, qiu.token) is None
    assert sign_in(centre.db, login="qiu", passphrase=WORDS, **PLACE).person is None
    assert qiu.holder_id not in members_of(centre.db, "office")
    duty = group_id(centre.house, "duty")
    assert centre.db.get_one(Box, duty).stale
    settle_in(centre.db, actor=centre.school["lan"])
    assert (centre.db.get_one(Box, duty).stale, centre.db.get_one(Box, duty).epoch) == (False, 2)
    with pytest.raises(UnreadableError):
        open_box(centre.db, centre.school["qiu"].keyring, duty)


def test_an_administrators_reset_opens_no_vault(centre: Centre) -> None:
    """A reset makes new keys: the old boxes stay shut and nobody has vouched for the new ones."""
    lan = centre.school["lan"]
    assert lan.staff_id is not None
    with pytest.raises(RefusedError):
        reinvite_staff(centre.db, actor=centre.school["admin"], account_id=lan.staff_id)
    code = reinvite_staff(centre.db, actor=centre.school["director"], account_id=lan.staff_id)
    account, keyring, _printed = activate(centre.db, code=code, passphrase="baiyun heishui chunfeng")
    person = open_sign_in(centre.db, account=account, keyring=keyring, device="phone")
    assert not person.vouched and person.holder_id == lan.holder_id and keyring.version == 2
    with pytest.raises(UnreadableError):
        open_box(centre.db, keyring, group_id(centre.house, "office"))
    with pytest.raises(UnreadableError):
        open_box(centre.db, lan.keyring, group_id(centre.house, "office"))  # type: ignore[arg-type]
    assert may_take_cases(centre.db, keyring.holder_id), "credentials, hours and duty belong to the person, not to the keys"
    assert vouch_for(centre.db, actor=centre.school["director"], account_id=lan.staff_id) == ["office"]
    assert vouch_for(centre.db, actor=centre.school["qiu"], account_id=lan.staff_id) == []
    open_box(centre.db, keyring, group_id(centre.house, "office"))


def test_the_printed_code_is_throttled_like_a_passphrase(centre: Centre) -> None:
    """Five wrong codes, then even the right one waits; an unknown name is counted in the same way."""
    right = centre.school.codes["lan"]
    place = {"passphrase": "baiyun heishui chunfeng", "address": "10.0.0.1"}
    for _try in range(5):
        assert recover(centre.db, login="lan", code="7K3M-0000-AAAA-BBBB-CCCC-ZZZZ", **place) is None
    assert recover(centre.db, login="lan", code=right, **place) is None
    with time_machine.travel(now() + timedelta(minutes=16)):
        assert recover(centre.db, login="lan", code=right, **place) is not None


def test_a_proxy_of_our_own_tells_addresses_apart(sqlite_centre: Centre) -> None:
    """Forwarded headers count only behind our own proxy, and only its own last entry."""
    for ahead, headers, expected in (
        (False, {"X-Forwarded-For": "1.2.3.4"}, "127.0.0.1"),
        (True, {"X-Forwarded-For": "6.6.6.6, 1.2.3.4"}, "1.2.3.4"),
        (True, {}, "127.0.0.1"),
    ):
        app = create_app(replace(sqlite_centre.settings, tls_ahead=ahead))
        with app.test_request_context("/", headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.1"}):
            assert address() == expected


def test_an_administrator_may_not_hold_a_reading_role(centre: Centre) -> None:
    """Nor may anybody but administrator and director invite staff."""
    place = {"login": "x", "display": "X"}
    with pytest.raises(InvalidError):
        invite_staff(centre.db, actor=centre.school["admin"], roles={Role.SYSADMIN, Role.COUNSELLOR}, **place)
    with pytest.raises(RefusedError):
        invite_staff(centre.db, actor=centre.school["lan"], roles={Role.SYSADMIN}, **place)


def test_nobody_vouches_for_themselves(centre: Centre) -> None:
    """The approver is never the requester."""
    director = centre.school["director"]
    assert director.staff_id is not None
    with pytest.raises(RefusedError):
        vouch_for(centre.db, actor=director, account_id=director.staff_id)


def test_a_students_code_needs_number_and_birth_date_and_works_once(centre: Centre) -> None:
    """Five wrong birth dates end it; a new code ends the old one; the account row names no client."""
    rows = centre.db.scalars(select(Student)).all()
    used = {row.login_tag for row in centre.db.scalars(select(Account).where(Account.kind == "student"))}
    fresh = next(row for row in rows if row.login_tag not in used)
    ends = now() + timedelta(days=1)
    desk = centre.school["desk"]
    old, card = invite_student(centre.db, actor=desk, student_id=fresh.student_id, ends=ends)
    code, card = invite_student(centre.db, actor=desk, student_id=fresh.student_id, ends=ends)
    place = {"passphrase": "baiyun heishui", "login": card.student_no}
    with pytest.raises(NotFoundError):
        activate(centre.db, code=old, born=card.born, **place)
    with pytest.raises(NotFoundError):
        activate(centre.db, code=code, born=card.born + timedelta(days=1), **place)
    account, keyring, _printed = activate(centre.db, code=code, born=card.born, **place)
    assert keyring.holder_id == card.client_id and account.holder_id is None
    with pytest.raises(NotFoundError):
        activate(centre.db, code=code, born=card.born, **place)
    code, card = invite_student(centre.db, actor=desk, student_id=fresh.student_id, ends=ends)
    for _try in range(5):
        with pytest.raises(NotFoundError):
            activate(centre.db, code=code, born=card.born + timedelta(days=1), **place)
    with pytest.raises(NotFoundError):
        activate(centre.db, code=code, born=card.born, **place)
    assert centre.db.query(Invitation).count() >= 1


def test_a_forgotten_passphrase_keeps_the_client_and_makes_new_keys(centre: Centre) -> None:
    """A new invitation in person: same `client_id`, a further version of keys."""
    before = centre.school["S2024002"]
    student = centre.db.get_one(Student, before.keyring.student_id)
    code, card = invite_student(
        centre.db, actor=centre.school["desk"], student_id=student.student_id, ends=now() + timedelta(days=1)
    )
    _account, keyring, _code = activate(centre.db, code=code, passphrase="baiyun heishui", login=card.student_no, born=card.born)
    assert keyring.holder_id == before.holder_id
    assert keyring.version > before.keyring.version and keyring.kem_private != before.keyring.kem_private


def test_an_expired_credential_takes_no_new_case(centre: Centre) -> None:
    """R6-02: valid today, or no duty, no slot, no case."""
    assert may_take_cases(centre.db, centre.school["lan"].holder_id)
    assert not may_take_cases(centre.db, centre.school["director"].holder_id)


def test_a_role_is_changed_with_a_new_token(centre: Centre) -> None:
    """ASVS 7.2.4: the old token is dead."""
    person = sign_in(centre.db, login="lan", passphrase=WORDS, **PLACE).person
    assert person is not None
    again = change_role(centre.db, actor=person, role=Role.COUNSELLOR, device="phone")
    assert present_person(centre.db, person.token) is None
    assert present_person(centre.db, again.token) is not None


def test_class_sheets_hold_a_code_for_everybody_who_waits(centre: Centre) -> None:
    """Only those of the class who have not activated; each code works with number and birth date."""
    desk = centre.school["desk"]
    rows = invite_class(centre.db, actor=desk, class_name="高三3班", ends=now() + timedelta(days=60))
    assert [card.name for _code, card in rows] == ["江有汀"]
    code, card = rows[0]
    activate(centre.db, code=code, passphrase="baiyun heishui", login=card.student_no, born=card.born)
    assert invite_class(centre.db, actor=desk, class_name="高三3班", ends=now() + timedelta(days=60)) == []
    with pytest.raises(RefusedError):
        invite_class(centre.db, actor=centre.school["teacher"], class_name="高三3班", ends=now() + timedelta(days=60))
