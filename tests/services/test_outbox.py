"""Messages that leave the house: generic, opted in, nothing twice, nothing lost; through a real mail server and gateway."""

import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import delete, select, update

from counsel.audit.chain import recording
from counsel.audit.models import AuditLine
from counsel.core.clock import now
from counsel.core.database import House, house_of, writing
from counsel.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError, SettingsError, UnreadableError
from counsel.core.ids import new_id
from counsel.core.settings import load_settings
from counsel.jobs.runner import run_jobs
from counsel.outbox import senders
from counsel.outbox.models import NOTICES, Message, Notice
from counsel.outbox.notices import SHOWN, mark_read, notices_of, notify, unread
from counsel.outbox.senders import SendError, send
from counsel.outbox.services import (
    PAUSES,
    Address,
    checked,
    deliver,
    once_for,
    open_address,
    post,
    seal_address,
    standing,
    try_dead_again,
)
from counsel.outbox.texts import TEXTS
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.reception import confirm_request
from counsel.pathway.appointments.reminders import ask_reminder, has_reminder, reminder_time, stop_reminder
from counsel.pathway.appointments.requests import Wish, cancel_own, move_own, request_appointment
from counsel.people.addresses import addresses_of, own_address, set_own_address
from counsel.people.models import StaffAddress
from counsel.people.staff import dismiss
from counsel.tasks.services import end_task, open_task
from tests.conftest import Centre
from tests.post_office import PostOffice, post_office
from tests.services.test_recordings import listening
from tests.story import CALM, on_duty, open_the_centre, slot_with

HER, CHINESE = "someone@pupils.example", "zh_Hans_CN"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PostOffice]:
    """A mail server and a gateway."""
    with post_office(tmp_path) as opened:
        yield opened


def connected(centre: Centre, office: PostOffice) -> None:
    """Let the centre use them."""
    house: House = replace(house_of(centre.db), settings=replace(house_of(centre.db).settings, **office.settings))
    centre.db.info["house"] = house


def posted(centre: Centre, channel: str = "mail", text: str = "reminder", **more: Any) -> UUID:
    """Post one message and return its id."""
    to = Address(channel, HER if channel == "mail" else "13900000000", more.pop("language", CHINESE))
    with writing(centre.db):
        assert post(centre.db, to=to, text=text, once=once_for(centre.db, "test", new_id()), **more)
    return centre.db.scalars(select(Message.message_id).order_by(Message.due_at.desc())).first()  # type: ignore[return-value]


def test_a_letter_goes_over_tls_says_nothing_and_leaves_no_address(centre: Centre, office: PostOffice) -> None:
    """Subject, body and headers are the same whoever it concerns; the row keeps neither address nor person."""
    connected(centre, office)
    message_id = posted(centre)
    posted(centre, language="en")
    assert deliver(centre.db) == "2 sent, 0 later, 0 dead"
    letter = office.letters[0]
    body = letter.get_payload(decode=True).decode()
    assert letter["To"] == HER and letter["From"] == "centre@school.example"
    assert body.split() == ["您有一个预约提醒，请登录查看。", "https://counsel.school.example"]
    assert "appointment" in office.letters[1].get_payload(decode=True).decode()
    assert message_id.hex in {part["Message-ID"][1:33] for part in office.letters}
    rows = centre.db.scalars(select(Message)).all()
    assert {(row.state, row.address_sealed, row.problem) for row in rows} == {("sent", None, None)}
    lines = centre.db.scalars(select(AuditLine).where(AuditLine.tag == "outbox:message:sent")).all()
    assert len(lines) == 2 and all(HER not in f"{line.detail}{line.object_id}" for line in lines)


def test_a_text_goes_to_the_gateway_with_its_key(centre: Centre, office: PostOffice) -> None:
    """JSON with id, number and the sentence; the same id as the key by which a repetition is known."""
    connected(centre, office)
    message_id = posted(centre, "gateway", "task_overdue")
    assert deliver(centre.db) == "1 sent, 0 later, 0 dead"
    ((content, headers),) = office.texts
    assert (content["id"], content["to"]) == (message_id.hex, "13900000000") and "任务" in content["text"]
    assert headers["Idempotency-Key"] == message_id.hex and headers["Authorization"] == "Bearer a token"


def test_nothing_is_sent_twice(centre: Centre, office: PostOffice) -> None:
    """The same purpose posted again, two runs one after the other, four at once: one letter."""
    connected(centre, office)
    once = once_for(centre.db, "task_overdue", new_id(), new_id())
    to = Address("mail", HER, CHINESE)
    with writing(centre.db):
        assert [post(centre.db, to=to, text="test", once=once) for _n in range(3)] == [True, False, False]
    said: list[str] = []

    def run() -> None:
        with centre.session() as db:
            db.info["house"] = centre.db.info["house"]
            said.append(deliver(db))

    threads = [threading.Thread(target=run) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deliver(centre.db)
    assert len(office.letters) == 1 and sum(line.startswith("1 sent") for line in said) == 1
    with writing(centre.db):
        assert not post(centre.db, to=to, text="test", once=once)


def test_a_server_that_is_down_for_a_day_loses_nothing(centre: Centre, office: PostOffice) -> None:
    """Each failure waits longer; when the server is back, everything goes; nobody waited in a transaction."""
    connected(centre, office)
    posted(centre)
    office.refuse = "451 try later"
    start = now()
    for hours in (0, 1, 6, 23):
        with time_machine.travel(start + timedelta(hours=hours, seconds=1), tick=True):
            assert deliver(centre.db) == "0 sent, 1 later, 0 dead"
            assert deliver(centre.db) == "0 sent, 0 later, 0 dead"  # it is not its turn yet
    assert standing(centre.db).late == 1
    office.refuse = ""
    with time_machine.travel(start + timedelta(hours=48), tick=True):
        assert deliver(centre.db) == "1 sent, 0 later, 0 dead"
    assert len(office.letters) == 1


@pytest.mark.parametrize(
    ("channel", "answer", "code"), [("mail", "550 no such box", "smtp_550"), ("gateway", "404 x", "http_404")]
)
def test_an_address_that_does_not_exist_is_dead_at_once_and_can_be_tried_again(
    centre: Centre, office: PostOffice, channel: str, answer: str, code: str
) -> None:
    """Visible as a count and a code, never as an address; once more when the administrator says so."""
    connected(centre, office)
    posted(centre, channel)
    office.refuse = answer
    assert deliver(centre.db) == "0 sent, 0 later, 1 dead"
    assert standing(centre.db).dead == ((channel, code, 1),)
    office.refuse = ""
    assert try_dead_again(centre.db) == 1 and deliver(centre.db) == "1 sent, 0 later, 0 dead"


def test_after_the_last_try_it_is_dead_and_later_forgotten(centre: Centre, office: PostOffice) -> None:
    """Eight tries, then dead; a month later the row and its address are gone."""
    connected(centre, office)
    posted(centre, "gateway")
    office.refuse = "302 elsewhere"  # a redirection is not followed: the address goes to the set place and nowhere else
    moment = now()
    for pause in (0, *PAUSES):
        moment += timedelta(minutes=pause, seconds=2)
        with time_machine.travel(moment, tick=True):
            said = deliver(centre.db)
    assert said == "0 sent, 0 later, 1 dead" and office.texts == []
    with time_machine.travel(moment + timedelta(days=40), tick=True):
        deliver(centre.db)
    assert centre.db.scalars(select(Message)).all() == []


def test_a_run_that_died_gives_its_messages_back(centre: Centre, office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off after leasing: nobody else takes it for ten minutes, then it goes, with the id it had."""
    connected(centre, office)
    message_id = posted(centre)

    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("counsel.outbox.services.send", die)
        with pytest.raises(KeyboardInterrupt):
            deliver(centre.db)
    centre.db.rollback()
    assert deliver(centre.db) == "0 sent, 0 later, 0 dead"
    with time_machine.travel(now() + timedelta(minutes=11), tick=True):
        assert deliver(centre.db) == "1 sent, 0 later, 0 dead"
    assert office.letters[0]["Message-ID"] == f"<{message_id.hex}@school.example>"


def test_a_wrong_certificate_or_password_sends_nothing_in_clear(
    sqlite_centre: Centre, office: PostOffice, tmp_path: Path
) -> None:
    """TLS is checked against the set authority; a refused sign-in is tried again later, not without one."""
    settings = replace(sqlite_centre.settings, **office.settings)
    words = ("subject", "body")
    with pytest.raises(SendError, match="SSLCertVerificationError"):
        send(replace(settings, outbox_ca=""), "mail", new_id(), HER, words)
    with pytest.raises(SendError, match="smtp_535"):
        send(replace(settings, mail_password="wrong"), "mail", new_id(), HER, words)
    with pytest.raises(SendError, match="not_configured"):
        send(sqlite_centre.settings, "mail", new_id(), HER, words)
    with pytest.raises(SendError, match="ConnectionRefusedError"):
        send(replace(settings, mail_port=9), "mail", new_id(), HER, words)
    assert office.letters == []


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        ("mail", "a@b.example\r\nBcc: c@d.example"),
        ("mail", "a@b.example, c@d.example"),
        ("mail", "no address"),
        ("mail", "Ä@b.example"),
        ("gateway", "139 0000"),
        ("gateway", "x"),
        ("pigeon", "a@b.example"),
    ],
)
def test_what_is_no_address_is_refused(channel: str, address: str) -> None:
    """No list, no line break, no header can ride in an address (security 1.3.11)."""
    with pytest.raises(InvalidError):
        checked(channel, address, "en")


def test_an_address_opens_only_in_its_own_row(sqlite_centre: Centre) -> None:
    """Moved to another message it does not open; nothing of it lies in clear."""
    house, one, other = house_of(sqlite_centre.db), new_id(), new_id()
    sealed = seal_address(house, one, Address("mail", HER, "en"))
    assert HER.encode() not in sealed and open_address(house, one, sealed).address == HER
    with pytest.raises(UnreadableError):
        open_address(house, other, sealed)


@pytest.mark.parametrize(
    "weak",
    [
        {"mail_host": "mail.school.example", "mail_security": "none", "mail_from": "c@s.example"},
        {"mail_host": "mail.school.example"},
        {"mail_security": "perhaps"},
        {"gateway_url": "http://gateway.school.example/send"},
        {"site_address": "counsel.school.example"},
    ],
)
def test_weak_ways_out_stop_the_start(tmp_path: Path, weak: dict[str, str]) -> None:
    """No mail in clear to another machine, no gateway without TLS, no sender nobody knows."""
    with pytest.raises(SettingsError):
        load_settings(tmp_path, {f"COUNSEL_{name.upper()}": value for name, value in weak.items()})


def ahead(days: int) -> date:
    """Return a day ahead, far enough that its evening before lies ahead too."""
    return (now() + timedelta(days=days)).date()


def coming(centre: Centre) -> Appointment:
    """A student's confirmed time some days ahead."""
    open_the_centre(centre)
    wish = Wish(slot=slot_with(centre, "lan", ahead(3)).key, answers=CALM, reason="", notice_version=1)
    appointment = request_appointment(centre.db, actor=centre.school["S2024001"], wish=wish)
    confirm_request(centre.db, actor=on_duty(centre), appointment_id=appointment.appointment_id)
    return appointment


def remind(centre: Centre, appointment: Appointment) -> None:
    """The student asks to be reminded."""
    place = {"channel": "mail", "address": HER, "language": CHINESE}
    ask_reminder(centre.db, actor=centre.school["S2024001"], appointment=appointment, **place)


def test_a_student_is_reminded_the_evening_before_and_only_if_she_asked(centre: Centre, office: PostOffice) -> None:
    """Nothing without the wish; one letter at six; the address is gone afterwards."""
    connected(centre, office)
    appointment = coming(centre)
    evening = reminder_time(centre.db, appointment)
    remind(centre, appointment)
    remind(centre, appointment)  # twice asked, once sent
    assert deliver(centre.db).startswith("0 sent")
    with time_machine.travel(evening + timedelta(minutes=1), tick=True):
        assert deliver(centre.db) == "1 sent, 0 later, 0 dead"
        with pytest.raises(InvalidError):
            remind(centre, appointment)
    assert [letter["To"] for letter in office.letters] == [HER]


@pytest.mark.parametrize("how", ["stop", "cancel"])
def test_who_cancels_or_changes_her_mind_is_not_reminded(centre: Centre, office: PostOffice, how: str) -> None:
    """The message goes with the time; nothing of the address stays."""
    connected(centre, office)
    appointment, student = coming(centre), centre.school["S2024001"]
    remind(centre, appointment)
    if how == "stop":
        stop_reminder(centre.db, actor=student, appointment=appointment)
    else:
        cancel_own(centre.db, actor=student, appointment_id=appointment.appointment_id)
    assert centre.db.scalars(select(Message)).all() == []


def test_a_reminder_moves_with_the_time(centre: Centre) -> None:
    """The evening before the new time, at the same address."""
    appointment, student = coming(centre), centre.school["S2024001"]
    remind(centre, appointment)
    later = slot_with(centre, "lan", ahead(5)).key
    new = move_own(centre.db, actor=student, appointment_id=appointment.appointment_id, slot_key=later)
    assert has_reminder(centre.db, new) and not has_reminder(centre.db, appointment)
    assert centre.db.scalars(select(Message.due_at)).one() == reminder_time(centre.db, new)


def test_nobody_else_asks_or_stops_a_reminder(centre: Centre) -> None:
    """Another student, the desk, the counsellor: refused."""
    appointment = coming(centre)
    for who in ("S2024002", "desk", "lan", "admin"):
        with pytest.raises(RefusedError):
            stop_reminder(centre.db, actor=centre.school[who], appointment=appointment)


def test_an_overdue_task_tells_the_director_then_the_leader_and_nobody_else(centre: Centre, office: PostOffice) -> None:
    """Domain §3.3: at each deadline the right people, once; a task that ended in time tells nobody (A31, R11)."""
    connected(centre, office)
    for who in ("director", "lan", "admin"):
        set_own_address(centre.db, actor=centre.school[who], channel="mail", address=f"{who}@school.example", language="en")
    deliver(centre.db)
    office.letters.clear()
    with recording(centre.db):
        late, done, plain = (
            open_task(centre.db, kind=kind, due_at=now() + timedelta(minutes=30)) for kind in ("contact", "contact", "review")
        )
    with recording(centre.db):
        end_task(done, "reached_safe")
    for minutes, expected in ((35, 0), (41, 2), (60, 0), (72, 0)):
        with time_machine.travel(now() + timedelta(minutes=minutes), tick=True):
            run_jobs(centre.db, "escalate")
            deliver(centre.db)
            run_jobs(centre.db, "escalate")
        assert len(office.letters) == expected, minutes
        assert {letter["To"] for letter in office.letters} <= {"director@school.example"}
        office.letters.clear()
    director, lan = centre.school["director"], centre.school["lan"]
    assert unread(centre.db, director.holder_id) == 2 and unread(centre.db, lan.holder_id) == 0
    told = centre.db.scalars(select(AuditLine.detail).where(AuditLine.tag == "tasks:task:escalated")).all()
    assert sorted(told) == ["director", "director", "school_leader"]
    assert late.leader_told_on is not None and plain.leader_told_on is None and done.escalated_on is None


def test_a_colleagues_address_is_their_own_and_ends_with_them(centre: Centre) -> None:
    """Chosen, changed, removed by nobody else; after a dismissal nobody is told; students' accounts keep none."""
    lan, director = centre.school["lan"], centre.school["director"]
    set_own_address(centre.db, actor=lan, channel="mail", address="lan@school.example", language="en")
    assert own_address(centre.db, actor=lan) == Address("mail", "lan@school.example", "en")
    assert own_address(centre.db, actor=director) is None
    assert [to.address for _account, to in addresses_of(centre.db, "counsellor")] == ["lan@school.example"]
    with pytest.raises(InvalidError):
        set_own_address(centre.db, actor=lan, channel="mail", address="nonsense", language="en")
    with pytest.raises(NotFoundError):
        set_own_address(centre.db, actor=centre.school["S2024001"], channel="mail", address=HER, language="en")
    assert lan.staff_id is not None
    dismiss(centre.db, actor=director, account_id=lan.account_id, knowing=True)
    assert list(addresses_of(centre.db, "counsellor")) == []
    set_own_address(centre.db, actor=director, channel="mail", address="d@school.example", language="en")
    set_own_address(centre.db, actor=director, channel="mail", address="", language="en")
    assert own_address(centre.db, actor=director) is None


def test_notices_are_counted_read_and_kept_few(centre: Centre) -> None:
    """The same unread notice once; reading up to what was shown leaves newer ones unread; old ones go."""
    me, other = new_id(), new_id()
    with writing(centre.db):
        for object_id in (None, None, other):
            notify(centre.db, reader_id=me, kind="time_offered", object_id=object_id)
        notify(centre.db, reader_id=None, kind="time_offered")
    assert (unread(centre.db, me), unread(centre.db, other), unread(centre.db, None)) == (2, 0, 0)
    with writing(centre.db):
        notify(centre.db, reader_id=me, kind="time_confirmed")
    mark_read(centre.db, me, 2)
    assert unread(centre.db, me) == 1 and notices_of(centre.db, me)[0].kind == "time_confirmed"
    with writing(centre.db):
        for _n in range(40):
            notify(centre.db, reader_id=me, kind="form_waits", object_id=new_id())
    assert len(notices_of(centre.db, me)) == 30 and unread(centre.db, me) == 41
    mark_read(centre.db, me, 99)
    with time_machine.travel(now() + timedelta(days=32), tick=True):
        assert run_jobs(centre.db, "sweep")[0].count("43 notices") == 1
    assert notices_of(centre.db, me) == []


def test_a_notice_rides_with_what_it_tells(centre: Centre) -> None:
    """Undone together; and no text of any notice or message holds a word about anybody."""
    with pytest.raises(ConflictError), writing(centre.db):
        notify(centre.db, reader_id=new_id(), kind="form_waits")
        raise ConflictError("faster")
    assert centre.db.scalars(select(Notice)).all() == []
    appointment = coming(centre)
    client = centre.school["S2024001"].holder_id
    assert [row.kind for row in notices_of(centre.db, client)] == ["time_confirmed"]
    assert appointment.client_id == client
    centre.db.execute(update(Notice).values(kind="time_offered"))
    centre.db.rollback()


def test_no_text_names_anything() -> None:
    """R11: no placeholder stands in any message, so nothing can be put into one."""
    assert TEXTS and not [text for pair in TEXTS.values() for text in pair if re.search(r"[%{<]", text)]


def test_a_reminder_taken_back_while_it_is_handed_over_stops_nothing(
    centre: Centre, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is gone when the server has answered: the run goes on with the next message."""
    connected(centre, office)
    first, _second = posted(centre), posted(centre)
    real = senders.send

    def take_back(settings: Any, channel: str, message_id: UUID, *rest: Any) -> None:
        real(settings, channel, message_id, *rest)
        if message_id == first:
            with centre.session() as other, writing(other):
                other.execute(delete(Message).where(Message.message_id == first))

    monkeypatch.setattr("counsel.outbox.services.send", take_back)
    assert deliver(centre.db) == "1 sent, 1 later, 0 dead" and len(office.letters) == 2


def test_an_answer_that_is_no_answer_is_a_failure_like_any_other(centre: Centre, tmp_path: Path) -> None:
    """A gateway that talks nonsense: tried later, counted, in the end dead; never sent again and again."""
    with socket.create_server(("127.0.0.1", 0)) as nonsense:
        port = nonsense.getsockname()[1]

        def talk() -> None:
            for _n in range(2):
                caller, _where = nonsense.accept()
                caller.recv(65536)
                caller.sendall(b"nonsense\r\n\r\n")
                caller.close()

        thread = threading.Thread(target=talk)
        thread.start()
        settings = replace(centre.settings, gateway_url=f"http://127.0.0.1:{port}/x")
        centre.db.info["house"] = replace(house_of(centre.db), settings=settings)
        posted(centre, "gateway")
        assert deliver(centre.db) == "0 sent, 1 later, 0 dead"
        assert centre.db.scalars(select(Message.tries)).one() == 1
        with time_machine.travel(now() + timedelta(minutes=2), tick=True):
            assert deliver(centre.db) == "0 sent, 1 later, 0 dead"
        thread.join()


def test_an_address_that_does_not_open_is_dead_and_stops_nothing(centre: Centre, office: PostOffice) -> None:
    """One spoilt row among two."""
    connected(centre, office)
    spoilt = posted(centre)
    posted(centre)
    centre.db.execute(update(Message).where(Message.message_id == spoilt).values(address_sealed=b"x" * 200))
    centre.db.commit()
    assert deliver(centre.db) == "1 sent, 0 later, 1 dead"


def test_no_reminder_comes_after_the_time_it_is_about(centre: Centre, office: PostOffice) -> None:
    """The mail server was down until the talk had begun: the message goes with its address, and nobody revives it."""
    connected(centre, office)
    appointment = coming(centre)
    remind(centre, appointment)
    office.refuse = "550 no such box"
    with time_machine.travel(reminder_time(centre.db, appointment) + timedelta(minutes=1), tick=True):
        assert deliver(centre.db) == "0 sent, 0 later, 1 dead"
    office.refuse = ""
    with time_machine.travel(appointment.starts_at + timedelta(minutes=1), tick=True):
        try_dead_again(centre.db)
        assert deliver(centre.db) == "0 sent, 0 later, 0 dead"
    assert office.letters == [] and centre.db.scalars(select(Message)).all() == []


def test_what_waits_for_a_colleague_goes_with_them(centre: Centre, office: PostOffice) -> None:
    """Dismissed: address and waiting messages are gone."""
    connected(centre, office)
    lan = centre.school["lan"]
    set_own_address(centre.db, actor=lan, channel="mail", address="lan@school.example", language="en")
    assert len(centre.db.scalars(select(Message)).all()) == 1
    dismiss(centre.db, actor=centre.school["director"], account_id=lan.account_id, knowing=True)
    assert centre.db.scalars(select(Message)).all() == [] and centre.db.scalars(select(StaffAddress)).all() == []


@pytest.mark.parametrize("who", ["lan", "archive", "supervisor", "leader", "S2024001"])
def test_every_kind_of_notice_has_its_words_and_its_place(sqlite_centre: Centre, who: str) -> None:
    """One of each kind on the own page: shown in words, leading somewhere that exists."""
    person = sqlite_centre.school[who]
    with writing(sqlite_centre.db):
        for kind in NOTICES:
            notify(sqlite_centre.db, reader_id=person.holder_id, kind=kind, object_id=new_id())
    page = listening(sqlite_centre, who).get("/notices")
    assert page.status_code == 200 and page.text.count("quiet-title") == min(len(NOTICES), SHOWN)
    assert not re.findall(r"quiet-title[^>]*></a>", page.text)
