"""The rare branches of keys and access: each says what must happen when somebody broke something on purpose."""

from dataclasses import replace

import pytest
from sqlalchemy import delete, update

from counsel.access.accounts import find_account, names_of, open_with_code
from counsel.access.models import SignIn
from counsel.access.sign_ins import _touch, present_person, sign_in, token_hash
from counsel.access.vault import lock_vault
from counsel.core.database import writing
from counsel.core.errors import TamperError, UnreadableError
from counsel.core.ids import new_id
from counsel.crypto import selftest as selftest_module
from counsel.crypto.blob import Kind
from counsel.crypto.context import Place
from counsel.keys.boxes import create_box, open_box, readers_of, revoke
from counsel.keys.grants import Reader
from counsel.keys.groups import found_group, group_reader, members_of, open_groups, renew_if_stale
from counsel.keys.locks import LOCKS, erase_lock, make_locks, prepare_store
from counsel.keys.models import Box, BoxEpoch, Grant, Holder
from counsel.keys.rotation import open_for_writing, rotate
from counsel.keys.trust import certify, group_id, holder_row, is_root, pin_director, roles_of
from counsel.people.settling import settle_in
from counsel.people.staff import dismiss
from tests.conftest import Centre
from tests.school import WORDS


def my_box(centre: Centre, *others: str) -> Box:
    """A box of a counsellor, and perhaps of others."""
    lan = centre.school["lan"].keyring
    assert lan is not None
    readers = [Reader(holder_row(centre.db, centre.school[who].holder_id), "x") for who in ("lan", *others)]  # type: ignore[arg-type]
    with writing(centre.db):
        box = create_box(centre.db, kind="case", readers=readers, granter=lan)
    return centre.db.get_one(Box, box.box_id)


def test_a_staff_row_without_names_is_unreadable(sqlite_centre: Centre) -> None:
    """Not shown as nobody."""
    account = find_account(sqlite_centre.db, "lan")
    assert account is not None
    account.names_sealed = None
    with pytest.raises(UnreadableError):
        names_of(sqlite_centre.house, account)
    sqlite_centre.db.rollback()


def test_a_code_for_nobody_opens_nothing(sqlite_centre: Centre) -> None:
    """No account, or one without a code."""
    assert open_with_code(sqlite_centre.house, None, sqlite_centre.school.codes["lan"]) is None


def test_a_sign_in_row_altered_by_hand_is_no_sign_in(centre: Centre) -> None:
    """Bytes that do not open end it; a row that vanished meanwhile is not written back."""
    person = sign_in(centre.db, login="lan", passphrase=WORDS, address="x", device="phone").person
    assert person is not None
    row = centre.db.get_one(SignIn, token_hash(person.token))
    ghost = SignIn(token_hash=b"gone", account_tag=b"", self_sealed=b"", vault_sealed=b"x", device="")
    ghost.idle_until, ghost.ends_at, ghost.vault_until = row.idle_until, row.ends_at, row.vault_until
    _touch(centre.db, centre.house, ghost, False)
    with writing(centre.db):
        centre.db.get_one(SignIn, token_hash(person.token)).self_sealed = row.self_sealed[:-1] + b"x"
    assert present_person(centre.db, person.token) is None
    lock_vault(centre.db, actor=replace(person, token="another"))


def test_a_long_stay_is_touched_and_stays_open(centre: Centre) -> None:
    """Work after ten minutes moves both ends."""
    import time_machine

    from counsel.core.clock import now

    person = sign_in(centre.db, login="lan", passphrase=WORDS, address="x", device="phone").person
    assert person is not None
    before = centre.db.get_one(SignIn, token_hash(person.token)).vault_until
    with time_machine.travel(now().timestamp() + 600):
        found = present_person(centre.db, person.token)
    assert found is not None and before is not None and found.vault_until is not None and found.vault_until > before


def test_a_self_test_that_cannot_even_run_fails_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A primitive that raises is a vector that is not met."""
    selftest_module.selftest.cache_clear()

    def broken(_vectors: object) -> dict[str, str]:
        raise UnreadableError

    monkeypatch.setattr(selftest_module, "computed", broken)
    assert selftest_module.selftest() == ("UnreadableError",)
    selftest_module.selftest.cache_clear()


def test_a_grant_to_nobody_is_planted(centre: Centre) -> None:
    """The holder's row was deleted: an alarm, not a silent no."""
    box = my_box(centre)
    lan = centre.school["lan"]
    with writing(centre.db):
        centre.db.execute(delete(Holder).where(Holder.holder_id == lan.holder_id))
    with pytest.raises(TamperError):
        open_box(centre.db, lan.keyring, box.box_id)  # type: ignore[arg-type]


def test_keys_of_another_version_open_nothing(centre: Centre) -> None:
    """Neither one's own later keys nor a group version that is not at hand; and no box is nobody's box."""
    box = my_box(centre)
    lan = centre.school["lan"].keyring
    assert lan is not None
    with pytest.raises(UnreadableError):
        open_box(centre.db, replace(lan, version=9), box.box_id)
    with pytest.raises(UnreadableError):
        open_box(centre.db, lan, new_id())
    assert readers_of(centre.db, new_id()) == [] and revoke(centre.db, box.box_id, new_id()) == 0


def test_a_link_between_epochs_that_is_gone_closes_what_lies_before(centre: Centre) -> None:
    """Two rotations, the middle link deleted: the first epoch's text no longer opens, the later ones do."""
    box = my_box(centre)
    lan = centre.school["lan"].keyring
    assert lan is not None
    place = Place("bodies", new_id(), 1)
    with writing(centre.db):
        first = open_for_writing(centre.db, lan, box.box_id).seal(b"one", Kind.NOTE, place)
        rotate(centre.db, lan, box.box_id)
        rotate(centre.db, lan, box.box_id)
    assert open_box(centre.db, lan, box.box_id).unseal(first, Kind.NOTE, place) == b"one"
    with writing(centre.db):
        centre.db.execute(delete(BoxEpoch).where(BoxEpoch.box_id == box.box_id, BoxEpoch.epoch == 3))
    with pytest.raises(UnreadableError):
        open_box(centre.db, lan, box.box_id).unseal(first, Kind.NOTE, place)


def test_a_rotation_leaves_out_whoever_left_or_expired(centre: Centre) -> None:
    """Readers whose holder is gone, revoked, or whose end has come get no grant of the new epoch."""
    from datetime import timedelta

    from counsel.core.clock import now

    box = my_box(centre, "qiu", "director", "desk")
    lan = centre.school["lan"].keyring
    assert lan is not None
    ids = {who: centre.school[who].holder_id for who in ("qiu", "director", "desk")}
    with writing(centre.db):
        centre.db.execute(update(Holder).where(Holder.holder_id == ids["qiu"]).values(revoked=True))
        centre.db.execute(
            update(Grant).where(Grant.holder_id == ids["desk"], Grant.box_id == box.box_id).values(holder_version=7)
        )
        old = now() - timedelta(minutes=1)
        director = holder_row(centre.db, ids["director"])  # type: ignore[arg-type]
        assert director is not None
        centre.db.execute(delete(Grant).where(Grant.holder_id == ids["director"], Grant.box_id == box.box_id))
        opened = open_box(centre.db, lan, box.box_id)
        from counsel.keys.grants import make_grant

        place = {"box_id": box.box_id, "epoch": 1, "key": opened.keys[1]}
        make_grant(centre.db, **place, reader=Reader(director, "x", old), granter=lan)  # type: ignore[arg-type]
    centre.db.expire_all()
    with writing(centre.db):
        rotate(centre.db, lan, box.box_id)
    present = {grant.holder_id for grant in readers_of(centre.db, box.box_id) if grant.epoch == 2}
    assert present == {centre.school["lan"].holder_id}


def test_groups_are_founded_once_and_their_keys_are_checked(centre: Centre) -> None:
    """Founding again changes nothing; an unfounded group has nobody; a swapped private half is noticed."""
    director = centre.school["director"].keyring
    assert director is not None
    found_group(centre.db, founder=director, name="office")
    office = group_id(centre.house, "office")
    holder = holder_row(centre.db, office)
    other = holder_row(centre.db, group_id(centre.house, "duty"))
    assert holder is not None and other is not None and holder.version == 1
    open_groups(centre.db, director)
    assert not renew_if_stale(centre.db, director, "office")
    with writing(centre.db):
        centre.db.execute(update(Holder).where(Holder.holder_id == office).values(kem_public=other.kem_public))
    centre.db.expire_all()
    assert open_groups(centre.db, centre.school["lan"].keyring) == ["office"]  # type: ignore[arg-type]
    with writing(centre.db):
        centre.db.execute(update(Holder).where(Holder.holder_id == office).values(private_sealed=None))
    centre.db.expire_all()
    ring = centre.school["lan"].keyring
    open_groups(centre.db, ring)  # type: ignore[arg-type]
    assert ring is not None and ring.groups[office] == {}
    with writing(centre.db):
        centre.db.execute(delete(Box).where(Box.box_id == office))
        centre.db.execute(delete(Holder).where(Holder.holder_id == office))
    assert members_of(centre.db, "office") == set()
    with pytest.raises(UnreadableError):
        group_reader(centre.db, "office", "x")


def test_locks_live_in_postgresql_as_well_and_die_once(centre: Centre) -> None:
    """The lock store in either database; erasing twice leaves one tombstone."""
    house = centre.house if centre.backend == "sqlite" else replace(centre.house, locks=centre.db.get_bind().engine)
    centre.db.rollback()
    prepare_store(house)
    (lock_id,) = make_locks(house, [new_id()])
    assert make_locks(house, []) == {}
    for _twice in range(2):
        erase_lock(house, lock_id)
    with house.locks.connect() as store:
        assert store.execute(LOCKS.select().where(LOCKS.c.lock_id == lock_id)).first() is None


def test_without_a_pin_nobody_is_root_and_a_certificate_is_made_once(centre: Centre) -> None:
    """No file, no director; the same signature twice is one row."""
    director, lan = centre.school["director"].keyring, centre.school["lan"].keyring
    assert director is not None and lan is not None
    holder, me = holder_row(centre.db, lan.holder_id), holder_row(centre.db, director.holder_id)
    assert holder is not None and me is not None
    with writing(centre.db):
        certify(centre.db, certifier=director, holder=holder, role="counsellor")
    pins = centre.settings.instance / "pins.json"
    pins.unlink()
    assert not is_root(centre.house, me)
    pin_director(centre.house, director)
    assert is_root(centre.house, me)


def test_who_has_left_has_no_role_any_more_and_old_signatures_still_stand(centre: Centre) -> None:
    """篇5 4: nothing new is sealed to them; what they signed before is still believed."""
    qiu = centre.school["qiu"]
    assert qiu.holder_id is not None
    dismiss(centre.db, actor=centre.school["director"], account_id=qiu.account_id, knowing=True)
    row = holder_row(centre.db, qiu.holder_id)
    assert row is not None and roles_of(centre.db, row) == []
    assert roles_of(centre.db, row, even_left=True) == ["counsellor"]


def test_what_a_group_reads_gets_a_new_epoch_when_somebody_has_left_the_group(centre: Centre) -> None:
    """Lazily, at the next writing: the group's newest keys read it, the old ones no longer."""
    lan = centre.school["lan"]
    assert lan.keyring is not None
    readers = [Reader(holder_row(centre.db, lan.holder_id), "x"), group_reader(centre.db, "duty", "x")]  # type: ignore[arg-type]
    with writing(centre.db):
        box = create_box(centre.db, kind="task", readers=readers, granter=lan.keyring)
    dismiss(centre.db, actor=centre.school["director"], account_id=centre.school["qiu"].account_id, knowing=True)
    settle_in(centre.db, actor=lan)
    with writing(centre.db):
        assert open_for_writing(centre.db, lan.keyring, box.box_id).epoch == 2
