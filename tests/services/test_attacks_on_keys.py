"""Attacks on the keys: whoever has the database, or another's account, gets nothing and is noticed."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import select, update

from counsel.access.gate import keys_of
from counsel.access.models import Account
from counsel.audit.chain import recording
from counsel.core.clock import now
from counsel.core.database import writing
from counsel.core.errors import ConflictError, RefusedError, TamperError, UnreadableError
from counsel.core.ids import new_id
from counsel.crypto.blob import BODY_AT, CHUNK_BYTES, TAG_BYTES, Kind
from counsel.crypto.context import Place
from counsel.keys.boxes import OpenBox, add_reader, adopt, create_box, open_box, revoke
from counsel.keys.bundle import Keyring, new_keyring, open_bundle
from counsel.keys.grants import Reader, make_grant
from counsel.keys.groups import admit, group_reader, members_of
from counsel.keys.locks import apply_tombstones, erase_lock, make_locks, read_lock
from counsel.keys.models import Certificate, Grant, Holder
from counsel.keys.rotation import open_for_writing, rotate
from counsel.keys.trust import certify, check_client, check_recipient, group_id, holder_row
from counsel.people.cards import client_holder, publish_client
from counsel.people.invitations import staff_holder
from counsel.people.models import Student
from tests.conftest import Centre

SECRET = "她说不想回家".encode()


def keys(centre: Centre, who: str) -> Keyring:
    """Return the keys of somebody of the school, groups at hand."""
    return keys_of(centre.db, centre.school[who])


def case_box(centre: Centre, who: str = "lan") -> tuple[OpenBox, UUID, bytes]:
    """Make a box that one counsellor opens, with one sealed text; return box, item and blob."""
    ring = keys(centre, who)
    holder = holder_row(centre.db, ring.holder_id)
    assert holder is not None
    with writing(centre.db):
        box = create_box(centre.db, kind="case", readers=[Reader(holder, "assigned")], granter=ring)
    item = new_id()
    return box, item, seal_in(box, item, ring.holder_id)


def seal_in(box: OpenBox, item: UUID, author: UUID, text: bytes = SECRET) -> bytes:
    """Seal a text as revision 1 of an item."""
    return box.seal(text, Kind.NOTE, Place("bodies", item, 1, author))


def read(box: OpenBox, blob: bytes, item: UUID, author: UUID, revision: int = 1) -> bytes:
    """Open what `seal_in` sealed."""
    return box.unseal(blob, Kind.NOTE, Place("bodies", item, revision, author))


def test_the_holder_reads_and_keeps_a_symmetric_wrap(centre: Centre) -> None:
    """The first opening is asymmetric; the second uses the reader's own wrap alone."""
    box, item, blob = case_box(centre)
    ring = keys(centre, "lan")
    with writing(centre.db):
        opened = open_box(centre.db, ring, box.box_id)
    grant = centre.db.scalars(select(Grant).where(Grant.box_id == box.box_id)).one()
    assert grant.own_wrap is not None
    blind = replace(ring, kem_private=bytes(96))
    assert read(open_box(centre.db, blind, box.box_id), blob, item, ring.holder_id) == SECRET
    assert read(opened, blob, item, ring.holder_id) == SECRET


@pytest.mark.parametrize("who", ["qiu", "director", "desk", "archive", "admin", "teacher", "leader", "expert", "S2024001"])
def test_wrong_reader_has_no_key(centre: Centre, who: str) -> None:
    """Other counsellor, director, desk, archivist, administrator, teacher, leader, expert, student: no grant opens."""
    box, _item, _blob = case_box(centre)
    with pytest.raises(UnreadableError):
        open_box(centre.db, keys(centre, who), box.box_id)


@pytest.mark.parametrize("moved", ["item", "revision", "author", "box"])
def test_a_swapped_row_does_not_open(sqlite_centre: Centre, moved: str) -> None:
    """A blob put under another item, revision, author or box fails before anything is decrypted."""
    centre = sqlite_centre
    box, item, blob = case_box(centre)
    other, _item, _blob = case_box(centre)
    author = keys(centre, "lan").holder_id
    place = {"item": item, "author": author, "revision": 1}
    place |= {"item": new_id()} if moved == "item" else {}
    place |= {"revision": 2} if moved == "revision" else {}
    place |= {"author": new_id()} if moved == "author" else {}
    with pytest.raises(UnreadableError):
        read(other if moved == "box" else box, blob, **place)


def test_altered_cut_and_reordered_bytes_do_not_open(sqlite_centre: Centre) -> None:
    """Bit flips everywhere in the header and body, truncation at and inside chunks, swapped chunks: one error."""
    box, item, _blob = case_box(sqlite_centre)
    author = keys(sqlite_centre, "lan").holder_id
    blob = seal_in(box, item, author, bytes(range(256)) * 200)
    step = CHUNK_BYTES + TAG_BYTES
    chunks = [blob[at : at + step] for at in range(BODY_AT, len(blob), step)]
    assert len(chunks) > 2
    attacks = [blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :] for at in (0, 4, 5, 6, 7, 9, 25, 30, 60, 90, len(blob) - 1)]
    attacks += [blob[:-1], blob[: BODY_AT + step], blob[: BODY_AT + step + 40], blob[:20], b"", blob + b"\0"]
    attacks.append(blob[:BODY_AT] + chunks[1] + chunks[0] + b"".join(chunks[2:]))
    for attack in attacks:
        with pytest.raises(UnreadableError):
            read(box, attack, item, author)


def test_a_planted_grant_is_refused(centre: Centre) -> None:
    """An administrator who writes a grant of a key he chose is found out when the counsellor opens or writes."""
    box, _item, _blob = case_box(centre)
    lan = keys(centre, "lan")
    thief, holder = new_keyring(new_id()), holder_row(centre.db, lan.holder_id)
    assert holder is not None
    with writing(centre.db):
        centre.db.add(staff_holder(thief))
        centre.db.query(Grant).filter_by(box_id=box.box_id).delete()
        make_grant(centre.db, box_id=box.box_id, epoch=1, key=bytes(32), reader=Reader(holder, "assigned"), granter=thief)
    for for_writing in (False, True):
        with pytest.raises(TamperError):
            open_box(centre.db, lan, box.box_id, for_writing=for_writing)


def test_a_grant_forged_in_the_directors_name_is_refused(centre: Centre) -> None:
    """Claiming to be the director without her signature does not help."""
    box, _item, _blob = case_box(centre)
    lan = keys(centre, "lan")
    director = centre.school["director"].holder_id
    with writing(centre.db):
        centre.db.execute(update(Grant).where(Grant.box_id == box.box_id).values(granter_id=director))
    with pytest.raises(TamperError):
        open_box(centre.db, lan, box.box_id)


def test_a_replaced_staff_key_is_refused(centre: Centre) -> None:
    """A public key swapped in the database loses its certificate: nothing is sealed to it."""
    thief = new_keyring(centre.school["qiu"].holder_id)
    with writing(centre.db):
        row = holder_row(centre.db, thief.holder_id)
        assert row is not None
        row.kem_public, row.sign_public = thief.kem_public, thief.sign_public
    with pytest.raises(TamperError):
        check_recipient(centre.db, row)


def test_a_replaced_client_key_is_refused(centre: Centre) -> None:
    """A client's key that was not made under the invitation's secret is refused by whoever grants to it."""
    student = centre.school["S2024001"]
    with recording(centre.db):
        publish_client(centre.db, actor=student)
    row = holder_row(centre.db, student.holder_id)
    assert row is not None
    assert student.keyring.link is not None
    check_client(centre.house, row, student.keyring.link)
    row.kem_public = new_keyring(new_id()).kem_public
    with pytest.raises(TamperError):
        check_client(centre.house, row, student.keyring.link)
    centre.db.rollback()


def test_a_replaced_group_key_is_refused(centre: Centre) -> None:
    """Requests are not sealed to a `duty` key that no member vouched for."""
    row = holder_row(centre.db, group_id(centre.house, "duty"))
    assert row is not None
    row.kem_public = new_keyring(new_id()).kem_public
    with pytest.raises(TamperError):
        check_recipient(centre.db, row)
    with pytest.raises(TamperError):
        group_reader(centre.db, "duty", "request")
    centre.db.rollback()


def test_administrator_who_grants_himself_a_role_stays_outside(centre: Centre) -> None:
    """A role written into the accounts table is no certificate: no group admits the administrator."""
    admin = keys(centre, "admin")
    with writing(centre.db):
        centre.db.add(
            Certificate(
                holder_id=admin.holder_id,
                version=1,
                role="counsellor",
                certifier_id=admin.holder_id,
                signature=b"x" * 64,
            )
        )
        row = holder_row(centre.db, admin.holder_id)
        assert row is not None
        certify(centre.db, certifier=admin, holder=row, role="director")
    with pytest.raises(RefusedError), recording(centre.db):
        admit(centre.db, member=keys(centre, "director"), newcomer=admin.holder_id, name="office")
    assert admin.holder_id not in members_of(centre.db, "office")


def test_own_wrap_moved_to_another_grant_does_not_open(centre: Centre) -> None:
    """A reader's own wrap belongs to one grant: copied beside another it fails instead of opening the wrong box."""
    first, _i, _b = case_box(centre)
    second, _i, _b = case_box(centre)
    lan = keys(centre, "lan")
    with writing(centre.db):
        open_box(centre.db, lan, first.box_id)
        open_box(centre.db, lan, second.box_id)
    with writing(centre.db):
        one, two = (centre.db.scalars(select(Grant).where(Grant.box_id == box.box_id)).one() for box in (first, second))
        two.own_wrap = one.own_wrap
    with pytest.raises(UnreadableError):
        open_box(centre.db, lan, second.box_id)


def test_an_erased_lock_closes_every_path(centre: Centre) -> None:
    """With the lock gone neither grant, own wrap, parent nor a key kept in memory opens the box's texts."""
    box, _item, _blob = case_box(centre)
    lan = keys(centre, "lan")
    with writing(centre.db):
        parent, _i, _b = case_box(centre)
        open_box(centre.db, lan, box.box_id)
    item = new_id()
    blob = seal_in(box, item, lan.holder_id)
    with writing(centre.db):
        adopt(centre.db, child=box, parent=parent, keep=[lan.holder_id])
    erase_lock(centre.house, box.box_id)
    with pytest.raises(UnreadableError):
        open_box(centre.db, lan, box.box_id)
    kept = OpenBox(centre.house, box.box_id, 1, dict(box.keys), bytes(32))
    with pytest.raises(UnreadableError):
        read(kept, blob, item, lan.holder_id)


def test_an_old_copy_of_the_locks_stays_dead(centre: Centre) -> None:
    """A lock that a restored copy brings back is erased again by its tombstone."""
    box, _item, _blob = case_box(centre)
    erase_lock(centre.house, box.box_id)
    make_locks(centre.house, [box.box_id])
    assert apply_tombstones(centre.house) == 1
    with pytest.raises(UnreadableError):
        read_lock(centre.house, box.box_id)


def test_an_old_database_with_new_locks_opens_nothing_destroyed(centre: Centre) -> None:
    """Last year's rows beside today's lock store: the destroyed box stays shut."""
    box, item, blob = case_box(centre)
    erase_lock(centre.house, box.box_id)
    fresh = make_locks(centre.house, [new_id()])
    other = OpenBox(centre.house, box.box_id, 1, dict(box.keys), next(iter(fresh.values())))
    with pytest.raises(UnreadableError):
        read(other, blob, item, keys(centre, "lan").holder_id)


def test_a_stolen_sign_in_table_opens_no_bundle(centre: Centre) -> None:
    """The stored verifier and the server secret together are not the unlock key."""
    lan = centre.school["lan"]
    stolen = centre.db.scalars(select(Account).where(Account.holder_id == lan.holder_id)).one()
    assert stolen.verifier is not None and stolen.bundle_sealed is not None
    for key in (stolen.verifier, centre.house.secret):
        with pytest.raises(UnreadableError):
            open_bundle(centre.house, stolen.account_id, key, stolen.bundle_sealed)


def test_whoever_left_cannot_read_what_is_written_afterwards(centre: Centre) -> None:
    """Revoking makes the box stale; sealing under the stale epoch raises; the next writer makes a new epoch."""
    lan, qiu = keys(centre, "lan"), keys(centre, "qiu")
    rows = [holder_row(centre.db, ring.holder_id) for ring in (lan, qiu)]
    with writing(centre.db):
        readers = [Reader(row, "assigned") for row in rows if row]
        box = create_box(centre.db, kind="case", readers=readers, granter=lan)
    before, after = new_id(), new_id()
    old = seal_in(box, before, lan.holder_id)
    with writing(centre.db):
        kept_by_qiu = open_box(centre.db, qiu, box.box_id)
        revoke(centre.db, box.box_id, qiu.holder_id)
    stale = open_box(centre.db, lan, box.box_id)
    with pytest.raises(ConflictError):
        seal_in(stale, after, lan.holder_id)
    with writing(centre.db):
        fresh = open_for_writing(centre.db, lan, box.box_id)
    new = seal_in(fresh, after, lan.holder_id)
    assert fresh.epoch == 2
    assert read(fresh, old, before, lan.holder_id) == SECRET
    assert read(open_box(centre.db, lan, box.box_id), new, after, lan.holder_id) == SECRET
    with pytest.raises(UnreadableError):
        read(kept_by_qiu, new, after, lan.holder_id)


def test_rotation_does_not_carry_a_planted_reader_over(centre: Centre) -> None:
    """A reader whose grant was planted stops the rotation with an alarm instead of being regranted."""
    box, _item, _blob = case_box(centre)
    thief = new_keyring(new_id())
    with writing(centre.db):
        centre.db.add(staff_holder(thief))
        centre.db.flush()
        row = holder_row(centre.db, thief.holder_id)
        assert row is not None
        make_grant(centre.db, box_id=box.box_id, epoch=1, key=box.keys[1], reader=Reader(row, "assigned"), granter=thief)
    with pytest.raises(TamperError), writing(centre.db):
        rotate(centre.db, keys(centre, "lan"), box.box_id)


def test_client_holder_is_written_once_with_its_proof(centre: Centre) -> None:
    """A second first contact adds nothing; the proof is the invitation's."""
    student = centre.school["S2024002"]
    with recording(centre.db):
        publish_client(centre.db, actor=student)
        publish_client(centre.db, actor=student)
    assert centre.db.query(Holder).filter_by(holder_id=student.holder_id).count() == 1
    assert client_holder(centre.db, student.keyring).proof == holder_row(centre.db, student.holder_id).proof  # type: ignore[union-attr]


def test_a_grant_ends_at_its_time(centre: Centre) -> None:
    """Expiry holds on the first opening and on the reader's own wrap alike."""
    lan, qiu = keys(centre, "lan"), keys(centre, "qiu")
    rows = [holder_row(centre.db, ring.holder_id) for ring in (lan, qiu)]
    end = now() + timedelta(hours=1)
    with writing(centre.db):
        readers = [Reader(rows[0], "assigned"), Reader(rows[1], "reading", end)]  # type: ignore[arg-type]
        box = create_box(centre.db, kind="case", readers=readers, granter=lan)
    with time_machine.travel(end + timedelta(seconds=1), tick=False), pytest.raises(UnreadableError):
        open_box(centre.db, qiu, box.box_id)
    with writing(centre.db):
        open_box(centre.db, qiu, box.box_id)
    with time_machine.travel(end + timedelta(seconds=1), tick=False), pytest.raises(UnreadableError):
        open_box(centre.db, qiu, box.box_id)
    with time_machine.travel(end + timedelta(seconds=1), tick=False), writing(centre.db):
        rotate(centre.db, lan, box.box_id)
    assert {
        grant.holder_id for grant in centre.db.scalars(select(Grant).where(Grant.box_id == box.box_id, Grant.epoch == 2))
    } == {lan.holder_id}


def test_an_extended_end_is_a_forgery(centre: Centre) -> None:
    """Moving a grant's end in the database breaks its signature."""
    lan = keys(centre, "lan")
    row = holder_row(centre.db, lan.holder_id)
    with writing(centre.db):
        reader = Reader(row, "reading", now() + timedelta(hours=1))  # type: ignore[arg-type]
        box = create_box(centre.db, kind="case", readers=[reader], granter=lan)
        centre.db.flush()
        centre.db.execute(update(Grant).where(Grant.box_id == box.box_id).values(not_after=now() + timedelta(days=9)))
    centre.db.expire_all()
    with pytest.raises(TamperError):
        open_box(centre.db, lan, box.box_id)


def test_a_forged_card_is_refused(centre: Centre) -> None:
    """Cards are granted by the house: without the server secret nobody makes one that opens."""
    desk = keys(centre, "desk")
    student = centre.db.scalars(select(Student)).first()
    assert student is not None
    with writing(centre.db):
        grant = centre.db.scalars(select(Grant).where(Grant.box_id == student.card_box_id)).one()
        grant.signature = bytes(32)
    with pytest.raises(TamperError):
        open_box(centre.db, desk, student.card_box_id, keep=False)


def test_nobody_writes_under_a_key_that_a_client_chose(centre: Centre) -> None:
    """`duty` reads a request; writing under it would let an intruder with a client's row choose the key."""
    student, lan = centre.school["S2024001"], keys(centre, "lan")
    with recording(centre.db):
        publish_client(centre.db, actor=student)
        box = create_box(centre.db, kind="request", readers=[group_reader(centre.db, "duty", "request")], granter=student.keyring)
    open_box(centre.db, lan, box.box_id)
    with pytest.raises(TamperError):
        open_box(centre.db, lan, box.box_id, for_writing=True)


def test_a_box_is_shared_with_a_client_only_by_the_secret_of_the_card(centre: Centre) -> None:
    """Without the proof, or with another's, nothing is granted; with it the client opens."""
    student, lan = centre.school["S2024001"], keys(centre, "lan")
    with recording(centre.db):
        publish_client(centre.db, actor=student)
    box, item, blob = case_box(centre)
    row = holder_row(centre.db, student.holder_id)
    assert row is not None and student.keyring.link is not None
    for link in (None, bytes(32)):
        with pytest.raises(TamperError):
            add_reader(centre.db, box, reader=Reader(row, "client"), granter=lan, link=link)
    with writing(centre.db):
        add_reader(centre.db, box, reader=Reader(row, "client"), granter=lan, link=student.keyring.link)
    assert read(open_box(centre.db, student.keyring, box.box_id), blob, item, lan.holder_id) == SECRET


def test_groups_that_were_not_founded_and_readers_without_keys_raise(centre: Centre) -> None:
    """Nothing is sealed to nobody."""
    with pytest.raises(UnreadableError):
        open_box(centre.db, keys(centre, "lan"), new_id())
    with pytest.raises(RefusedError), recording(centre.db):
        admit(centre.db, member=keys(centre, "director"), newcomer=centre.school["teacher"].holder_id, name="office")
