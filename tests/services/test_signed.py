"""Everything signed can be read again, says who signed it, and opens for nobody else; keys that ran out (domain §1.7; R4-05)."""

from datetime import timedelta

import time_machine

from counsel.app import create_app
from counsel.archive.retention import unfiled, without_key
from counsel.core.clock import now, today
from counsel.core.database import writing
from counsel.home.forms_shown import form_lines, lines_for
from counsel.keys.boxes import add_reader, open_box
from counsel.keys.grants import Reader
from counsel.keys.leaving import revoke_holder
from counsel.keys.trust import holder_row
from counsel.pathway.assessment.services import approve_instrument, record_result
from counsel.pathway.cases.agreement import GUARDIAN
from counsel.pathway.cases.countersign import give_second_signature, seconds_of
from counsel.pathway.cases.dossier import CLOSING, CONSENT, PLAN, append_to_form, read_form, signer_of
from counsel.pathway.closing.services import agree_follow_ups, write_report
from counsel.pathway.intake.consent import record_consent
from counsel.pathway.intake.levels import ask_lowering, record_screen
from counsel.pathway.plans.services import POINTS as POINTS_OF_PLAN
from counsel.pathway.plans.services import write_plan
from counsel.pathway.safety.services import said_before
from counsel.records.services import item_of, items_in
from counsel.web.page import COOKIE
from tests.conftest import Centre
from tests.services.test_ending import REPORT, ZONE, report, with_session
from tests.services.test_volume import closed
from tests.services.test_whole_forms import STUDENT, TOO_LONG, evaluated, one_more
from tests.story import ALL_NO, PLAN_CONTENT, consent_content, in_counselling, open_the_centre, received


def test_everything_signed_can_be_read_and_printed_with_who_signed_it(sqlite_centre: Centre) -> None:
    """The risk questions, an answer, the client's marks, what was agreed, an earlier report: no text is written for nobody."""
    centre = sqlite_centre
    case, lan = with_session(centre), centre.school["lan"]
    report(centre, case)
    evaluated(centre, case)
    day = today(ZONE) + timedelta(days=30)
    agree_follow_ups(centre.db, actor=lan, case=case, days=[day], consent=True, contact="门卫室电话", when="")
    append_to_form(centre.db, actor=lan, case=case, kind=CLOSING, number=2, text="补记一句")
    one_more(centre, case)
    client = create_app(centre.settings).test_client()
    client.application.config["WTF_CSRF_ENABLED"] = False
    client.set_cookie(COOKIE, lan.token)
    items = [item for item in items_in(centre.db, [case.box_id, case.shared_box_id]) if item.state == "signed"]
    page, read = client.get(f"/cases/{case.case_id}").text, {}
    for item in items:
        place = f"/cases/{case.case_id}/signed/{item.item_id}"
        assert place in page, item.kind
        read[item.kind] = client.get(place).text
        sheet = client.post(f"/cases/{case.case_id}/print/{item.item_id}", data={"reason": "bind"})
        assert sheet.status_code == 200 and item.on_day.isoformat() in sheet.text, item.kind
        assert client.get(place).status_code == 200
    assert "门卫室电话" in read["contact"] and "会自己记了" in read["rating"] and lan.name in read["F10"]
    assert f"{today(ZONE).isoformat()} · {lan.name}" in read["F10"] and "补记一句" in read["F10"]
    assert read["rating"].count(">4<") == 5 and "by_phone" not in str(read) and "in_person" not in read["note"]
    for who in ("qiu", "director", "desk", "archive", STUDENT):
        client.set_cookie(COOKIE, centre.school[who].token)
        assert {client.get(f"/cases/{case.case_id}/signed/{item.item_id}").status_code for item in items} == {404}, who


def test_point_by_point_answers_stay_when_the_words_are_too_long(sqlite_centre: Centre) -> None:
    """A yes must not become a not yet because a text was shortened."""
    centre = sqlite_centre
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    write_plan(centre.db, actor=lan, case=case, content=PLAN_CONTENT, seen_version=0, sign=True, number=2)
    item = item_of(centre.db, case.shared_box_id, PLAN.code, 2)
    assert item is not None
    client = create_app(centre.settings).test_client()
    client.application.config["WTF_CSRF_ENABLED"] = False
    client.set_cookie(COOKIE, centre.school[STUDENT].token)
    points = {f"point_{code}": "yes" for code in POINTS_OF_PLAN}
    answer = client.post(f"/file/{case.case_id}/{item.item_id}", data=points | {"answer": "yes", "words": TOO_LONG})
    assert answer.status_code == 422 and answer.text.count("checked") == len(points) and TOO_LONG in answer.text


def test_a_former_readers_key_that_ran_out_hands_nothing_in(centre: Centre) -> None:
    """The case is without a key, though a row of a former reader still stands there."""
    case, lan, qiu = closed(centre), centre.school["lan"], holder_row(centre.db, centre.school["qiu"].holder_id)  # type: ignore[arg-type]
    assert qiu is not None
    with writing(centre.db):
        box = open_box(centre.db, lan.keyring, case.box_id)
        add_reader(centre.db, box, reader=Reader(qiu, "former", now() + timedelta(days=14)), granter=lan.keyring)
    with writing(centre.db):
        revoke_holder(centre.db, lan.holder_id)
    assert without_key(centre.db) == []
    with time_machine.travel(now() + timedelta(days=60), tick=True):
        assert without_key(centre.db) == [case] and unfiled(centre.db) == []


def test_what_a_second_person_said_stands_on_the_case(sqlite_centre: Centre) -> None:
    """会签: who signed or declined, when, with which words; only for whoever asked."""
    centre = sqlite_centre
    case, lan, director = with_session(centre), centre.school["lan"], centre.school["director"]
    record_screen(centre.db, actor=lan, case=case, answers={**ALL_NO, "q1": "yes"}, ticks=frozenset(), keeping="妹妹")
    task = ask_lowering(centre.db, actor=lan, case=case, level=0, reason="一周没有再出现")
    (one,) = seconds_of(centre.db, actor=lan, object_id=case.case_id)
    assert (one.code, one.outcome, one.by) == ("LOWER", "waiting", "")
    give_second_signature(centre.db, actor=director, task_id=task.task_id, agreed=False, words="再等一周")
    (one,) = seconds_of(centre.db, actor=lan, object_id=case.case_id)
    assert (one.outcome, one.by, one.words, one.on_day) == ("declined", director.name, "再等一周", today(ZONE))
    assert seconds_of(centre.db, actor=centre.school["qiu"], object_id=case.case_id) == []
    client = create_app(centre.settings).test_client()
    client.set_cookie(COOKIE, lan.token)
    assert "再等一周" in client.get(f"/cases/{case.case_id}").text
    assert said_before(centre.db, actor=lan, case=case) == {"protective": "妹妹"}


def test_a_consent_says_who_explained_it_with_which_certificate_and_how_the_work_is_set(sqlite_centre: Centre) -> None:
    """F02 whole on its sheet; a guardian is shown what was explained, and not the reason that stands beside their part."""
    centre = sqlite_centre
    open_the_centre(centre)
    case, lan = received(centre), centre.school["lan"]
    record_consent(
        centre.db, actor=lan, case=case, content=consent_content(guardian="contraindicated", guardian_note="父亲会打人")
    )
    content = read_form(centre.db, actor=lan, case=case, kind=CONSENT).content
    with create_app(centre.settings).test_request_context(headers={"Accept-Language": "en"}):
        whole = {str(label): str(text) for label, text in form_lines("F02", content)}
        limits = [str(text) for _label, text in form_lines("F02", content)]
        shown = str(lines_for(GUARDIAN, "F02", content))
    assert whole["Explained by"] == lan.name and whole["Qualification"].count(", ") >= 2
    assert whole["Length of a session, minutes"] == "50" and any("Your life may be in danger" in text for text in limits)
    assert "父亲会打人" not in str(whole) and "父亲会打人" not in shown and "姨妈" not in shown
    item = item_of(centre.db, case.shared_box_id, CONSENT.code)
    assert item is not None
    client = create_app(centre.settings).test_client()
    client.application.config["WTF_CSRF_ENABLED"] = False
    client.set_cookie(COOKIE, lan.token)
    assert "父亲会打人" in client.get(f"/cases/{case.case_id}/signed/{item.item_id}").text
    assert "父亲会打人" not in client.post(f"/cases/{case.case_id}/print/{item.item_id}", data={"reason": "sign"}).text


def test_an_evaluation_begins_with_the_scores_that_are_there(sqlite_centre: Centre) -> None:
    """F11: before and after of an instrument that was used twice; once is no comparison."""
    centre = sqlite_centre
    case, lan, director = with_session(centre), centre.school["lan"], centre.school["director"]
    place = {"version": "1", "items": 2, "lowest": 0, "highest": 3}
    isi, gad = (approve_instrument(centre.db, actor=director, code=code, title=code, **place) for code in ("ISI", "GAD"))
    for tool, answers, score in ((isi, "3 3", "6"), (gad, "1 1", "2"), (isi, "1 0", "1")):
        said = {"instrument_id": tool.instrument_id, "answers": answers, "score": score, "on_date": today(ZONE)}
        record_result(centre.db, actor=lan, case=case, **said)
    client = create_app(centre.settings).test_client()
    client.set_cookie(COOKIE, lan.token)
    page = client.get(f"/cases/{case.case_id}/evaluation").text
    assert f"ISI: 6 ({today(ZONE).isoformat()}) → 1" in page and "GAD" not in page


def test_the_day_and_the_name_are_those_of_the_signature(centre: Centre) -> None:
    """A draft lay there for two days: the sheet says when it was signed, not when it was begun; and by whom."""
    case, lan, qiu = with_session(centre), centre.school["lan"], centre.school["qiu"]
    write_report(centre.db, actor=lan, case=case, content=REPORT, seen_version=0, sign=False)
    report_ = item_of(centre.db, case.box_id, CLOSING.code, 2)
    assert report_ is not None and report_.on_day == today(ZONE)
    with time_machine.travel(now() + timedelta(days=2), tick=True):
        with writing(centre.db):
            report_.author_id = qiu.holder_id  # whoever had the case before began it
        write_report(centre.db, actor=lan, case=case, content=REPORT, seen_version=1, sign=True)
        assert report_.on_day == today(ZONE)
    centre.db.expire_all()
    assert report_.on_day > today(ZONE) and signer_of(centre.db, case, report_) == lan.name
