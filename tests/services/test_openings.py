"""Whoever opens a lot, is refused a lot, or opens what is close to them is seen by somebody else (A2, A18, A30; R5, R13)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import func, insert, select, text

from counsel.access.sign_ins import SignedIn, present_person, sign_in
from counsel.access.vault import unlock_vault
from counsel.audit.chain import recording, verify_chain
from counsel.audit.models import AuditLine, LookedAt
from counsel.audit.patterns import CLIENTS_OPENED, OPENED_SINCE, SAME_NAME, clients_opened
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError, LockedError, RefusedError, UnreadableError
from counsel.core.ids import new_id
from counsel.jobs.runner import run_jobs
from counsel.keys.boxes import open_box
from counsel.outbox.notices import notices_of
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import find_case
from counsel.pathway.intake.consent import client_of
from counsel.people.openings import look, openings_to_look_at, patterns_of_late
from counsel.tasks.services import end_task, open_task
from tests.conftest import Centre
from tests.school import WORDS
from tests.story import open_the_centre, received


def opens(centre: Centre, who: str, clients: int, tag: str = "pathway:case:read") -> None:
    """Somebody opens so many further clients' cases, as their own pages record it."""
    with recording(centre.db) as record:
        for _one in range(clients):
            record.by(centre.school[who], tag, subject_id=new_id(), object_id=new_id())


def fresh(centre: Centre, case: Case, who: SignedIn) -> Case:
    """Open the case by its address."""
    return find_case(centre.db, actor=who, case_id=case.case_id, permission=Permission.CASE_READ)


@pytest.fixture
def case(centre: Centre) -> Case:
    """A case of one counsellor."""
    open_the_centre(centre)
    return received(centre)


def test_past_twenty_clients_the_passphrase_is_asked_again(centre: Centre, case: Case) -> None:
    """A30: nineteen are nothing; at twenty the vault shuts; after the passphrase it goes on; past forty nothing opens."""
    with time_machine.travel(now() + timedelta(days=3), tick=True):
        lan = sign_in(centre.db, login="lan", passphrase=WORDS, address="10.0.0.1", device="computer").person
        assert lan is not None
        opens(centre, "lan", 19)
        assert fresh(centre, case, lan).case_id == case.case_id
        opens(centre, "lan", 1)
        with pytest.raises(LockedError):
            fresh(centre, case, lan)
        person = present_person(centre.db, lan.token)
        assert person is not None and person.keyring is None
        again = unlock_vault(centre.db, actor=person, passphrase=WORDS, address="10.0.0.1").person
        assert again is not None and fresh(centre, case, again).case_id == case.case_id
        opens(centre, "lan", 20)
        with pytest.raises(ConflictError, match="many_opened"):
            fresh(centre, case, again)
        found = find_case(centre.db, actor=again, case_id=case.case_id, permission=Permission.CASE_WRITE, danger=True)
        assert found.case_id == case.case_id  # whoever is asked about danger waits for no limit


def test_a_client_with_an_open_alarm_waits_for_no_passphrase(centre: Centre, case: Case) -> None:
    """Neither at the first limit nor past the second; once the alarm has ended the limits hold again."""
    with time_machine.travel(now() + timedelta(days=3), tick=True):
        lan = sign_in(centre.db, login="lan", passphrase=WORDS, address="10.0.0.1", device="computer").person
        assert lan is not None
        with recording(centre.db):
            task = open_task(centre.db, kind="contact", due_at=now(), client_id=case.client_id)
        for clients in (20, 40):
            opens(centre, "lan", clients)
            assert fresh(centre, case, lan).case_id == case.case_id
        with recording(centre.db):
            end_task(task, "reached_safe")
        with pytest.raises(ConflictError, match="many_opened"):
            fresh(centre, case, lan)


def test_what_was_opened_within_the_hour_opens_again_and_the_hour_ends(centre: Centre, case: Case) -> None:
    """Going back and forth between the same cases is work; an hour later the count begins anew."""
    lan = centre.school["lan"]
    moment = now() + timedelta(days=3)
    with time_machine.travel(moment, tick=True):
        with recording(centre.db) as record:
            record.by(lan, "pathway:case:read", subject_id=case.client_id, object_id=case.case_id)
        opens(centre, "lan", 45)
        assert fresh(centre, case, lan).case_id == case.case_id
    with time_machine.travel(moment + timedelta(minutes=61), tick=True):
        assert clients_opened(centre.db, lan.holder_id) == set()
        assert fresh(centre, case, lan).case_id == case.case_id


def test_many_openings_are_told_to_the_director_once(centre: Centre) -> None:
    """A30: without a name in any message; the director's own to the supervisor, never to the director."""
    director, supervisor = centre.school["director"], centre.school["supervisor"]
    opens(centre, "qiu", 40)
    opens(centre, "director", 40)
    assert "patterns: 2 patterns" in run_jobs(centre.db, "patterns")
    assert "patterns: 0 patterns" in run_jobs(centre.db, "patterns")
    told = {
        who: [row.object_id for row in notices_of(centre.db, centre.school[who].holder_id)] for who in ("director", "supervisor")
    }
    assert told == {"director": [centre.school["qiu"].holder_id], "supervisor": [director.holder_id]}
    assert [name for _line, name in patterns_of_late(centre.db, actor=director)] == ["秋老师"]
    assert [name for _line, name in patterns_of_late(centre.db, actor=supervisor)] == ["主任杉"]


def refused(centre: Centre, who: str, times: int) -> None:
    """Somebody tries further addresses."""
    for _one in range(times):
        with pytest.raises(RefusedError):
            find_case(centre.db, actor=centre.school[who], case_id=new_id(), permission=Permission.CASE_READ)


def test_five_refusals_in_an_hour_are_an_alarm(centre: Centre) -> None:
    """A2: a head teacher who guesses addresses; four are a mistake."""
    refused(centre, "teacher", 4)
    assert run_jobs(centre.db, "patterns") == ["patterns: 0 patterns"]
    refused(centre, "teacher", 1)
    assert run_jobs(centre.db, "patterns") == ["patterns: 1 patterns"]
    assert [row.kind for row in notices_of(centre.db, centre.school["director"].holder_id)] == ["pattern"]


def test_a_students_tries_are_no_pattern(centre: Centre) -> None:
    """Their lines carry a day only, and nobody is told about them."""
    for _one in range(9):
        with pytest.raises(RefusedError):
            find_case(centre.db, actor=centre.school["S2024001"], case_id=new_id(), permission=Permission.CASE_READ)
    assert run_jobs(centre.db, "patterns") == ["patterns: 0 patterns"]


def test_a_relative_of_the_same_name_is_flagged_for_a_look(centre: Centre, case: Case) -> None:
    """A18: no rule knows kinship by itself; a shared surname is put before somebody else, whoever holds the key."""
    lan = centre.school["lan"]
    namesake = replace(lan, name="苏老师")
    before = centre.db.scalar(select(func.count()).select_from(LookedAt)) or 0
    client_of(centre.db, actor=namesake, case=case)
    line = centre.db.scalars(select(AuditLine).where(AuditLine.detail == SAME_NAME)).one()
    assert (centre.db.scalar(select(func.count()).select_from(LookedAt)) or 0) == before + 1
    found = openings_to_look_at(centre.db, actor=centre.school["director"])
    assert any(one.line.seq == line.seq and one.flagged for one in found)
    assert openings_to_look_at(centre.db, actor=centre.school["supervisor"]) == []
    with pytest.raises(UnreadableError):
        keyring = centre.school["qiu"].keyring
        assert keyring is not None
        open_box(centre.db, keyring, case.box_id)


def test_about_one_opening_in_twenty_is_drawn(centre: Centre) -> None:
    """R13: at least five in a hundred over a month, by a lot that nobody can know beforehand."""
    opens(centre, "lan", 600)
    drawn = centre.db.scalar(select(func.count()).select_from(LookedAt)) or 0
    assert 12 <= drawn <= 60  # 30 expected; beyond five standard deviations it is not chance
    assert verify_chain(centre.db).broken_at is None


def drawn_lines(centre: Centre) -> list[Any]:
    """What waits for the director."""
    opens(centre, "lan", 200)
    return openings_to_look_at(centre.db, actor=centre.school["director"])


def test_whoever_looks_did_not_open_it_and_looks_once(centre: Centre) -> None:
    """The director never at the own; a finding stands; two at once, one wins."""
    director = centre.school["director"]
    opens(centre, "director", 200)
    found = drawn_lines(centre)
    assert found and {one.line.actor_id for one in found} == {centre.school["lan"].holder_id}
    seq = found[0].line.seq
    with pytest.raises(InvalidError):
        look(centre.db, actor=director, seq=seq, finding="perhaps")
    look(centre.db, actor=director, seq=seq, finding="asked")
    with pytest.raises(ConflictError):
        look(centre.db, actor=director, seq=seq, finding="in_order")
    own = centre.db.scalars(select(AuditLine.seq).where(AuditLine.actor_id == director.holder_id)).first()
    with pytest.raises(RefusedError):
        look(centre.db, actor=director, seq=own or 0, finding="in_order")
    theirs = openings_to_look_at(centre.db, actor=centre.school["supervisor"])
    assert {one.line.actor_id for one in theirs} == {director.holder_id}


def test_many_newer_openings_hide_none_of_the_directors(centre: Centre) -> None:
    """What one person may not look at takes no room on another's list."""
    opens(centre, "director", 100)
    opens(centre, "lan", 100)
    for who in ("director", "lan"):
        centre.db.execute(insert(LookedAt).from_select(["seq"], not_drawn(centre, who)))
    centre.db.commit()
    theirs = openings_to_look_at(centre.db, actor=centre.school["supervisor"])
    assert {one.line.actor_id for one in theirs} == {centre.school["director"].holder_id} and len(theirs) == 60


def not_drawn(centre: Centre, who: str) -> Any:
    """The openings of somebody that the lot has spared."""
    drawn = select(LookedAt.seq)
    mine = AuditLine.actor_id == centre.school[who].holder_id
    return select(AuditLine.seq).where(mine, AuditLine.tag == "pathway:case:read", AuditLine.seq.not_in(drawn))


@pytest.mark.parametrize("who", ["lan", "desk", "admin", "leader", "teacher", "archive"])
def test_nobody_else_looks(centre: Centre, who: str) -> None:
    """Not even that something waits."""
    for act in (openings_to_look_at, patterns_of_late):
        with pytest.raises(RefusedError):
            act(centre.db, actor=centre.school[who])
    with pytest.raises(RefusedError):
        look(centre.db, actor=centre.school[who], seq=1, finding="in_order")


def test_the_limits_are_settings(centre: Centre) -> None:
    """With their sources beside them."""
    sources = {name: source for name, _value, source, _about in house_of(centre.db).settings.policies()}
    assert sources["openings_stop_limit"] == "security A30" and isinstance(new_id(), UUID)


def test_the_openings_of_an_hour_are_found_without_the_drafts(centre: Centre) -> None:
    """The index of openings is used: its condition and the questions' are the same words, on both databases."""
    explain = "EXPLAIN QUERY PLAN "
    if centre.backend == "postgresql":  # a table this small is otherwise read whole
        explain = "EXPLAIN "
        centre.db.execute(text("SET LOCAL enable_seqscan = off"))
        centre.db.execute(text("SET LOCAL enable_sort = off"))
    connection = centre.db.connection()
    mine = {"actor": new_id(), "since": now()}
    for question, place in ((CLIENTS_OPENED, {"after": 0}), (OPENED_SINCE, {"client": new_id()})):
        plan = question._plan(connection.dialect)
        values = plan.values({**mine, **place})
        found = connection.connection.driver_connection.execute(explain + plan.text, values).fetchall()  # type: ignore[union-attr]
        assert any("ix_audit_lines_read" in str(row) for row in found), found
    centre.db.rollback()
