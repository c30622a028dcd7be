"""Recordings: nothing without a yes for this session, medium and purpose; taken back, nobody hears it and it is erased today."""

import io
import wave
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select, update

from counsel.app import create_app
from counsel.audit.models import AuditLine
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import now, today
from counsel.core.database import writing
from counsel.core.errors import ConflictError, InvalidError, RefusedError, UnreadableError
from counsel.home.queries import file_sight
from counsel.jobs.runner import run_jobs
from counsel.keys.boxes import open_box
from counsel.keys.models import Grant
from counsel.outbox.notices import notices_of
from counsel.pathway.cases.agreement import GUARDIAN, agree_oneself, record_agreement
from counsel.pathway.cases.models import Agreement, Case
from counsel.pathway.material import erasing
from counsel.pathway.material.consent import consents, possible_viewers, write_consent
from counsel.pathway.material.erasing import (
    copy_given,
    decide_wish,
    end_use,
    erase_what_ended,
    holds,
    lift_hold,
    set_hold,
    wishes,
)
from counsel.pathway.material.models import CopyWish
from counsel.pathway.material.reading import materials_in, open_material
from counsel.pathway.material.recordings import MOST_AT_ONCE, find_recording, hearable
from counsel.pathway.material.services import begin, bring_part, finish
from counsel.pathway.referral.transfer import accept_transfer, give_key
from counsel.pathway.sessions.services import begin_session
from counsel.people.conflicts import declare
from counsel.people.staff import dismiss
from counsel.records.models import Item, Material
from counsel.records.services import item_of
from tests.conftest import Centre
from tests.school import WORDS, School, _join
from tests.services.test_material import bring, files_of, read
from tests.services.test_referral import handed
from tests.story import in_counselling, open_the_centre

HEAR = Permission.RECORDING_HEAR


def sound(seconds: float = 0.5) -> bytes:
    """A sound file of silence, 16 kHz mono."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(int(32_000 * seconds)))
    return out.getvalue()


SOUND = sound()


def a_session(centre: Centre) -> Case:
    """A case with one session."""
    open_the_centre(centre)
    case = in_counselling(centre)
    begin_session(centre.db, actor=centre.school["lan"], case=case, mode="in_person", minutes=50, crisis=True)
    return case


def asked(centre: Centre, case: Case, number: int = 1, **changes: Any) -> Item:
    """A signed recording consent, for supervision by the outside supervisor unless told, that waits for its yes."""
    supervisor = centre.school["supervisor"].holder_id
    assert supervisor is not None
    day = today(centre.settings.time_zone) + timedelta(days=100)
    content = {
        "session_no": "1",
        "media": ["audio"],
        "own": False,
        "supervision": [supervisor.hex],
        "teaching": [],
        "until": str(day),
    }
    place = {"content": {**content, **changes}, "seen_version": 0, "sign": True, "number": number}
    write_consent(centre.db, actor=centre.school["lan"], case=case, **place)  # type: ignore[arg-type]
    item = item_of(centre.db, case.shared_box_id, "F13", number)
    assert item is not None
    return item


def say(centre: Centre, case: Case, item: Item, agreed: bool = True, who: str = "both") -> None:
    """Client and guardian answer, the client in the own sign-in."""
    if who in ("both", "client"):
        agree_oneself(centre.db, actor=centre.school["S2024001"], case=case, item=item, agreed=agreed)
    if who in ("both", "guardian"):
        place = {"way": "by_phone", "words": "苏家长，母亲", "party": GUARDIAN}
        record_agreement(centre.db, actor=centre.school["lan"], case=case, item=item, agreed=agreed, **place)  # type: ignore[arg-type]


def recorded(centre: Centre, case: Case, item: Item, data: bytes = SOUND, kind: str = "audio") -> Material:
    """A recording under a consent, kept."""
    place = {"kind": kind, "title": "第一次", "size": len(data), "consent_id": item.item_id}
    row = begin(centre.db, actor=centre.school["lan"], case=case, **place)  # type: ignore[arg-type]
    bring(centre, row, data)
    finish(centre.db, actor=centre.school["lan"], row=row)
    return row


def heard(centre: Centre, **changes: Any) -> tuple[Case, Item, Material]:
    """A recording everybody stands by."""
    case = a_session(centre)
    item = asked(centre, case, **changes)
    say(centre, case, item)
    return case, item, recorded(centre, case, item)


def hear(centre: Centre, row: Material, who: str) -> bytes:
    """Hear it, through the rule."""
    find_recording(centre.db, actor=centre.school[who], material_id=row.material_id, permission=HEAR)
    return read(centre, row, who=who)


def lines(centre: Centre, tag: str) -> list[AuditLine]:
    """The lines of the log with a tag."""
    return list(centre.db.scalars(select(AuditLine).where(AuditLine.tag == tag)))


def test_nothing_is_stored_without_the_yes_of_everybody(centre: Centre) -> None:
    """R4-12, A29: neither with no consent, nor before client and guardian said yes, nor for another medium, case or session."""
    case = a_session(centre)
    item = asked(centre, case)

    def refused(code: str, **changes: Any) -> None:
        place = {"kind": "audio", "title": "第一次", "size": len(SOUND), "consent_id": item.item_id}
        with pytest.raises(InvalidError) as found:
            begin(centre.db, actor=centre.school["lan"], case=case, **{**place, **changes})
        assert found.value.problems == {"file": code}, changes

    refused("no_consent", consent_id=None)
    refused("no_consent")
    say(centre, case, item, who="client")
    refused("no_consent")
    say(centre, case, item, who="guardian")
    refused("no_consent", kind="video")
    refused("no_consent", consent_id=case.case_id)
    later = asked(centre, case, number=2, session_no="2")
    say(centre, case, later)
    refused("no_session", consent_id=later.item_id)
    with time_machine.travel(now() + timedelta(days=101), tick=True):
        refused("no_consent")
    assert centre.db.scalars(select(Material)).all() == [] and files_of(centre) == []
    assert recorded(centre, case, item).state == "kept"


def test_a_video_is_kept_under_its_own_yes(centre: Centre) -> None:
    """R4-03: each medium by itself; what is no video is not kept as one."""
    case = a_session(centre)
    item = asked(centre, case, media=["video"])
    say(centre, case, item)
    film = b"\0\0\0\x20ftypisom" + bytes(5000)
    row = recorded(centre, case, item, film, "video")
    assert hear(centre, row, "supervisor") == film
    with pytest.raises(InvalidError) as found:
        recorded(centre, case, item, SOUND, "video")
    assert found.value.problems == {"file": "wrong_kind"}


def test_from_eighteen_on_nobody_else_is_asked(centre: Centre) -> None:
    """The guardian's signature is a minor's; on the birthday the client's own is enough."""
    case = a_session(centre)
    item = asked(centre, case)
    say(centre, case, item, who="client")
    lan = centre.school["lan"]
    (one,) = consents(centre.db, actor=lan, case=case)
    assert one.agreed and one.guardian_due and not one.stands
    with time_machine.travel("2027-03-02T04:00:00Z", tick=True):
        (one,) = consents(centre.db, actor=lan, case=case)
        assert one.stands


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"session_no": "0"}, "session_no"),
        ({"session_no": "９"}, "session_no"),
        ({"media": []}, "media"),
        ({"media": ["hologram"]}, "media"),
        ({"supervision": []}, "own"),
        ({"until": ""}, "until"),
        ({"until": "2020-01-01"}, "until"),
        ({"until": "2199-01-01"}, "until"),
        ({"teaching": ["00" * 16]}, "teaching"),
    ],
)
def test_a_consent_that_says_too_little_or_too_much_is_not_signed(
    sqlite_centre: Centre, changes: dict[str, Any], field: str
) -> None:
    """Beside the field, and the draft stays."""
    case = a_session(sqlite_centre)
    with pytest.raises(InvalidError) as found:
        asked(sqlite_centre, case, **changes)
    assert field in found.value.problems


def test_only_who_was_agreed_to_hears_it_and_for_that(centre: Centre) -> None:
    """C7: for supervision only. The supervisor hears; counsellor, colleague, director and everybody else get nothing."""
    case, _item, row = heard(centre)
    assert hear(centre, row, "supervisor") == SOUND
    (one,) = hearable(centre.db, actor=centre.school["supervisor"])
    assert (one.row, one.purpose, one.case_no) == (row, "supervision", case.case_no)
    everybody = ("lan", "qiu", "director", "desk", "archive", "admin", "teacher", "leader", "manager", "expert", "S2024001")
    for who in everybody:
        with pytest.raises(RefusedError):
            find_recording(centre.db, actor=centre.school[who], material_id=row.material_id, permission=HEAR)
    for who in (*everybody[1:], "S2024002"):
        with pytest.raises(UnreadableError):
            open_box(centre.db, centre.school[who].keyring, row.box_id)  # type: ignore[arg-type]
    assert materials_in(centre.db, actor=centre.school["lan"], case=case) == []
    sight = file_sight(centre.db, actor=centre.school["S2024001"])
    assert ("hearing", "督导柳") in sight.readers and [kind for kind, _name in sight.readers].count("hearing") == 1
    (line,) = lines(centre, "pathway:material:read")
    assert line.actor_id == centre.school["supervisor"].holder_id and line.subject_id == case.client_id
    assert [one.kind for one in notices_of(centre.db, centre.school["supervisor"].holder_id)].count("recording") == 1


def test_the_counsellors_own_purpose_ends_with_the_case(centre: Centre) -> None:
    """Agreed for the counsellor to look back; whoever takes the case over was not agreed to, nor does the first hear it on."""
    case = handed(centre)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    item = asked(centre, case, own=True, supervision=[])
    say(centre, case, item)
    row = recorded(centre, case, item)
    assert hear(centre, row, "lan") == SOUND
    give_key(centre.db, actor=lan, case=case)
    accept_transfer(centre.db, actor=qiu, case=case, no_conflict=True)
    for who in ("lan", "qiu"):
        assert hearable(centre.db, actor=centre.school[who]) == []
        with pytest.raises(RefusedError):
            hear(centre, row, who)
    end_use(centre.db, actor=qiu, case=case, item=item)
    assert row.state == "kept"
    say(centre, case, item, agreed=False, who="client")
    assert end_use(centre.db, actor=qiu, case=case, item=item) == 1


def test_whoever_left_or_is_kept_away_hears_nothing_more(centre: Centre) -> None:
    """The named listener is dismissed, or declares a relationship: by key, and by rule."""
    case = a_session(centre)
    school = School(dict(centre.school.people), dict(centre.school.codes))
    _join(centre.db, school, "xin", "新老师", {Role.COUNSELLOR})
    xin, qiu = school["xin"], centre.school["qiu"]
    assert xin.holder_id is not None and qiu.holder_id is not None
    item = asked(centre, case, supervision=[xin.holder_id.hex], teaching=[qiu.holder_id.hex])
    say(centre, case, item)
    row = recorded(centre, case, item)
    assert hear(centre, row, "qiu") == SOUND
    with writing(centre.db):
        declare(centre.db, qiu.holder_id, case.client_id)
    with pytest.raises(RefusedError):
        hear(centre, row, "qiu")
    assert qiu.holder_id.hex not in dict(possible_viewers(centre.db, case))
    find_recording(centre.db, actor=xin, material_id=row.material_id, permission=HEAR)
    dismiss(centre.db, actor=centre.school["admin"], account_id=xin.account_id, knowing=True)
    assert centre.db.scalars(select(Grant).where(Grant.box_id == row.box_id, Grant.holder_id == xin.holder_id)).all() == []


@pytest.mark.parametrize("who", ["client", "guardian"])
def test_taken_back_it_is_erased_the_same_day(centre: Centre, who: str) -> None:
    """R4-13, A29: by client or guardian, in the request that takes it back: lock, rows and bytes are gone, no key opens it."""
    case, item, row = heard(centre)
    lies = len(files_of(centre))
    say(centre, case, item, agreed=False, who=who)
    with pytest.raises(RefusedError):
        hear(centre, row, "supervisor")
    assert end_use(centre.db, actor=centre.school["lan"], case=case, item=item) == 1
    assert row.state == "erased" and row.erased_on is not None and len(files_of(centre)) < lies
    for name in ("supervisor", "lan"):
        with pytest.raises(UnreadableError):
            open_box(centre.db, centre.school[name].keyring, row.box_id)  # type: ignore[arg-type]
    (line,) = lines(centre, "pathway:recording:erased")
    assert line.object_id == row.material_id and line.subject_id == case.client_id
    say(centre, case, item, agreed=True, who=who)  # changed my mind: what is gone stays gone
    with pytest.raises(RefusedError):
        hear(centre, row, "supervisor")


def test_a_crash_between_the_no_and_the_erasing_is_finished_by_the_job(centre: Centre) -> None:
    """Nobody hears it meanwhile; the job needs no key and may run twice."""
    case, item, row = heard(centre)
    say(centre, case, item, agreed=False, who="client")
    assert hearable(centre.db, actor=centre.school["supervisor"]) == [] and row.state == "kept"
    assert "recordings: 1 recordings" in run_jobs(centre.db, "recordings")
    assert row.state == "erased" and erase_what_ended(centre.db) == "0 recordings"


def test_taken_back_while_it_is_being_sent(centre: Centre) -> None:
    """No further part is taken, it cannot be finished, and what had arrived goes."""
    case = a_session(centre)
    item = asked(centre, case)
    say(centre, case, item)
    long = sound(140)
    lan = centre.school["lan"]
    row = begin(centre.db, actor=lan, case=case, kind="audio", title="x", size=len(long), consent_id=item.item_id)
    bring(centre, row, long, 0)
    say(centre, case, item, agreed=False, who="client")
    for attempt in (
        lambda: bring_part(centre.db, actor=lan, row=row, number=1, read=io.BytesIO(b"").read, length=1),
        lambda: finish(centre.db, actor=lan, row=row),
    ):
        with pytest.raises(InvalidError) as found:
            attempt()
        assert found.value.problems == {"file": "no_consent"}
    assert end_use(centre.db, actor=lan, case=case, item=item) == 1
    assert row.state == "erased" and files_of(centre) == []


def test_its_day_comes(centre: Centre) -> None:
    """On the last day it is heard, on the next it is not, and the job erases it."""
    day = today(centre.settings.time_zone) + timedelta(days=3)
    _case, _item, row = heard(centre, until=str(day))
    with time_machine.travel(now() + timedelta(days=3), tick=True):
        assert hear(centre, row, "supervisor") == SOUND and erase_what_ended(centre.db) == "0 recordings"
    with time_machine.travel(now() + timedelta(days=4), tick=True):
        with pytest.raises(RefusedError):
            hear(centre, row, "supervisor")
        assert erase_what_ended(centre.db) == "1 recordings" and row.state == "erased"


def test_a_copy_is_wished_and_the_director_gives_it(centre: Centre) -> None:
    """R4-13: nobody hears it, the job leaves it; the director decides without hearing; the counsellor hands it over; it goes."""
    case, item, row = heard(centre)
    lan, director = centre.school["lan"], centre.school["director"]
    say(centre, case, item, agreed=False, who="client")
    assert end_use(centre.db, actor=centre.school["S2024001"], case=case, item=item, copy=True) == 0
    assert erase_what_ended(centre.db) == "0 recordings"
    for who in ("supervisor", "lan", "director"):
        with pytest.raises(RefusedError):
            hear(centre, row, who)
    with pytest.raises(RefusedError):
        find_recording(centre.db, actor=lan, material_id=row.material_id, permission=Permission.COPY_GIVE)
    for who in ("lan", "supervisor", "leader", "admin"):
        with pytest.raises(RefusedError):
            decide_wish(centre.db, actor=centre.school[who], material_id=row.material_id, give=True)
    (one,) = wishes(centre.db, actor=director)
    assert (one.row, one.case_no) == (row, case.case_no)
    assert "recording" in [one.kind for one in notices_of(centre.db, director.holder_id)]
    decide_wish(centre.db, actor=director, material_id=row.material_id, give=True)
    with pytest.raises(ConflictError):
        decide_wish(centre.db, actor=director, material_id=row.material_id, give=True)
    find_recording(centre.db, actor=lan, material_id=row.material_id, permission=Permission.COPY_GIVE)
    assert read(centre, row) == SOUND
    copy_given(centre.db, actor=lan, row=row)
    assert row.state == "erased" and wishes(centre.db, actor=director) == []
    with pytest.raises(RefusedError):
        find_recording(centre.db, actor=lan, material_id=row.material_id, permission=Permission.COPY_GIVE)


def test_the_director_says_no_to_a_copy(centre: Centre) -> None:
    """Then it is erased at once."""
    case, item, row = heard(centre)
    say(centre, case, item, agreed=False, who="client")
    end_use(centre.db, actor=centre.school["S2024001"], case=case, item=item, copy=True)
    decide_wish(centre.db, actor=centre.school["director"], material_id=row.material_id, give=False)
    assert row.state == "erased"
    assert centre.db.get_one(CopyWish, row.material_id).state == "ended"


def test_a_hold_stops_the_erasing_and_not_the_end_of_the_use(centre: Centre) -> None:
    """G15: held, nothing is erased, by no way; nobody hears it; lifted, it goes at once."""
    case, item, row = heard(centre)
    director = centre.school["director"]
    for who in ("lan", "admin", "leader", "archive"):
        with pytest.raises(RefusedError):
            set_hold(centre.db, actor=centre.school[who], number=case.case_no)
    with pytest.raises(InvalidError):
        set_hold(centre.db, actor=director, number=9999)
    set_hold(centre.db, actor=director, number=case.case_no)
    set_hold(centre.db, actor=director, number=case.case_no)  # held already
    say(centre, case, item, agreed=False, who="client")
    assert (
        end_use(centre.db, actor=centre.school["lan"], case=case, item=item) == 0
        and erase_what_ended(centre.db) == "0 recordings"
    )
    with pytest.raises(RefusedError):
        hear(centre, row, "supervisor")
    ((hold, number),) = holds(centre.db, actor=director)
    assert number == case.case_no and row.state == "kept"
    lift_hold(centre.db, actor=director, hold_id=hold.hold_id)
    assert row.state == "erased" and holds(centre.db, actor=director) == []
    assert len(lines(centre, "pathway:hold:set")) == 1 and len(lines(centre, "pathway:hold:lifted")) == 1


def test_a_yes_written_into_the_database_admits_nothing(centre: Centre) -> None:
    """An intruder who turns the row of an answer around: what admits is opened, signed, and still says no."""
    case = a_session(centre)
    item = asked(centre, case)
    say(centre, case, item, agreed=False)
    centre.db.execute(update(Agreement).where(Agreement.item_id == item.item_id).values(agreed=True))
    centre.db.commit()
    centre.db.expire_all()
    with pytest.raises(InvalidError):
        recorded(centre, case, item)


def test_one_that_cannot_be_erased_stops_no_other(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job says that it failed, and the next run goes on."""
    case, item, row = heard(centre)
    other = recorded(centre, case, item)
    say(centre, case, item, agreed=False, who="client")
    real, failed = erasing.erase, []

    def once(db: Any, one: Material) -> None:
        if not failed:
            failed.append(one)
            raise OSError
        real(db, one)

    monkeypatch.setattr(erasing, "erase", once)
    run_jobs(centre.db, "recordings")
    run_jobs(centre.db, "recordings")
    assert {row.state, other.state} == {"erased"}


def listening(centre: Centre, login: str) -> FlaskClient:
    """Somebody of the staff with a browser."""
    app = create_app(centre.settings)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    assert client.post("/sign-in", data={"login": login, "passphrase": WORDS}).status_code == 303
    return client


def test_the_player_gets_a_few_mib_at_a_time_and_stops_when_the_yes_is_taken_back(sqlite_centre: Centre) -> None:
    """Each range is asked for anew: between two of them the client takes the yes back, and the next one is not there."""
    centre = sqlite_centre
    case = a_session(centre)
    item = asked(centre, case)
    say(centre, case, item)
    long = sound(300)
    row = recorded(centre, case, item, long)
    browser = listening(centre, "supervisor")
    place = f"/recordings/{row.material_id.hex}/play"
    first = browser.get(place, headers={"Range": "bytes=0-"})
    assert first.status_code == 206 and first.headers["Content-Range"] == f"bytes 0-{MOST_AT_ONCE - 1}/{len(long)}"
    assert first.data == long[:MOST_AT_ONCE] and first.headers["Content-Disposition"].startswith("inline")
    seek = browser.get(place, headers={"Range": f"bytes={len(long) - 100}-"})
    assert seek.data == long[-100:] and "no-store" in seek.headers["Cache-Control"]
    assert browser.get(place).status_code == 416
    say(centre, case, item, agreed=False, who="client")
    assert browser.get(place, headers={"Range": f"bytes={MOST_AT_ONCE}-"}).status_code == 404
    end_use(centre.db, actor=centre.school["lan"], case=case, item=item)
    assert browser.get(place, headers={"Range": "bytes=0-"}).status_code == 404
    assert listening(centre, "teacher").get(place).status_code == 404
    with pytest.raises(UnreadableError):
        open_material(centre.db, actor=centre.school["supervisor"], row=row)
