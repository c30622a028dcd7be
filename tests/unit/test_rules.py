"""The rule table against the checked-in visibility matrix: every role × relation × state, allowed or refused."""

import csv
from dataclasses import replace
from importlib.resources import files
from uuid import UUID

import pytest

from counsel.confidentiality.decide import REFUSED, decide, role_may
from counsel.confidentiality.facts import Actor, Facts
from counsel.confidentiality.limits import LIMITS, LimitCode
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import READING, Role, combination_problem
from counsel.confidentiality.rules import RULES

STATES = ("closed", "handed_in", "archived", "submitted", "sent")
ME, CLIENT, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
RELATIONS = ("none", "own", "assigned", "duty", "reader", "receiver", "sender", "told", "asked")
COUNSELLING = ("assigned", "duty", "reader", "receiver", "sender")


def matrix() -> list[tuple[Permission, str, frozenset[str]]]:
    """Return the rows of the checked-in matrix."""
    with files("counsel.data").joinpath("visibility.csv").open("r", encoding="utf-8") as source:
        return [
            (Permission(row["permission"]), row["state"], frozenset(row["allowed"].split())) for row in csv.DictReader(source)
        ]


def actor_in(role: Role, relation: str) -> Actor | None:
    """Return an actor of a role in a relation, or None where the relation cannot be."""
    if relation == "own":
        return Actor(role, holder_id=CLIENT) if role is Role.STUDENT else None
    if relation in COUNSELLING and role not in (Role.COUNSELLOR, Role.DIRECTOR):
        return None
    if relation in ("told", "asked") and role in (Role.STUDENT, Role.GUARDIAN):
        return None
    if relation == "assigned" and role is Role.DIRECTOR:
        return None
    return Actor(role, holder_id=ME, staff_id=UUID(int=9), on_duty=relation == "duty")


def facts_in(state: str, relation: str) -> Facts:
    """Return the facts of a state as seen from a relation."""
    assigned = {"unassigned": None, "any": None, "barred": None}.get(state, OTHER)
    state, barred = state.removesuffix("_barred"), frozenset({ME}) if "barred" in state else frozenset()
    if relation == "assigned" and state not in ("unassigned", "any", "barred"):
        assigned = ME
    return Facts(
        client_id=None if state == "nobody" else CLIENT,
        ground="EX1" if state == "grounded" else None,
        ordered=state == "ordered",
        by_director=state == "directors",
        assigned_to=assigned,
        state=state.removesuffix("_waited") if state.removesuffix("_waited") in STATES else "counselling",
        watched=state in ("watched", "barred"),
        barred=barred,
        agreed=state == "agreed",
        waited=state == "submitted_waited",
        sender_id=ME if relation == "sender" else OTHER,
        requester_id=UUID(int=9) if relation == "sender" else UUID(int=8),
        asked=frozenset({ME}) if relation == "asked" else frozenset(),
        recipient_id=ME if relation == "told" else OTHER,
        read_by=frozenset({ME}) if relation == "reader" else frozenset(),
        receiver_id=ME if relation == "receiver" else None,
    )


CELLS = [
    (permission, state, role, relation, f"{role}:{relation}" in allowed)
    for permission, state, allowed in matrix()
    for role in Role
    for relation in RELATIONS
    if actor_in(role, relation) is not None
]


def test_the_matrix_has_every_guarded_permission() -> None:
    """A permission that opens something about a client cannot be forgotten in the matrix."""
    guarded = {
        p
        for p in Permission
        if p.split(":")[0]
        in (
            "appointment",
            "request",
            "case",
            "note",
            "process",
            "handover",
            "file",
            "concern",
            "task",
            "risk",
            "disclosure",
            "package",
            "report",
            "event",
            "ledger",
            "letter",
            "chat",
            "record",
            "statement",
            "order",
            "enquiry",
            "opening",
            "recording",
            "copy",
            "hold",
            "volume",
            "ticket",
            "loan",
        )
    }
    assert guarded <= {row[0] for row in matrix()}


@pytest.mark.parametrize("role", list(Role))
def test_every_cell_is_as_the_matrix_says(role: Role) -> None:
    """Role × relation × state × artefact, one by one; nothing is allowed that the matrix does not allow."""
    wrong = []
    for permission, state, cell_role, relation, expected in CELLS:
        if cell_role is role:
            actor = actor_in(role, relation)
            assert actor is not None
            if decide(actor, permission, facts_in(state, relation)).allowed != expected:
                wrong.append((permission, state, relation, expected))
    assert wrong == []


def test_nobody_reads_words_by_being_administrator_or_leader() -> None:
    """篇4 三: no clause lets administrator, leader, teacher, desk, guardian or expert read or write content."""
    outside = set(Role) - {Role.COUNSELLOR, Role.DIRECTOR, Role.STUDENT}
    for permission in (Permission.REQUEST_READ, Permission.CASE_READ, Permission.NOTE_READ, Permission.NOTE_WRITE):
        assert not any(role_may(Actor(role, holder_id=ME, on_duty=True), permission) for role in outside)


def test_what_comes_later_is_ruled_already() -> None:
    """Letters, chats are case material; the desk's ledger knows no case; no order overrides the truth (R7-06, R7-14; R1-31)."""
    mine, others = Facts(client_id=CLIENT, assigned_to=ME), Facts(client_id=CLIENT, assigned_to=OTHER)
    counsellor = Actor(Role.COUNSELLOR, holder_id=ME, on_duty=True)
    for permission in (Permission.LETTER_READ, Permission.CHAT_READ):
        assert decide(counsellor, permission, mine).allowed
        assert decide(counsellor, permission, Facts(client_id=CLIENT)).allowed
        assert not decide(counsellor, permission, others).allowed
        for role in set(Role) - {Role.COUNSELLOR, Role.DIRECTOR}:
            assert not decide(Actor(role, holder_id=ME, on_duty=True), permission, mine).allowed
    assert not decide(counsellor, Permission.RECORD_LEAVE, mine).allowed
    assert decide(counsellor, Permission.RECORD_LEAVE, replace(mine, ground="EX4")).allowed
    assert decide(counsellor, Permission.STATEMENT_SIGN, mine).allowed
    assert not decide(counsellor, Permission.STATEMENT_SIGN, replace(mine, ordered=True)).allowed
    leader = Actor(Role.SCHOOL_LEADER, holder_id=ME)
    assert decide(leader, Permission.ORDER_GIVE, Facts()).allowed
    assert not decide(leader, Permission.ORDER_GIVE, mine).allowed
    assert not decide(Actor(Role.FRONT_DESK, holder_id=ME), Permission.CASE_READ, mine).allowed


def test_the_unknown_is_refused() -> None:
    """A permission without a row, and a clause without sentences, refuse."""
    actor = Actor(Role.DIRECTOR, holder_id=ME)
    assert decide(actor, Permission.NOTE_READ, Facts(assigned_to=ME), rules={}) == REFUSED


def test_a_role_nobody_vouched_for_is_no_role() -> None:
    """An uncertified counsellor is refused everything a counsellor may do."""
    actor = Actor(Role.COUNSELLOR, holder_id=ME, vouched=False, on_duty=True)
    allowed = [p for p in Permission if decide(actor, p, Facts(assigned_to=ME, state="intake")).allowed]
    assert set(allowed) <= {Permission.ACCOUNT_OWN, Permission.HOME}
    assert decide(replace(actor, vouched=True), Permission.NOTE_READ, Facts(assigned_to=ME)).allowed


def test_every_permission_has_a_row_with_clause_and_first_sentence() -> None:
    """Each clause names its law, and begins with who."""
    for permission in Permission:
        assert RULES[permission]
        for clause in RULES[permission]:
            assert clause.law and clause.name and clause.when


def test_the_limits_are_six_and_closed() -> None:
    """篇9 二5: no disclosure type exists beside these."""
    assert [limit.code for limit in LIMITS] == list(LimitCode)
    assert len(LIMITS) == 6


@pytest.mark.parametrize("role", READING)
def test_an_administrator_holds_no_reading_role(role: Role) -> None:
    """The administrator's account reads nothing, in any combination."""
    assert combination_problem({Role.SYSADMIN, role}) == "sysadmin_reads"
    assert combination_problem({role}) is None
