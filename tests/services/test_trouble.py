"""Audit, races, crashes, two worlds, stolen files, migrations, backup: what must hold when things go wrong."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, inspect, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

import counsel.access.gate
from counsel.access.gate import keys_of
from counsel.audit.chain import keep_head, recording, verify_chain
from counsel.audit.models import AuditLine
from counsel.confidentiality.decide import Decision
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.database import Base, make_engine, writing
from counsel.core.errors import ConflictError, CounselError, RefusedError, SettingsError, TransitionError, UnreadableError
from counsel.core.installation import open_house
from counsel.core.migrations import migrate
from counsel.core.settings import load_settings
from counsel.jobs.backup import back_up, copy_locks, restore_from
from counsel.jobs.runner import run_jobs
from counsel.pathway.appointments.alarms import raise_alarm
from counsel.pathway.appointments.concerns import raise_concern
from counsel.pathway.appointments.duty import call_duty, duty_tasks, finish_task, read_task
from counsel.pathway.appointments.lifecycle import OCCUPYING
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.reception import (
    check_in,
    confirm_request,
    note_absence,
    offer_time,
    register_walk_in,
)
from counsel.pathway.appointments.requests import Wish, accept_offer, cancel_own, find_own, move_own, request_appointment
from counsel.pathway.cases.agreement import record_agreement
from counsel.pathway.cases.dossier import REFERRAL
from counsel.pathway.cases.services import caseload, find_case
from counsel.pathway.intake.consent import record_consent
from counsel.pathway.intake.levels import record_screen
from counsel.pathway.intake.services import decide_intake, sign_intake
from counsel.pathway.referral.services import recommended, write_referral
from counsel.pathway.sessions.services import begin_session, read_note, write_note
from counsel.people.roll import import_students
from counsel.records.services import item_of
from tests.conftest import Centre
from tests.school import ROLL
from tests.story import (
    ALL_NO,
    CALM,
    ELSEWHERE,
    INTAKE_CONTENT,
    NOTE_CONTENT,
    ask,
    consent_content,
    in_counselling,
    on_duty,
    open_the_centre,
    received,
    slot_with,
)


def test_the_chain_holds_and_every_change_is_found(centre: Centre) -> None:
    """Edited, deleted, swapped or cut lines: found, by whoever verifies, also against heads kept elsewhere."""
    open_the_centre(centre)
    ask(centre)
    keep_head(centre.db)
    whole = verify_chain(centre.db)
    assert whole.broken_at is None and whole.lines > 40 and whole.heads_checked == 1
    drop = "DROP TRIGGER audit_lines_{}" + ("" if centre.backend == "sqlite" else " ON audit_lines")
    names = ("update", "delete") if centre.backend == "sqlite" else ("change",)
    with pytest.raises((DatabaseError, ConflictError)), writing(centre.db):
        centre.db.execute(text("UPDATE audit_lines SET tag = 'x' WHERE seq = 5"))
    with writing(centre.db):
        for name in names:
            centre.db.execute(text(drop.format(name)))
        centre.db.execute(text("UPDATE audit_lines SET detail = 'x' WHERE seq = 5"))
    centre.db.expire_all()
    assert verify_chain(centre.db).broken_at == 5
    with writing(centre.db):
        centre.db.execute(text("DELETE FROM audit_lines WHERE seq > 10"))
        centre.db.execute(text("UPDATE audit_lines SET detail = '' WHERE seq = 5"))
    centre.db.expire_all()
    assert verify_chain(centre.db).broken_at is not None


def test_a_refusal_is_on_record_with_actor_and_object(centre: Centre) -> None:
    """R4-09."""
    open_the_centre(centre)
    case = received(centre)
    with pytest.raises(RefusedError):
        find_case(centre.db, actor=centre.school["leader"], case_id=case.case_id, permission=Permission.CASE_READ)
    line = centre.db.scalars(select(AuditLine).order_by(AuditLine.seq.desc())).first()
    assert line is not None
    assert (line.tag, line.actor_role, line.object_id) == ("gate:case:read:refused", "school_leader", case.case_id)


def test_absent_and_foreign_leave_the_same_line(centre: Centre) -> None:
    """A1: nobody learns from the answer, nor the log's shape, whether something exists."""
    open_the_centre(centre)
    appointment = ask(centre)
    other = centre.school["S2024002"]
    for number in (appointment.appointment_id, centre.school["lan"].holder_id):
        with pytest.raises(RefusedError):
            find_own(centre.db, actor=other, appointment_id=number)
    lines = centre.db.scalars(select(AuditLine).order_by(AuditLine.seq.desc()).limit(2)).all()
    assert {(line.tag, line.actor_role, line.detail) for line in lines} == {("gate:appointment:own:refused", "student", "")}


@pytest.mark.parametrize("who", ["qiu", "director", "desk", "archive", "admin", "teacher", "leader", "S2024001"])
def test_with_rules_that_allow_everything_the_keys_still_refuse(
    centre: Centre, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Confidential by construction: without the rule table every wrong reader still fails for lack of a key."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    write_note(centre.db, actor=lan, case=case, number=1, content=NOTE_CONTENT, seen_version=0, sign=True)
    monkeypatch.setattr(counsel.access.gate, "decide", lambda *_args, **_more: Decision(True, "everything", ""))
    with pytest.raises(UnreadableError):
        read_note(centre.db, actor=centre.school[who], case=case, number=1)


def test_with_every_key_the_rules_still_refuse(centre: Centre) -> None:
    """A leader holding the counsellor's own keys is refused by rule alone."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    write_note(centre.db, actor=lan, case=case, number=1, content=NOTE_CONTENT, seen_version=0, sign=True)
    thief = replace(centre.school["leader"], keyring=lan.keyring)
    with pytest.raises(RefusedError):
        read_note(centre.db, actor=thief, case=case, number=1)


def worlds(mapper_table: object) -> str | None:
    """Return the world a table's rows belong to."""
    return mapper_table.info.get("world")  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def two_worlds(centre: Centre) -> Iterator[Centre]:
    """A centre in which a transaction that writes both worlds fails."""
    seen: set[str] = set()

    def note(session: Session, *_more: object) -> None:
        for row in (*session.new, *session.dirty, *session.deleted):
            world = worlds(inspect(row).mapper.local_table)
            if world:
                seen.add(world)
        assert seen != {"account", "client"}, "one transaction writes both worlds"

    event.listen(centre.db, "before_flush", note)
    event.listen(centre.db, "after_commit", lambda _session: seen.clear())
    event.listen(centre.db, "after_rollback", lambda _session: seen.clear())
    yield centre


def test_no_transaction_writes_both_worlds(two_worlds: Centre) -> None:
    """Design §2: only sealed text joins account and client."""
    open_the_centre(two_worlds)
    in_counselling(two_worlds)
    register_walk_in(
        two_worlds.db, actor=two_worlds.school["desk"], student_no="S2024004", name="", slot_key=slot_with(two_worlds, "qiu").key
    )
    import_students(two_worlds.db, actor=two_worlds.school["admin"], raw=ROLL.replace("高二1班", "高三1班").encode())


def test_nothing_readable_lies_in_any_file(sqlite_centre: Centre) -> None:
    """Promise 1: no name, number, telephone or word of anybody in database, log, locks, copies or folder."""
    open_the_centre(sqlite_centre)
    case = in_counselling(sqlite_centre)
    lan = sqlite_centre.school["lan"]
    begin_session(sqlite_centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    write_note(sqlite_centre.db, actor=lan, case=case, number=1, content=NOTE_CONTENT, seen_version=0, sign=True)
    raise_concern(sqlite_centre.db, actor=sqlite_centre.school["teacher"], about="苏未名", text="上课趴着")
    back_up(sqlite_centre.settings, sqlite_centre.settings.instance.parent / "backup")
    words = [cell for line in ROLL.splitlines()[1:] for cell in line.split(",") if len(cell) > 3 and not cell.startswith("20")]
    words += ["苏未名", "叶无声", "岚老师", "考试前总睡不着", "上课趴着", *INTAKE_CONTENT.values(), *NOTE_CONTENT.values()]
    hits = []
    for path in sqlite_centre.settings.instance.parent.rglob("*"):
        body = path.read_bytes() if path.is_file() else b""
        hits += [(path.name, word) for word in words if len(word) > 3 and word.encode() in body]
    assert hits == []


def test_ids_and_times_join_no_account_to_any_client(sqlite_centre: Centre) -> None:
    """Linkage: no value of an account-world row appears in a client-world row, and no account row has a fine time."""
    open_the_centre(sqlite_centre)
    in_counselling(sqlite_centre)
    values: dict[str, set[object]] = {"account": set(), "client": set()}
    for table in Base.metadata.sorted_tables:
        world = worlds(table)
        if world:
            students = table.c.kind == "student" if table.name == "accounts" else None
            rows = table.select() if students is None else table.select().where(students)
            for row in sqlite_centre.db.execute(rows):
                values[world] |= {value for value in row if isinstance(value, (bytes, str)) or hasattr(value, "hex")}
    common = {value for value in values["account"] & values["client"] if not isinstance(value, str) or len(value) > 12}
    assert common == set()
    fine = [c.name for c in Base.metadata.tables["accounts"].columns if "moment" in type(c.type).__name__.lower()]
    assert fine == []


def test_two_hundred_students_and_one_slot(centre: Centre) -> None:
    """A booking race: eight threads, one winner, everybody answered, nothing booked twice."""
    open_the_centre(centre)
    slot = slot_with(centre)
    answers: list[str] = []

    def book(number: int) -> None:
        db = centre.session()
        try:
            register_walk_in(db, actor=centre.school["desk"], student_no="", name=f"客{number}", slot_key=slot.key)
            answers.append("booked")
        except ConflictError as error:
            answers.append(error.reason)
        finally:
            db.close()

    for start in range(0, 24, 8):
        threads = [threading.Thread(target=book, args=(n,)) for n in range(start, start + 8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    assert sorted(answers) == ["booked"] + ["slot_taken"] * 23
    centre.db.rollback()
    standing = centre.db.scalars(select(Appointment).where(Appointment.state.in_(OCCUPYING))).all()
    assert len(standing) == 1


def test_a_power_cut_between_any_two_statements_leaves_the_old_state(sqlite_centre: Centre) -> None:
    """Every statement of confirming a request is cut off once: request, grant and audit stay as they were, or all change."""
    open_the_centre(sqlite_centre)
    appointment = ask(sqlite_centre)
    engine = sqlite_centre.db.get_bind().engine
    cut, states = 1, []
    while True:
        count = 0

        def trip(_conn: object, _cursor: object, statement: str, *_more: object, at: int = cut) -> None:
            nonlocal count
            if statement.split()[0] in ("INSERT", "UPDATE", "DELETE"):
                count += 1
                if count == at:
                    raise KeyboardInterrupt

        event.listen(engine, "before_cursor_execute", trip)
        try:
            confirm_request(sqlite_centre.db, actor=on_duty(sqlite_centre), appointment_id=appointment.appointment_id)
            break
        except KeyboardInterrupt:
            cut += 1
        finally:
            event.remove(engine, "before_cursor_execute", trip)
        fresh = sqlite_centre.session()
        states.append(fresh.get_one(Appointment, appointment.appointment_id).state)
        assert verify_chain(fresh).broken_at is None
        fresh.close()
        sqlite_centre.db.rollback()
    assert cut > 5 and set(states) == {"requested"}


def test_an_alarm_reaches_duty_once_and_ends_with_a_recorded_contact(centre: Centre) -> None:
    """One sealed line, one neutral task, also when the request is never sent; only duty and director open it."""
    open_the_centre(centre)
    student = centre.school["S2024001"]
    for _again in range(2):
        raise_alarm(centre.db, actor=student, answers={**CALM, "q2": "yes"}, phone="13900000001")
    (task,) = duty_tasks(centre.db, actor=centre.school["lan"])
    assert task.client_id == student.holder_id
    with pytest.raises(RefusedError):
        read_task(centre.db, actor=centre.school["lan"], task_id=task.task_id)
    _task, words, card = read_task(centre.db, actor=on_duty(centre), task_id=task.task_id)
    assert words["answers"]["q2"] == "yes" and card is not None and card.name == "苏未名"
    finish_task(centre.db, actor=on_duty(centre), task_id=task.task_id, outcome="reached_safe")
    with pytest.raises(ConflictError, match="task_ended"):
        finish_task(centre.db, actor=on_duty(centre), task_id=task.task_id, outcome="reached_safe")


def test_a_call_from_a_desk_and_a_teachers_concern_reach_duty(centre: Centre) -> None:
    """Without text from the desk; sealed from the teacher, who learns nothing."""
    open_the_centre(centre)
    call_duty(centre.db, actor=centre.school["teacher"])
    assert raise_concern(centre.db, actor=centre.school["teacher"], about="苏未名", text="总趴着") is None
    tasks = duty_tasks(centre.db, actor=on_duty(centre))
    texts = [read_task(centre.db, actor=on_duty(centre), task_id=task.task_id)[1] for task in tasks]
    assert {words.get("about") for words in texts} == {None, "苏未名"}
    with pytest.raises(RefusedError):
        raise_concern(centre.db, actor=centre.school["desk"], about="x", text="y")


def test_a_change_is_an_offer_and_the_old_time_stands(centre: Centre) -> None:
    """R10-01: confirmed, or changed, only when both sides agree."""
    open_the_centre(centre)
    appointment = ask(centre)
    confirm_request(centre.db, actor=on_duty(centre), appointment_id=appointment.appointment_id)
    slot = slot_with(centre)
    offer = offer_time(centre.db, actor=centre.school["desk"], appointment_id=appointment.appointment_id, slot_key=slot.key)
    assert (centre.db.get_one(Appointment, appointment.appointment_id).state, offer.state) == ("confirmed", "offered")
    student = centre.school["S2024001"]
    accept_offer(centre.db, actor=student, appointment_id=offer.appointment_id)
    assert (centre.db.get_one(Appointment, appointment.appointment_id).state, offer.state) == ("moved", "confirmed")
    again = move_own(centre.db, actor=student, appointment_id=offer.appointment_id, slot_key=slot_with(centre).key)
    assert again.state == "confirmed"
    assert cancel_own(centre.db, actor=student, appointment_id=again.appointment_id).state == "cancelled_by_client"


def test_lateness_and_absence_follow_the_clock(sqlite_centre: Centre) -> None:
    """R9-13: 30 minutes late counts as present, later forfeits; absence is not noted before."""
    import time_machine

    centre = sqlite_centre
    open_the_centre(centre)
    desk = centre.school["desk"]
    for who, minutes, state in (("S2024001", 30, "checked_in"), ("S2024002", 32, "forfeited")):
        appointment = ask(centre, who)
        confirm_request(centre.db, actor=on_duty(centre), appointment_id=appointment.appointment_id)
        with time_machine.travel(appointment.starts_at + timedelta(minutes=minutes), tick=False):
            assert check_in(centre.db, actor=desk, appointment_id=appointment.appointment_id).state == state
    appointment = ask(centre, "S2024003")
    confirm_request(centre.db, actor=on_duty(centre), appointment_id=appointment.appointment_id)
    with pytest.raises(TransitionError, match="TOO_EARLY"):
        note_absence(centre.db, actor=desk, appointment_id=appointment.appointment_id)


@pytest.mark.parametrize(
    ("missing", "guard"),
    [("intake", "F03"), ("consent", "G2"), ("conflict", "G4"), ("scope", "G5"), ("screen", "G6"), ("guardian", "G3")],
)
def test_every_missing_piece_holds_assessment_back(sqlite_centre: Centre, missing: str, guard: str) -> None:
    """T02: each guard's absence is named."""
    centre = sqlite_centre
    open_the_centre(centre)
    case = received(centre, "S2024003" if missing == "guardian" else "S2024001")
    lan = centre.school["lan"]
    if missing != "consent":
        part = "first_talk" if missing == "guardian" else "informed"
        record_consent(centre.db, actor=lan, case=case, content=consent_content(guardian=part))
    if missing != "screen":
        record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
    if missing != "intake":
        content = dict(INTAKE_CONTENT)
        content |= {"no_conflict": "no"} if missing == "conflict" else {}
        content |= {"in_scope": "no", "recommendation": "市心理援助中心 12356"} if missing == "scope" else {}
        sign_intake(centre.db, actor=lan, case=case, content=content, seen_version=0)
    with pytest.raises(TransitionError, match=guard):
        decide_intake(centre.db, actor=lan, case=case, to="assessment")


def test_a_no_needs_a_named_recommendation_and_ends_the_case(centre: Centre) -> None:
    """R10-02, R10-03: out of scope only with an institution or counsellor named."""
    open_the_centre(centre)
    case = received(centre)
    lan = centre.school["lan"]
    content = {**INTAKE_CONTENT, "in_scope": "no"}
    with pytest.raises(CounselError, match="needed_when_no"):
        sign_intake(centre.db, actor=lan, case=case, content=content, seen_version=0)
    sign_intake(centre.db, actor=lan, case=case, content={**content, "recommendation": "法律援助 12348"}, seen_version=0)
    with pytest.raises(TransitionError, match="REC"):  # T03: told why and where, in writing
        decide_intake(centre.db, actor=lan, case=case, to="out_of_scope")
    assert recommended(centre.db, actor=lan, case=case) == {"target": "法律援助 12348"}
    for version, sign in enumerate((False, True)):
        write_referral(centre.db, actor=lan, case=case, content=ELSEWHERE, seen_version=version, sign=sign, number=1)
        if not sign:
            with pytest.raises(TransitionError, match="REC"):  # a draft tells nobody anything
                decide_intake(centre.db, actor=lan, case=case, to="out_of_scope")
    with pytest.raises(TransitionError, match="REC"):  # and what the client says to it is not known
        decide_intake(centre.db, actor=lan, case=case, to="out_of_scope")
    item = item_of(centre.db, case.shared_box_id, REFERRAL.code)
    assert item is not None
    record_agreement(centre.db, actor=lan, case=case, item=item, way="in_room", agreed=True)
    with pytest.raises(TransitionError, match="SAFE"):  # nobody is sent away unasked
        decide_intake(centre.db, actor=lan, case=case, to="out_of_scope")
    record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
    decide_intake(centre.db, actor=lan, case=case, to="out_of_scope")
    assert (case.state, case.close_reason) == ("closed", "out_of_scope")
    assert caseload(centre.db, actor=lan) == []


def test_a_request_with_wrong_fields_is_refused_whole(centre: Centre) -> None:
    """Every bad field is named; nothing is written."""
    open_the_centre(centre)
    wish = Wish(slot=slot_with(centre).key, mode="dream", answers={}, reason="x" * 501, contact_way="phone", phone="12")
    with pytest.raises(CounselError) as caught:
        request_appointment(centre.db, actor=centre.school["S2024001"], wish=wish)
    assert set(caught.value.problems) == {"mode", "answers", "reason", "phone", "notice"}  # type: ignore[attr-defined]
    assert centre.db.scalars(select(Appointment)).all() == []


def test_a_roll_is_safe_to_repeat_and_asks_about_a_reused_number(centre: Centre) -> None:
    """Same file: nothing; changed class: sealed news; another birth date under a known number: a human must look."""
    admin = centre.school["admin"]
    same = import_students(centre.db, actor=admin, raw=ROLL.encode("gb18030"))
    assert (same.added, same.changed, same.same) == (0, 0, 4)
    moved = import_students(centre.db, actor=admin, raw=ROLL.replace("高二1班", "高三1班").encode())
    assert (moved.added, moved.changed, moved.same) == (0, 2, 2)
    reused = import_students(centre.db, actor=admin, raw=ROLL.replace("2009-03-01", "2010-03-01").encode())
    assert [problem.code for problem in reused.problems] == ["number_reused"]


def test_backup_and_restore_bring_everything_back_but_the_destroyed(sqlite_centre: Centre, tmp_path: Path) -> None:
    """A copy made while the centre works opens again with the locks' own copy; without them it opens nothing."""
    open_the_centre(sqlite_centre)
    in_counselling(sqlite_centre)
    folder = tmp_path / "backup"
    back_up(sqlite_centre.settings, folder)
    assert not list(folder.glob("*lock*"))
    target = tmp_path / "restored"
    target.mkdir()
    secret = sqlite_centre.settings.instance / "server-secret"
    (target / "server-secret").write_bytes(secret.read_bytes())
    (target / "server-secret").chmod(0o400)
    settings = load_settings(target, {"COUNSEL_LOCKS_BACKUP": str(sqlite_centre.settings.locks_backup)})
    assert restore_from(settings, folder).startswith("restored")
    house, engine, sessions = open_house(settings)
    with sessions() as db:
        assert len(caseload(db, actor=sqlite_centre.school["lan"])) == 1
        keys_of(db, sqlite_centre.school["lan"])
    with pytest.raises(SettingsError):
        restore_from(settings, folder)
    engine.dispose()
    house.locks.dispose()


def test_lock_copies_are_never_inside_the_backup(sqlite_centre: Centre) -> None:
    """One place for each half."""
    with pytest.raises(SettingsError):
        back_up(sqlite_centre.settings, sqlite_centre.settings.instance)
    assert copy_locks(sqlite_centre.settings).exists()


def test_jobs_run_twice_change_nothing(centre: Centre) -> None:
    """All jobs, without any key, twice in a row."""
    assert len(run_jobs(centre.db)) == 11
    lines = centre.db.query(AuditLine).count()
    run_jobs(centre.db)
    assert centre.db.query(AuditLine).count() == lines


def test_the_schema_is_the_models_and_goes_down_and_up_again(centre: Centre) -> None:
    """Migrations on both databases: nothing missing, down to nothing and up again."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = centre.db.get_bind().engine
    centre.db.rollback()
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert differences == []
    migrate(engine, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    migrate(engine)
    assert "cases" in inspect(engine).get_table_names()


def test_a_signed_body_cannot_change_or_go(centre: Centre) -> None:
    """R6-07: not even with the database open in one's hands."""
    open_the_centre(centre)
    in_counselling(centre)
    for statement in ("UPDATE bodies SET revision = 9 WHERE revision > 0", "DELETE FROM bodies WHERE revision > 0"):
        with pytest.raises((DatabaseError, ConflictError)), writing(centre.db):
            centre.db.execute(text(statement))


def test_a_second_head_is_no_head(centre: Centre) -> None:
    """Whoever puts a row beside the head neither stops the signed heads nor is believed by the check."""
    first = keep_head(centre.db)
    with writing(centre.db):
        centre.db.execute(text("INSERT INTO audit_head SELECT 0, seq, chain FROM audit_head WHERE head_id = 1"))
    with recording(centre.db) as record:
        record.line("test:head:moved")
    assert keep_head(centre.db) != first and verify_chain(centre.db).broken_at is None


def test_an_error_inside_takes_its_audit_lines_along(centre: Centre) -> None:
    """No half: the line goes with the change it tells of."""
    before = verify_chain(centre.db).lines
    with pytest.raises(RuntimeError), recording(centre.db) as record:
        record.line("test:nothing:done")
        raise RuntimeError
    assert verify_chain(centre.db).lines == before
    assert make_engine(centre.settings.locks_url) is not None and now() is not None
