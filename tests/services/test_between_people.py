"""Deputies, guests, people known twice, guardians and the timetable: who may act for whom, and who is whom."""

from datetime import date, timedelta

import pytest
import time_machine
from sqlalchemy import select

from counsel.access.accounts import find_account
from counsel.access.gate import keys_of
from counsel.access.models import Account
from counsel.access.sign_ins import change_role, open_sign_in, present_person
from counsel.confidentiality.roles import Role
from counsel.core.clock import now, today
from counsel.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError, TransitionError, UnreadableError
from counsel.pathway.appointments.merging import link_client
from counsel.pathway.appointments.reception import check_in, register_walk_in
from counsel.pathway.appointments.requests import Wish, request_appointment
from counsel.pathway.intake.services import receive_client
from counsel.people.cards import client_cards, student_card
from counsel.people.deputies import end_deputy, my_deputies, name_deputy, possible_deputies
from counsel.people.guardians import import_guardians
from counsel.people.guests import register_guest
from counsel.people.invitations import activate, invite_staff, invite_student, look_up_student
from counsel.people.models import Student, Teaching
from counsel.people.roll import import_students
from counsel.people.staff import vouch_for
from counsel.people.timetable import barred_for, class_tag, import_timetable
from counsel.roster.queries import free_slots
from tests.conftest import Centre
from tests.school import ROLL, WORDS
from tests.story import CALM, in_counselling, open_the_centre, slot_with

GUARDIANS = """学号,监护人,关系,电话
S2024001,苏母,母亲,13900000101
S2024001,苏父,父亲,13900000102
S2024003,阮姥姥,外祖母,
"""
TIMETABLE = "用户名,班级,班主任\nlan,高二1班,否\nteacher,高二1班,是\nqiu,高三3班,\n"


def days(centre: Centre, first: int, last: int) -> dict[str, date]:
    """Return a span of days from today."""
    day = today(centre.settings.time_zone)
    return {"from_on": day + timedelta(days=first), "until_on": day + timedelta(days=last)}


def as_deputy(centre: Centre, who: str = "qiu") -> object:
    """Sign a colleague in and let them take the director's role."""
    person = centre.school[who]
    account = centre.db.get_one(Account, person.account_id)
    signed = open_sign_in(centre.db, account=account, keyring=person.keyring, device="desk")
    return change_role(centre.db, actor=signed, role=Role.DIRECTOR, device="desk")


def test_a_deputy_acts_from_one_day_to_another_and_no_longer(centre: Centre) -> None:
    """The role is offered on those days; it ends at the next request after the last one."""
    director, qiu = centre.school["director"], centre.school["qiu"]
    name_deputy(centre.db, actor=director, account_id=qiu.staff_id, **days(centre, 0, 2))
    acting = as_deputy(centre)
    assert (acting.role, acting.deputy, acting.vouched) == (Role.DIRECTOR, True, True)  # type: ignore[attr-defined]
    assert present_person(centre.db, acting.token).role is Role.DIRECTOR  # type: ignore[attr-defined, union-attr]
    with time_machine.travel(now() + timedelta(days=3)):
        assert present_person(centre.db, acting.token) is None  # type: ignore[attr-defined]
        assert as_deputy(centre).role is Role.COUNSELLOR  # type: ignore[attr-defined]


def test_ending_a_deputy_ends_the_role_at_the_next_request(centre: Centre) -> None:
    """R4-11: cached sign-ins included; only whoever named a deputy ends it."""
    director = centre.school["director"]
    deputy_id = name_deputy(centre.db, actor=director, account_id=centre.school["qiu"].staff_id, **days(centre, 0, 9))
    acting = as_deputy(centre)
    for actor, error in ((centre.school["leader"], NotFoundError), (acting, RefusedError)):
        with pytest.raises(error):
            end_deputy(centre.db, actor=actor, deputy_id=deputy_id)  # type: ignore[arg-type]
    assert [row.name for row in my_deputies(centre.db, actor=director)] == ["秋老师"]
    end_deputy(centre.db, actor=director, deputy_id=deputy_id)
    assert present_person(centre.db, acting.token) is None  # type: ignore[attr-defined]


def test_a_deputy_decides_cases_but_no_keys_and_no_deputies(centre: Centre) -> None:
    """Vouching stays with the director; a deputy's word is one colleague's second voice."""
    director = centre.school["director"]
    name_deputy(centre.db, actor=director, account_id=centre.school["qiu"].staff_id, **days(centre, 0, 2))
    acting = as_deputy(centre)
    code = invite_staff(centre.db, actor=acting, login="xin", display="新同事", roles={Role.COUNSELLOR})  # type: ignore[arg-type]
    account, _keyring, _code = activate(centre.db, code=code, passphrase="baiyun heishui chunfeng")
    assert "counsellor" in vouch_for(centre.db, actor=acting, account_id=account.account_id)  # type: ignore[arg-type]
    with pytest.raises(RefusedError):
        name_deputy(centre.db, actor=acting, account_id=account.account_id, **days(centre, 0, 1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("who", "first", "last", "field"),
    [("admin", 0, 1, "account"), ("desk", 0, 1, "account"), ("director", 0, 1, "account"), ("qiu", 2, 1, "until_on"),
     ("qiu", -9, -3, "until_on"), ("qiu", 0, 400, "until_on")],
)  # fmt: skip
def test_who_cannot_be_a_deputy(sqlite_centre: Centre, who: str, first: int, last: int, field: str) -> None:
    """Nobody without a counsellor's keys, never the administrator, never oneself, only days that make sense."""
    centre = sqlite_centre
    director = centre.school["director"]
    with pytest.raises(InvalidError) as caught:
        name_deputy(centre.db, actor=director, account_id=centre.school[who].staff_id, **days(centre, first, last))
    assert set(caught.value.problems) == {field}
    assert {name for _account, name in possible_deputies(centre.db, actor=director)} == {"岚老师", "秋老师"}
    with pytest.raises(RefusedError):
        possible_deputies(centre.db, actor=centre.school["lan"])


def test_a_leader_names_any_colleague_but_the_administrators_rule_holds(centre: Centre) -> None:
    """A school leader's deputy needs no keys."""
    leader = centre.school["leader"]
    name_deputy(centre.db, actor=leader, account_id=centre.school["manager"].staff_id, **days(centre, 0, 1))
    assert "管理员榆" in {name for _account, name in possible_deputies(centre.db, actor=leader)}


def test_a_parent_or_colleague_becomes_a_client_like_a_student(centre: Centre) -> None:
    """Registered beside the roll with a number of their own; age, code and booking as for everybody."""
    desk = centre.school["desk"]
    row, number = register_guest(centre.db, actor=desk, name="苏家长", born=date(1980, 2, 29), kind="parent")
    code, card = invite_student(centre.db, actor=desk, student_id=row.student_id, ends=now() + timedelta(days=9))
    assert (card.student_no, card.class_name) == (number, "parent")
    account, keyring, _code = activate(centre.db, code=code, passphrase=WORDS, login=number, born=card.born)
    assert (account.kind, keyring.card["name"]) == ("student", "苏家长")
    for kind, born, field in (("pet", date(1980, 1, 1), "kind"), ("parent", date(2999, 1, 1), "born")):
        with pytest.raises(InvalidError) as caught:
            register_guest(centre.db, actor=desk, name="x", born=born, kind=kind)
        assert set(caught.value.problems) == {field}
    with pytest.raises(RefusedError):
        register_guest(centre.db, actor=centre.school["admin"], name="x", born=date(1980, 1, 1), kind="parent")


def test_one_person_known_twice_becomes_one_card(centre: Centre) -> None:
    """Somebody registered by name turns out to be on the roll: both ids in one card, the client's card points back."""
    open_the_centre(centre)
    desk = centre.school["desk"]
    row = register_walk_in(centre.db, actor=desk, student_no="", name="江同学", slot_key=slot_with(centre).key)
    with pytest.raises(InvalidError):
        link_client(centre.db, actor=desk, appointment_id=row.appointment_id, student_no="S999")
    link_client(centre.db, actor=desk, appointment_id=row.appointment_id, student_no="S2024004")
    _student, card = look_up_student(centre.db, actor=desk, student_no="S2024004")
    assert card.client_id == row.client_id and len(card.client_ids) == 2, "not activated yet: what was begun is current"
    (client,) = client_cards(centre.db, desk.keyring, [row.client_id]).values()  # type: ignore[arg-type]
    assert (client.name, client.class_name) == ("江有汀", "高三3班")
    with pytest.raises(ConflictError, match="linked"):
        link_client(centre.db, actor=desk, appointment_id=row.appointment_id, student_no="S2024004")


def test_an_active_students_own_id_stays_and_the_open_case_is_found(centre: Centre) -> None:
    """A colleague who receives the second id is told that the person has a case already."""
    open_the_centre(centre)
    in_counselling(centre, "S2024001", "lan")
    desk = centre.school["desk"]
    row = register_walk_in(centre.db, actor=desk, student_no="", name="苏", slot_key=slot_with(centre, "qiu").key)
    link_client(centre.db, actor=desk, appointment_id=row.appointment_id, student_no="S2024001")
    _student, card = look_up_student(centre.db, actor=desk, student_no="S2024001")
    assert card.client_id == centre.school["S2024001"].holder_id
    with time_machine.travel(row.starts_at, tick=True):
        check_in(centre.db, actor=desk, appointment_id=row.appointment_id)
        with pytest.raises(TransitionError, match="OTHER_COUNSELLOR"):
            receive_client(centre.db, actor=centre.school["qiu"], appointment_id=row.appointment_id)


def test_guardians_are_sealed_beside_the_card_and_safe_to_repeat(centre: Centre) -> None:
    """Several a student, in either encoding; the roll imported again does not undo them."""
    admin, desk = centre.school["admin"], centre.school["desk"]
    first = import_guardians(centre.db, actor=admin, raw=GUARDIANS.encode("gb18030"))
    assert (first.added, first.changed, first.same) == (2, 0, 0)
    again = import_guardians(centre.db, actor=admin, raw=("\ufeff" + GUARDIANS).encode())
    assert (again.added, again.changed, again.same) == (0, 0, 2)
    import_students(centre.db, actor=admin, raw=ROLL.replace("高二1班", "高三1班").encode())
    _row, card = look_up_student(centre.db, actor=desk, student_no="S2024001")
    assert card.class_name == "高三1班" and [who["name"] for who in card.contacts] == ["苏母", "苏父"]
    changed = import_guardians(centre.db, actor=None, raw=GUARDIANS.replace("苏父", "苏继父").encode())
    assert (changed.added, changed.changed, changed.same) == (0, 1, 1)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("学号,监护人\nS2024001,苏母\n", [(1, "relation", "missing_column")]),
        ("学号,监护人,关系\nS999,某,母亲\n", [(2, "student_no", "not_on_roll")]),
        ("学号,监护人,关系\nS2024001,=1+1,母亲\n", [(2, "name", "formula")]),
        ("学号,监护人,关系\nS2024001,苏母,母亲\nS2024001,苏母,母亲\n", [(3, "name", "twice_here")]),
        ("学号,监护人,关系\n", [(2, "", "no_rows")]),
    ],
)
def test_a_bad_list_of_guardians_changes_nothing(sqlite_centre: Centre, text: str, problems: list[tuple[int, str, str]]) -> None:
    """Row by row, and all or nothing."""
    report = import_guardians(sqlite_centre.db, actor=sqlite_centre.school["admin"], raw=text.encode())
    assert [(p.row, p.column, p.code) for p in report.problems] == problems
    assert all(row.guardians_sealed is None for row in sqlite_centre.db.scalars(select(Student)))


def test_the_timetable_replaces_itself_and_names_no_class_in_clear(centre: Centre) -> None:
    """Teacher and class by HMAC; the next term's table takes away what is no longer so."""
    admin = centre.school["admin"]
    assert import_timetable(centre.db, actor=admin, raw=TIMETABLE.encode()).added == 3
    assert import_timetable(centre.db, actor=admin, raw=TIMETABLE.encode()).same == 3
    import_timetable(centre.db, actor=admin, raw="login,class\nlan,高三3班\n".encode())
    lan = find_account(centre.db, "lan")
    rows = centre.db.scalars(select(Teaching)).all()
    assert lan is not None
    assert [(row.account_id, row.class_tag, row.leads) for row in rows] == [
        (lan.account_id, class_tag(centre.house, "高三 3班"), False)
    ]
    bad = import_timetable(centre.db, actor=admin, raw="login,class,班主任\nnobody,高一,x\n".encode())
    assert [(p.row, p.column, p.code) for p in bad.problems] == [(2, "login", "no_colleague"), (2, "leads", "yes_or_no")]


@pytest.mark.parametrize("act", [import_students, import_guardians, import_timetable])
def test_imports_are_for_director_and_administrator_only(sqlite_centre: Centre, act: object) -> None:
    """The desk, a counsellor, a leader and a student are refused."""
    for who in ("desk", "lan", "leader", "S2024001"):
        with pytest.raises(RefusedError):
            act(sqlite_centre.db, actor=sqlite_centre.school[who], raw=b"x")  # type: ignore[operator]


def test_an_import_needs_nobodys_keys_and_leaves_cards_openable(centre: Centre) -> None:
    """The administrator imports; only the office opens."""
    import_guardians(centre.db, actor=centre.school["admin"], raw=GUARDIANS.encode())
    row = centre.db.scalars(select(Student).where(Student.guardians_sealed.is_not(None))).first()
    assert row is not None
    with pytest.raises(UnreadableError):
        student_card(centre.db, centre.school["admin"].keyring, row)  # type: ignore[arg-type]
    keyring = keys_of(centre.db, centre.school["desk"])
    assert student_card(centre.db, keyring, row).contacts


def test_whoever_teaches_the_class_is_not_offered_and_cannot_be_booked(centre: Centre) -> None:
    """C5, 篇9 一7: a hard conflict by timetable, for the student's own booking and at the desk; other classes are free."""
    open_the_centre(centre)
    table = "login,class,head_teacher\nlan,高二1班,no\n".encode()
    assert import_timetable(centre.db, actor=centre.school["admin"], raw=table).added == 1
    slot = slot_with(centre)
    wish = Wish(slot=slot.key, answers=CALM, notice_version=1)
    with pytest.raises(ConflictError, match="slot_taken"):
        request_appointment(centre.db, actor=centre.school["S2024001"], wish=wish)
    with pytest.raises(ConflictError, match="slot_taken"):
        register_walk_in(centre.db, actor=centre.school["desk"], student_no="S2024002", name="", slot_key=slot.key)
    assert request_appointment(centre.db, actor=centre.school["S2024003"], wish=wish).counsellor_id == slot.holder_id
    mine = barred_for(centre.db, centre.school["S2024001"])
    assert mine == {centre.school["lan"].holder_id} and barred_for(centre.db, centre.school["S2024003"]) == frozenset()
    offered = free_slots(centre.db, slot.starts_at.date(), without=mine)
    assert offered and {found.holder_id for found in offered} == {centre.school["qiu"].holder_id}
