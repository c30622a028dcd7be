"""What a form holds before it is signed, and how long what was signed stands (domain §1.6, §1.7; 篇10 五, 六)."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from sqlalchemy import select, text

from counsel.access.accounts import find_account
from counsel.access.sign_ins import open_sign_in
from counsel.app import create_app
from counsel.audit.models import AuditLine
from counsel.core.clock import at_local, local, now, today
from counsel.core.errors import InvalidError, TransitionError
from counsel.core.migrations import migrate
from counsel.home.forms_shown import form_lines
from counsel.pathway.assessment.services import write_assessment
from counsel.pathway.cases.agreement import agree_oneself
from counsel.pathway.cases.countersign import give_second_signature
from counsel.pathway.cases.dossier import CLOSING, FOLLOW_UP, read_form
from counsel.pathway.cases.models import Case
from counsel.pathway.closing.evaluation import (
    ending_number,
    evaluation_of,
    rate,
    waive_evaluation,
    write_evaluation,
)
from counsel.pathway.closing.services import (
    agree_follow_ups,
    begin_follow_up,
    close_case,
    close_for_leaving,
    closing_state,
    end_counselling,
    send_last_letter,
    write_report,
)
from counsel.pathway.closing.volume import missing_parts
from counsel.pathway.followup.services import agreed_contact, write_follow_up
from counsel.pathway.intake.consent import record_consent
from counsel.pathway.intake.levels import raise_level, record_screen
from counsel.pathway.intake.paper import ask_takeover, open_from_paper
from counsel.pathway.intake.services import sign_intake
from counsel.pathway.plans.services import write_own_goals
from counsel.pathway.referral.transfer import add_second_reader, ask_transfer, give_key, refuse_transfer, write_hand_over
from counsel.pathway.sessions.homework import answer_homework, give_homework
from counsel.pathway.sessions.services import begin_session, read_note, sessions_of, write_note
from counsel.records.services import item_of, items_in
from counsel.web.page import COOKIE
from tests.conftest import Centre
from tests.services.test_archive import handed, sealed
from tests.services.test_ending import ENDED, GOOD, REPORT, ZONE, report, with_session
from tests.services.test_referral import SUMMARY, paper
from tests.services.test_volume import closed
from tests.story import (
    ALL_NO,
    ASSESSED,
    INTAKE_CONTENT,
    NOTE_CONTENT,
    consent_content,
    in_counselling,
    open_the_centre,
    received,
)

STUDENT, TOO_LONG = "S2024001", "长" * 2001


def one_more(centre: Centre, case: Case) -> None:
    """Hold a further session and sign its note."""
    lan, number = centre.school["lan"], len(sessions_of(centre.db, case)) + 1
    begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    write_note(centre.db, actor=lan, case=case, number=number, content=NOTE_CONTENT, seen_version=0, sign=True)


def evaluated(centre: Centre, case: Case) -> None:
    """Both parts of the evaluation."""
    rate(centre.db, actor=centre.school[STUDENT], case=case, marks=GOOD, words="会自己记了")
    write_evaluation(centre.db, actor=centre.school["lan"], case=case, content=ENDED, seen_version=0, sign=True)


def test_what_was_signed_in_the_middle_does_not_end_the_case_later(centre: Centre) -> None:
    """F10 and F11 look back on so many sessions: after a further one they are asked for anew, and the old ones stay."""
    case, lan = with_session(centre), centre.school["lan"]
    report(centre, case)
    evaluated(centre, case)
    assert closing_state(centre.db, actor=lan, case=case) >= {"F10", "G10", "END"}
    one_more(centre, case)
    assert not closing_state(centre.db, actor=lan, case=case) & {"F10", "G10", "END"}
    assert evaluation_of(centre.db, case) is None
    end_counselling(centre.db, actor=centre.school[STUDENT], case=case)
    for what in (
        partial(close_case, centre.db, actor=lan, case=case, reason="withdrawn"),
        partial(
            close_for_leaving,
            centre.db,
            actor=centre.school["director"],
            case=case,
            close_reason="left_school",
            reason="graduated",
        ),
    ):
        with pytest.raises(TransitionError, match="END"):
            what()
    assert ending_number(centre.db, case) == 3
    report(centre, case)
    evaluated(centre, case)
    assert read_form(centre.db, actor=lan, case=case, kind=CLOSING, number=3).content["sessions"] == 2
    close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    kinds = [(item.kind, item.number) for item in items_in(centre.db, [case.box_id, case.shared_box_id])]
    assert {("F10", 2), ("F10", 3), ("F11", 2), ("F11", 3), ("rating", 2), ("rating", 3)} <= set(kinds)
    assert missing_parts(centre.db, actor=lan, case=case) == []


def test_a_waiver_and_a_letter_end_with_the_next_session(centre: Centre) -> None:
    """Whoever comes again was not lost: nothing that was noted of the absence ends the case."""
    case, lan = with_session(centre), centre.school["lan"]
    waive_evaluation(centre.db, actor=lan, case=case, reason="lost_contact")
    send_last_letter(centre.db, actor=lan, case=case)
    assert {"G10", "LETTER"} <= closing_state(centre.db, actor=lan, case=case)
    one_more(centre, case)
    assert not {"G10", "LETTER"} & closing_state(centre.db, actor=lan, case=case)
    rate(centre.db, actor=centre.school[STUDENT], case=case, marks=GOOD, words="")
    row = evaluation_of(centre.db, case)
    assert row is not None and (row.waiver, row.letter_on) == (None, None)


BEFORE = "-3"  # steps back from the head to before migration 0023


def numbered(centre: Centre, step: str) -> list[int]:
    """Migrate, and return the numbers of reports, evaluations and ratings as they then stand."""
    engine = centre.db.get_bind().engine
    centre.db.rollback()
    migrate(engine, step)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT number FROM items WHERE kind IN ('F10', 'F11', 'rating') ORDER BY kind, number"))
        found = [row.number for row in rows]
    centre.db.expire_all()
    return found


def test_what_older_versions_wrote_counts_for_the_sessions_before_it(centre: Centre) -> None:
    """Migration 0023: numbered by the sessions held until then; what a later session made worthless stays so."""
    case, lan = with_session(centre), centre.school["lan"]
    report(centre, case)
    evaluated(centre, case)
    assert numbered(centre, BEFORE) == [1, 1, 1] and numbered(centre, "head") == [2, 2, 2]
    assert {"F10", "G10", "END"} <= closing_state(centre.db, actor=lan, case=case)
    with time_machine.travel(now() + timedelta(days=3), tick=True):
        record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
        one_more(centre, case)
    assert numbered(centre, BEFORE) == [1, 1, 1] and numbered(centre, "head") == [2, 2, 2]
    assert not {"F10", "G10", "END"} & closing_state(centre.db, actor=lan, case=case)


def test_two_endings_come_through_the_migration_both_ways(centre: Centre) -> None:
    """The newest is the one there is for the version before; the earlier ones find their numbers again."""
    case = with_session(centre)
    report(centre, case)
    evaluated(centre, case)
    with time_machine.travel(now() + timedelta(days=3), tick=True):
        record_screen(centre.db, actor=centre.school["lan"], case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
        one_more(centre, case)
        report(centre, case)
        evaluated(centre, case)
    assert numbered(centre, BEFORE) == [1, 1002] * 3
    assert numbered(centre, "head") == [2, 3] * 3


def test_a_volume_at_the_archive_and_a_sealed_one_come_through_the_migration(centre: Centre) -> None:
    """What is sealed is not touched; what was signed as handed in is still what lies there, whatever its number."""
    case = closed(centre)
    volume = handed(centre, case)
    assert numbered(centre, BEFORE) == [1] and numbered(centre, "head") == [2]
    sealed(centre, case, volume)
    before = numbered(centre, BEFORE)
    assert before == [2] == numbered(centre, "head") and volume.state == "sealed"


def test_a_new_report_begins_with_the_words_of_the_one_before(sqlite_centre: Centre) -> None:
    """Nothing is asked twice: the page of the next report holds what the last one said, until it is changed."""
    centre = sqlite_centre
    case = with_session(centre)
    report(centre, case)
    write_evaluation(centre.db, actor=centre.school["lan"], case=case, content=ENDED, seen_version=0, sign=True)
    client = create_app(centre.settings).test_client()
    client.set_cookie(COOKIE, centre.school["lan"].token)
    assert "addendum" in client.get(f"/cases/{case.case_id}/report").text
    one_more(centre, case)
    again = client.get(f"/cases/{case.case_id}/report").text
    assert REPORT["summary"] in again and 'name="summary"' in again
    assert ENDED["conclusion"] in client.get(f"/cases/{case.case_id}/evaluation").text


def test_the_report_of_a_case_from_paper_counts_what_was_held_there(centre: Centre) -> None:
    """F10: the first day and the number of sessions are those of the whole counselling, not of this house alone."""
    open_the_centre(centre)
    lan, director, began = centre.school["lan"], centre.school["director"], today(ZONE) - timedelta(days=40)
    for wrong, field in (({"began_on": None}, "began_on"), ({"talks": None}, "talks"), ({"talks": -1}, "talks")):
        with pytest.raises(InvalidError) as found:
            ask_takeover(centre.db, actor=lan, wish=paper(**wrong))
        assert list(found.value.problems) == [field]
    task = ask_takeover(centre.db, actor=lan, wish=paper(talks=6, began_on=began))
    give_second_signature(centre.db, actor=director, task_id=task.task_id, agreed=True)
    case = open_from_paper(centre.db, actor=lan, task_id=task.task_id)
    record_consent(centre.db, actor=lan, case=case, content=consent_content())
    record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
    one_more(centre, case)
    number = ending_number(centre.db, case)
    write_report(centre.db, actor=lan, case=case, content=REPORT, seen_version=0, sign=False)
    opened = select(AuditLine.tag).where(AuditLine.subject_id == case.client_id, AuditLine.tag == "pathway:paper:read")
    assert centre.db.scalars(opened).all() == []  # a draft that saves itself every ten seconds opens nothing
    write_report(centre.db, actor=lan, case=case, content=REPORT, seen_version=1, sign=True)
    assert len(centre.db.scalars(opened).all()) == 1 and number == ending_number(centre.db, case)
    said = read_form(centre.db, actor=lan, case=case, kind=CLOSING, number=ending_number(centre.db, case)).content
    assert (said["sessions"], said["on_paper"], said["opened_on"]) == (7, 6, began.isoformat())


def _intake(centre: Centre, case: Case) -> None:
    content = INTAKE_CONTENT | {"disposition": " "}
    sign_intake(centre.db, actor=centre.school["lan"], case=case, content=content, seen_version=0)


def _assessment(centre: Centre, case: Case) -> None:
    content = ASSESSED | {"function": "", "severity_reason": "看得出来"}
    write_assessment(centre.db, actor=centre.school["lan"], case=case, content=content, seen_version=0, sign=True, number=1)


def _evaluation(centre: Centre, case: Case) -> None:
    content = ENDED | {"counsellor_mark": None}
    write_evaluation(centre.db, actor=centre.school["lan"], case=case, content=content, seen_version=0, sign=True)


@pytest.mark.parametrize(
    ("sign", "field"),
    [(_intake, "disposition"), (_assessment, "function"), (_evaluation, "counsellor_mark")],
)
def test_no_form_is_signed_with_a_field_of_its_own_empty(
    sqlite_centre: Centre, sign: Callable[[Centre, Case], None], field: str
) -> None:
    """F03's disposition, each criterion of F04 whatever the reason, the counsellor's own mark on F11."""
    open_the_centre(sqlite_centre)
    case = received(sqlite_centre)
    with pytest.raises(InvalidError) as found:
        sign(sqlite_centre, case)
    assert found.value.problems == {field: "empty"}


@pytest.mark.parametrize("severity", ["LV4", "LV9"])
def test_an_open_criterion_leaves_only_the_doctor_or_a_class_that_is_not_clear(sqlite_centre: Centre, severity: str) -> None:
    """What cannot be told yet may stay open where the class says so."""
    open_the_centre(sqlite_centre)
    case, lan = received(sqlite_centre), sqlite_centre.school["lan"]
    content = ASSESSED | {"function": "", "severity": severity, "severity_reason": "还看不清"}
    write_assessment(sqlite_centre.db, actor=lan, case=case, content=content, seen_version=0, sign=True, number=1)
    assert item_of(sqlite_centre.db, case.box_id, "F04") is not None


def test_a_follow_up_is_held_on_its_day_and_by_some_way(centre: Centre) -> None:
    """F12: nobody is missed before the day, nor asked without saying how; whoever was reached earlier was reached."""
    case, lan = with_session(centre), centre.school["lan"]
    end_counselling(centre.db, actor=lan, case=case)
    report(centre, case)
    evaluated(centre, case)
    day = today(ZONE) + timedelta(days=30)
    days = [day, day + timedelta(days=60)]
    agree_follow_ups(centre.db, actor=lan, case=case, days=days, consent=True, contact="站内信", when="午休")
    assert agreed_contact(centre.db, actor=lan, case=case) == {"channel": "站内信 · 午休"}
    begin_follow_up(centre.db, actor=lan, case=case)
    said = {"channel": "站内信", "reached": "no", "state": "", "risk": "没有"}
    hold = partial(write_follow_up, centre.db, actor=lan, case=case, number=1)
    with pytest.raises(InvalidError) as found:
        hold(content=said, seen_version=0, sign=True)
    assert found.value.problems == {"reached": "before_day"}
    hold(content=said, seen_version=0, sign=False)
    with time_machine.travel(now() + timedelta(days=30), tick=True):
        with pytest.raises(InvalidError) as found:
            hold(content=said | {"channel": ""}, seen_version=1, sign=True)
        assert found.value.problems == {"channel": "empty"}
        hold(content=said, seen_version=1, sign=True)
        write_follow_up(centre.db, actor=lan, case=case, number=2, content=said | {"reached": "yes"}, seen_version=0, sign=True)
    kept = read_form(centre.db, actor=lan, case=case, kind=FOLLOW_UP).content
    assert kept["agreed_on"] == kept["held_on"] == day.isoformat()


def test_a_session_says_when_it_began_and_its_note_keeps_it(sqlite_centre: Centre) -> None:
    """F06: begin and end, form and level are part of the signed text; the set hours are the session's, not the writing's."""
    centre = sqlite_centre
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    held = partial(begin_session, centre.db, actor=lan, case=case, mode="in_person", minutes=50)
    at = partial(at_local, today(ZONE), zone=ZONE)
    with time_machine.travel(at(20 * 60), tick=True):  # written in the evening
        record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
        for begun in (at(21 * 60), at(7 * 60)):
            with pytest.raises(InvalidError) as found:
                held(begun_at=begun)
            assert found.value.problems == {"begun": "not_lately"}
        with pytest.raises(TransitionError, match="HOURS"):
            held()
        assert held(begun_at=at(14 * 60 + 5)).number == 1
        write_note(centre.db, actor=lan, case=case, number=1, content=NOTE_CONTENT, seen_version=0, sign=True)
    content = read_note(centre.db, actor=lan, case=case, number=1).content
    assert (content["time"], content["held_on"], content["mode"]) == ("14:05–14:55", today(ZONE).isoformat(), "in_person")
    write = partial(write_note, centre.db, actor=lan, case=case, seen_version=0, sign=True, number=2)
    begun = begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True).begun_at
    assert begun is not None
    with pytest.raises(InvalidError) as found:
        write(content=NOTE_CONTENT | {"next_on": " "})
    assert found.value.problems == {"next_on": "empty"}
    write(content=NOTE_CONTENT)  # signed at once: its end is not one that has not been
    assert read_note(centre.db, actor=lan, case=case, number=2).content["time"][6:] <= f"{local(now(), ZONE):%H:%M}"
    with create_app(centre.settings).test_request_context():
        shown = [str(text) for _label, text in form_lines("note", content)]
    assert {"14:05–14:55", today(ZONE).isoformat(), "0"} <= set(shown)


def test_a_session_before_midnight_is_written_down_after_it(sqlite_centre: Centre) -> None:
    """The page takes a time that is still to come for the evening before; the session stands under its own day."""
    centre = sqlite_centre
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    night = at_local(today(ZONE) + timedelta(days=1), 20, ZONE)
    client = create_app(centre.settings).test_client()
    with time_machine.travel(night, tick=True):
        record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
        client.application.config["WTF_CSRF_ENABLED"] = False
        account = find_account(centre.db, "lan")
        assert account is not None
        client.set_cookie(COOKIE, open_sign_in(centre.db, account=account, keyring=lan.keyring, device="computer").token)
        form = {"mode": "phone", "minutes": "30", "begun": "23:30", "crisis": "y"}
        answer = client.post(f"/cases/{case.case_id}/sessions", data=form)
    assert answer.status_code == 303
    centre.db.rollback()
    row = sessions_of(centre.db, case)[0]
    assert row.begun_at is not None and local(row.begun_at, ZONE).strftime("%H:%M") == "23:30"
    assert row.held_on == local(row.begun_at, ZONE).date()


def test_a_case_from_paper_that_never_went_on_here_is_filed_without_a_new_consent(centre: Centre) -> None:
    """T00: consent is renewed before the next session; where none came the one on paper is the one there is (R6-04)."""
    open_the_centre(centre)
    lan = centre.school["lan"]
    task = ask_takeover(centre.db, actor=lan, wish=paper())
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    case = open_from_paper(centre.db, actor=lan, task_id=task.task_id)
    record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
    end_counselling(centre.db, actor=lan, case=case, asked_by="client")
    report(centre, case)
    waive_evaluation(centre.db, actor=lan, case=case, reason="withdrawn")
    close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    assert missing_parts(centre.db, actor=lan, case=case) == []


def test_a_second_reader_who_had_the_key_to_take_over_reads_on_when_it_comes_to_nothing(centre: Centre) -> None:
    """T07 after the key was given: the second reader is one as before; whoever was none reads nothing."""
    case, lan, qiu = with_session(centre), centre.school["lan"], centre.school["qiu"]
    add_second_reader(centre.db, actor=lan, case=case, holder_id=qiu.holder_id)
    ask_transfer(centre.db, actor=lan, case=case, by="counsellor", reason="leave", to=qiu.holder_id)
    write_hand_over(centre.db, actor=lan, case=case, content=SUMMARY, seen_version=0, sign=True, number=1)
    item = item_of(centre.db, case.shared_box_id, "handover")
    assert item is not None
    agree_oneself(centre.db, actor=centre.school[STUDENT], case=case, item=item, agreed=True)
    give_key(centre.db, actor=lan, case=case)
    assert read_note(centre.db, actor=qiu, case=case, number=1).signed  # meanwhile too
    refuse_transfer(centre.db, actor=centre.school["director"], case=case, reason="leave")
    assert read_note(centre.db, actor=qiu, case=case, number=1).signed


def _goals(centre: Centre, case: Case) -> None:
    write_own_goals(centre.db, actor=centre.school[STUDENT], case=case, text=TOO_LONG)


def _result(centre: Centre, case: Case) -> None:
    give_homework(centre.db, actor=centre.school["lan"], case=case, session_no=1, task="记录", due_on=None)
    answer_homework(centre.db, actor=centre.school[STUDENT], case=case, number=1, state="done", result=TOO_LONG)


def _words(centre: Centre, case: Case) -> None:
    rate(centre.db, actor=centre.school[STUDENT], case=case, marks=GOOD, words=TOO_LONG)


def _reason(centre: Centre, case: Case) -> None:
    raise_level(centre.db, actor=centre.school["lan"], case=case, level=1, reason=TOO_LONG)


@pytest.mark.parametrize(("say", "field"), [(_goals, "goals"), (_result, "result"), (_words, "words"), (_reason, "reason")])
def test_nothing_that_was_said_is_cut_without_a_word(
    sqlite_centre: Centre, say: Callable[[Centre, Case], None], field: str
) -> None:
    """What is too long is said to be too long."""
    case = with_session(sqlite_centre)
    with pytest.raises(InvalidError) as found:
        say(sqlite_centre, case)
    assert found.value.problems == {field: "too_long"}


def test_on_the_clients_page_what_was_typed_stays_beside_what_is_wrong(sqlite_centre: Centre) -> None:
    """Goals, homework and marks: 422, the words in their field, the problem under its name."""
    centre = sqlite_centre
    case, lan = with_session(centre), centre.school["lan"]
    give_homework(centre.db, actor=lan, case=case, session_no=1, task="记录", due_on=None)
    client = create_app(centre.settings).test_client()
    client.application.config["WTF_CSRF_ENABLED"] = False
    client.set_cookie(COOKIE, centre.school[STUDENT].token)
    typed = "不要丢" + TOO_LONG
    for at, form, field in (
        ("goals", {"goals": typed}, "goals"),
        ("homework/1", {"state": "done", "result": typed}, "result"),
    ):
        answer = client.post(f"/file/{case.case_id}/{at}", data=form)
        assert answer.status_code == 422 and typed in answer.text and f'id="{field}-error"' in answer.text, at
    end_counselling(centre.db, actor=centre.school[STUDENT], case=case)
    marks = {**dict.fromkeys(GOOD, "4"), "useful": "9", "words": "我写的"}
    answer = client.post(f"/file/{case.case_id}/evaluate", data=marks)
    assert answer.status_code == 422 and "我写的" in answer.text and 'id="useful-error"' in answer.text
    assert answer.text.count("checked") == 4
