"""THE table: permission → clauses. A permission is granted when all sentences of one of its clauses are true.

Whatever is not in the table is refused. Nobody is let through for being administrator or leader: no clause of a
guarded artefact names them (篇4 三).
"""

from dataclasses import dataclass

from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.predicates import (
    Predicate,
    a_colleague_asked,
    actor_acts_in_own_right,
    actor_did_not_ask,
    actor_is_assigned_counsellor,
    actor_is_named_reader,
    actor_is_not_barred,
    actor_is_on_duty,
    actor_is_the_client,
    actor_is_told,
    actor_neither_sent_nor_decided,
    actor_receives_it,
    actor_sends_it,
    actor_was_asked,
    acts_as,
    anybody_signed_in,
    case_is_closed,
    case_is_not_archived,
    case_is_not_filed,
    case_is_open,
    case_was_handed_in,
    client_is_watched,
    everybody_stands_by_it,
    it_has_a_ground,
    it_is_about_nobody,
    it_waits_for_a_yes,
    it_was_sent,
    nobody_is_assigned,
    nobody_ordered_it,
    the_director_asked,
    the_director_was_waited_for,
)
from counsel.confidentiality.roles import Role as R


@dataclass(frozen=True)
class Clause:
    """One way to be allowed.

    :param name: what the audit line and the student's page call it.
    :param law: the clause of the regulations.
    :param when: sentences that must all be true.
    :param obligations: what the caller must do besides, such as ``tell_client``.
    """

    name: str
    law: str
    when: tuple[Predicate, ...]
    obligations: tuple[str, ...] = ()


def _for(name: str, law: str, *when: Predicate, obligations: tuple[str, ...] = ()) -> Clause:
    return Clause(name, law, when, obligations)


_OFFICE = acts_as(R.FRONT_DESK, R.COUNSELLOR, R.DIRECTOR)
_COUNSELLING = acts_as(R.COUNSELLOR, R.DIRECTOR)
_DIRECTOR = acts_as(R.DIRECTOR)
_ON_DUTY = (_COUNSELLING, actor_is_on_duty, actor_is_not_barred)
_DIRECTING = (_DIRECTOR, actor_is_not_barred)
_SUPERVISING = (acts_as(R.SUPERVISOR), actor_is_not_barred)
_ASKED_FOR_YES = (it_waits_for_a_yes, actor_was_asked, actor_did_not_ask)
_REVIEWING = acts_as(R.COUNSELLOR, R.DIRECTOR, R.SUPERVISOR)
_REGISTER = acts_as(R.COUNSELLOR, R.DIRECTOR, R.SUPERVISOR, R.ARCHIVIST)
_NOT_READER = actor_neither_sent_nor_decided
_STUDENT = acts_as(R.STUDENT)
_STAFF = acts_as(*(r for r in R if r not in (R.STUDENT, R.GUARDIAN)))

P = Permission
RULES: dict[Permission, tuple[Clause, ...]] = {
    P.APPOINTMENT_REQUEST: (_for("the client asks", "篇9 二2; 篇10 一", _STUDENT),),
    P.APPOINTMENT_OWN: (_for("the client's own time", "篇10 一", _STUDENT, actor_is_the_client),),
    P.APPOINTMENT_SHEET: (
        _for("working list", "篇10 一; 篇6 5", acts_as(R.FRONT_DESK, R.COUNSELLOR, R.DIRECTOR, R.DUTY_MANAGER)),
    ),
    P.APPOINTMENT_RECEIVE: (_for("reception", "篇9 二4", _OFFICE),),
    P.APPOINTMENT_TRIAGE: (
        _for("duty counsellor", "篇10 一", *_ON_DUTY),
        _for("director, nobody assigned", "篇10 一", *_DIRECTING, nobody_is_assigned),
        _for("the counsellor asked for", "篇10 一", _COUNSELLING, actor_is_assigned_counsellor),
    ),
    P.APPOINTMENT_HOLD: (_for("assigned counsellor", "篇10 二", _COUNSELLING, actor_is_assigned_counsellor),),
    P.REQUEST_READ: (
        _for("assigned counsellor", "篇4 三", _COUNSELLING, actor_is_assigned_counsellor),
        _for("duty counsellor, nobody assigned", "篇4 三", *_ON_DUTY, nobody_is_assigned),
        _for("director, nobody assigned", "篇4 三", *_DIRECTING, nobody_is_assigned),
    ),
    P.NAME_REVEAL: (_for("working place", "篇1 3.4; 篇8 二", _OFFICE),),
    P.CASE_OPEN: (_for("the counsellor who receives", "篇10 二", _COUNSELLING, actor_is_assigned_counsellor),),
    P.CASE_FROM_PAPER: (_for("counsellor, with the director's signature", "篇4 二; 篇10 二", _COUNSELLING),),
    P.CASE_LIST: (_for("own caseload", "篇4 三", _COUNSELLING),),
    P.CASE_READ: (
        _for("assigned counsellor", "篇4 三", _COUNSELLING, actor_is_assigned_counsellor, case_is_not_filed),
        _for("named reader", "篇4 三", _COUNSELLING, actor_is_named_reader),
    ),
    P.CASE_END: (_for("the client alone", "篇9 二2", _STUDENT, actor_is_the_client),),
    P.CASE_DIRECT: (_for("director", "篇10 二", _DIRECTOR),),
    P.CASE_RECEIVE: (_for("receiving counsellor", "篇10 二", _COUNSELLING, actor_receives_it),),
    P.CASE_WRITE: (_for("assigned counsellor", "篇4 三", _COUNSELLING, actor_is_assigned_counsellor, case_is_open),),
    P.CASE_FOLLOW_UP: (_for("assigned counsellor", "篇10 六", _COUNSELLING, actor_is_assigned_counsellor, case_is_not_archived),),
    P.CASE_HAND_IN: (_for("assigned counsellor", "篇4 二; 篇6 4", _COUNSELLING, actor_is_assigned_counsellor, case_is_closed),),
    P.VOLUME_ENTER: (_for("archivist", "篇4 二; 篇8 六", acts_as(R.ARCHIVIST)),),
    P.VOLUME_PRINT: (_for("archivist", "篇8 六", acts_as(R.ARCHIVIST)),),
    P.NAME_SEARCH: (_for("archivist, with a reason", "篇4 三", acts_as(R.ARCHIVIST)),),
    P.TICKET_ASK: (_for("counsellor of a returning client", "篇4 三", _COUNSELLING, actor_is_assigned_counsellor, case_is_open),),
    P.TICKET_SERVE: (_for("archivist", "篇4 三", acts_as(R.ARCHIVIST)),),
    P.TICKET_DROP: (
        _for("whoever asked", "篇4 三", _COUNSELLING, actor_sends_it),
        _for("archivist", "篇4 三", acts_as(R.ARCHIVIST)),
    ),
    P.LOAN_ASK: (_for("whoever reads, or keeps the archive", "篇4 三; 篇8 六", _REGISTER),),
    P.LOAN_SEE: (
        _for("archivist", "篇8 六", acts_as(R.ARCHIVIST)),
        _for("whoever was given the key", "篇8 六", _REVIEWING, actor_was_asked, actor_is_not_barred),
    ),
    P.LOAN_DECIDE: (
        _for("director", "篇8 六", *_DIRECTING, *_ASKED_FOR_YES, a_colleague_asked, _NOT_READER),
        _for(
            "outside supervisor, for the director's own",
            "篇8 六",
            *_SUPERVISING,
            *_ASKED_FOR_YES,
            the_director_asked,
            _NOT_READER,
        ),
    ),
    P.LOAN_LOSS: (_for("director", "篇8 十", *_DIRECTING),),
    P.LOAN_READ: (_for("the reader", "篇4 三; 篇8 六", _REVIEWING, actor_is_told, actor_is_not_barred, everybody_stands_by_it),),
    P.VOLUME_LIST: (_for("archive", "篇4 二; 篇4 三", acts_as(R.ARCHIVIST)),),
    P.VOLUME_ACCEPT: (_for("archivist", "篇4 二; 篇6 四", acts_as(R.ARCHIVIST), case_was_handed_in),),
    P.NOTE_READ: (
        _for("assigned counsellor", "篇4 三", _COUNSELLING, actor_is_assigned_counsellor, case_is_not_filed),
        _for("named reader", "篇4 三", _COUNSELLING, actor_is_named_reader),
    ),
    P.NOTE_WRITE: (_for("assigned counsellor", "篇4 三; 篇6 5", _COUNSELLING, actor_is_assigned_counsellor, case_is_open),),
    P.PROCESS_NOTE: (_for("the author alone", "篇4 二; 篇4 三", _COUNSELLING, actor_is_assigned_counsellor),),
    P.HAND_OVER_READ: (
        _for("assigned counsellor", "篇10 二", _COUNSELLING, actor_is_assigned_counsellor),
        _for("receiving counsellor", "篇10 二", _COUNSELLING, actor_receives_it),
        _for("named reader", "篇4 三", _COUNSELLING, actor_is_named_reader),
    ),
    P.FILE_SIGHT: (_for("the client's own file", "篇4 一", _STUDENT, actor_is_the_client),),
    P.FILE_OWN: (_for("the client's own words", "篇9 二3", _STUDENT, actor_is_the_client),),
    P.QUESTION_ANSWER: (
        _for("director", "篇4 一", *_DIRECTING),
        _for("outside supervisor, no director may", "篇4 一", *_SUPERVISING, actor_was_asked),
    ),
    P.CONCERN_RAISE: (_for("a teacher refers", "篇9 一6; 篇9 二2", acts_as(R.HEAD_TEACHER)),),
    P.CONCERN_READ: (
        _for("duty counsellor", "篇9 一6", _COUNSELLING, actor_is_on_duty),
        _for("director", "篇9 一6", _DIRECTOR),
    ),
    P.TASK_LIST: (_for("whoever may own one", "篇4 五", _COUNSELLING),),
    P.TASK_END: (
        _for("duty counsellor", "篇4 五", *_ON_DUTY),
        _for("director", "篇4 五", *_DIRECTING),
        _for("assigned counsellor", "篇4 五", _COUNSELLING, actor_is_assigned_counsellor),
    ),
    P.SAFETY_READ: (
        _for("duty counsellor", "篇4 五", _COUNSELLING, actor_is_on_duty),
        _for("director", "篇4 五", _DIRECTOR),
    ),
    P.DUTY_CALL: (_for("anyone at a desk", "篇4 五; 篇1 3.4", _STAFF),),
    P.COUNTERSIGN: (
        _for("director, not the one who asked", "篇8 二", *_DIRECTING, actor_did_not_ask),
        _for("outside supervisor, for the director's own", "篇8 二", *_SUPERVISING, the_director_asked, actor_did_not_ask),
    ),
    P.DISCLOSURE_START: (
        _for("assigned counsellor", "篇4 五; 篇9 二5", _COUNSELLING, actor_is_assigned_counsellor, case_is_not_filed),
        _for("duty counsellor, who was told", "篇4 五", *_ON_DUTY, client_is_watched),
        _for("director, who was told", "篇4 五", *_DIRECTING, client_is_watched),
    ),
    P.DISCLOSURE_SEND: (
        _for("assigned counsellor, who began it", "篇4 五", _COUNSELLING, actor_sends_it, actor_is_assigned_counsellor),
        _for("whoever began it", "篇4 五", _COUNSELLING, actor_sends_it, actor_is_not_barred),
    ),
    P.DISCLOSURE_READ: (
        _for("whoever sent it", "篇4 五", _COUNSELLING, actor_sends_it),
        _for("assigned counsellor", "篇4 三", _COUNSELLING, actor_is_assigned_counsellor),
        _for("named reader", "篇4 三", _COUNSELLING, actor_is_named_reader),
    ),
    P.DISCLOSURE_APPROVE: (
        _for("director", "篇4 五", *_DIRECTING, *_ASKED_FOR_YES, a_colleague_asked),
        _for("outside supervisor, for the director's own", "篇4 五", *_SUPERVISING, *_ASKED_FOR_YES, the_director_asked),
        _for(
            "duty counsellor, the director not reached",
            "篇4 五",
            *_ON_DUTY,
            it_waits_for_a_yes,
            the_director_was_waited_for,
            actor_did_not_ask,
        ),
    ),
    P.DISCLOSURE_REVOKE: (
        _for("whoever sent it", "篇4 五", _COUNSELLING, actor_sends_it),
        _for("assigned counsellor", "篇4 五", _COUNSELLING, actor_is_assigned_counsellor),
        _for("director", "篇4 五", _DIRECTOR),
    ),
    P.DISCLOSURE_REVIEW: (
        _for("a second person", "篇4 五", _REVIEWING, it_was_sent, actor_was_asked, _NOT_READER, actor_is_not_barred),
    ),
    P.DISCLOSURE_LIST: (_for("whoever sends, signs or reviews", "篇4 五", _REVIEWING),),
    P.PACKAGE_READ: (_for("the named recipient", "篇4 五", _STAFF, actor_is_told),),
    P.ENQUIRY_ANSWER: (_for("whoever is asked", "篇4 三; 篇8 二", _STAFF),),
    P.RECORDING_LIST: (_for("whoever may be let hear", "篇4 四", _REVIEWING),),
    P.RECORDING_HEAR: (
        _for(
            "whoever the client let hear it", "篇4 四", _REVIEWING, actor_was_asked, actor_is_not_barred, everybody_stands_by_it
        ),
    ),
    P.COPY_DECIDE: (_for("director", "篇4 四", _DIRECTOR),),
    P.COPY_GIVE: (
        _for(
            "assigned counsellor, with the director's yes", "篇4 四", _COUNSELLING, actor_is_assigned_counsellor, it_has_a_ground
        ),
    ),
    P.RECORDING_STOP: (
        _for("assigned counsellor", "篇4 四", _COUNSELLING, actor_is_assigned_counsellor),
        _for("director", "篇4 四", *_DIRECTING),
    ),
    P.HOLD_SET: (_for("director", "篇4 四", _DIRECTOR),),
    P.REPORT_MAKE: (
        _for("assigned counsellor", "篇8 二", _COUNSELLING, actor_is_assigned_counsellor, case_is_not_filed),
        _for("duty counsellor, who was told", "篇8 二; 篇4 五", *_ON_DUTY, client_is_watched),
        _for("director, who was told", "篇8 二; 篇4 五", *_DIRECTING, client_is_watched),
        _for("whoever owes it", "篇8 二", _COUNSELLING, actor_sends_it),
    ),
    P.REPORT_READ: (
        _for("whoever made it", "篇8 二", _COUNSELLING, actor_sends_it),
        _for("assigned counsellor", "篇4 三", _COUNSELLING, actor_is_assigned_counsellor),
    ),
    P.REPORT_SEEN: (_for("leadership", "篇8 十", acts_as(R.SCHOOL_LEADER)),),
    P.EVENT_RAISE: (_for("whoever meets it", "篇8 十", acts_as(R.COUNSELLOR, R.DIRECTOR, R.DUTY_MANAGER)),),
    P.EVENT_READ: (
        _for("leadership, by name", "篇8 十", acts_as(R.SCHOOL_LEADER, R.DIRECTOR), actor_was_asked),
        _for("whoever told it", "篇8 十", acts_as(R.COUNSELLOR, R.DIRECTOR, R.DUTY_MANAGER), actor_sends_it),
    ),
    P.LEDGER_WRITE: (_for("reception, without cases", "篇1 3.4; 篇4 三", acts_as(R.FRONT_DESK, R.DUTY_MANAGER)),),
    P.LETTER_READ: (
        _for("assigned counsellor", "篇7 五; 篇4 三", _COUNSELLING, actor_is_assigned_counsellor),
        _for("duty counsellor, nobody assigned", "篇7 五", *_ON_DUTY, nobody_is_assigned),
    ),
    P.CHAT_READ: (
        _for("assigned counsellor", "篇7 七; 篇4 三", _COUNSELLING, actor_is_assigned_counsellor),
        _for("duty counsellor, nobody assigned", "篇7 七", *_ON_DUTY, nobody_is_assigned),
    ),
    P.RECORD_LEAVE: (
        _for("whoever tells, on a ground of the six", "篇7 五; 篇4 五", _COUNSELLING, actor_sends_it, it_has_a_ground),
        _for("assigned counsellor, for the client", "篇7 五", _COUNSELLING, actor_is_assigned_counsellor, it_has_a_ground),
    ),
    P.STATEMENT_SIGN: (
        _for("whoever knows it", "篇4 六", _COUNSELLING, actor_is_assigned_counsellor, nobody_ordered_it),
        _for("whoever sends it", "篇4 六", _COUNSELLING, actor_sends_it, nobody_ordered_it),
    ),
    P.ORDER_GIVE: (_for("a superior; never about a case", "篇5 3; 篇4 六", acts_as(R.SCHOOL_LEADER), it_is_about_nobody),),
    P.STAFF_LIST: (_for("director", "篇6 2", _DIRECTOR), _for("accounts", "篇5 19", acts_as(R.SYSADMIN))),
    P.STAFF_INVITE: (_for("accounts", "篇5 19", acts_as(R.SYSADMIN, R.DIRECTOR)),),
    P.STAFF_ADMIT: (_for("the director vouches", "篇4 三", _DIRECTOR, actor_acts_in_own_right, actor_did_not_ask),),
    P.STAFF_VOUCH: (_for("a second colleague", "篇4 三", _OFFICE, actor_did_not_ask),),
    P.STAFF_DISMISS: (_for("director or administrator", "篇5 4", acts_as(R.SYSADMIN, R.DIRECTOR)),),
    P.CREDENTIAL_RECORD: (_for("director", "篇6 2; 篇8 十一", _DIRECTOR),),
    P.DEPUTY_NAME: (
        _for("whoever approves", "篇5 17", acts_as(R.DIRECTOR, R.DUTY_MANAGER, R.SCHOOL_LEADER), actor_acts_in_own_right),
    ),
    P.ROSTER_WRITE: (_for("director", "篇6 5", _DIRECTOR),),
    P.ROOM_LOG: (_for("working place", "篇8 十二", _OFFICE),),
    P.AVAILABILITY_OWN: (_for("own hours", "篇6 5", _COUNSELLING),),
    P.ROLL_IMPORT: (_for("director or administrator", "篇7 五", acts_as(R.DIRECTOR, R.SYSADMIN)),),
    P.STUDENT_INVITE: (_for("reception", "篇7 五", _OFFICE),),
    P.STUDENT_COUNT: (_for("a figure only", "篇4 三", acts_as(R.SYSADMIN, R.DIRECTOR)),),
    P.SETTINGS_READ: (_for("settings", "design §4", acts_as(R.SYSADMIN, R.DIRECTOR)),),
    P.HEALTH_READ: (_for("health", "design §4", acts_as(R.SYSADMIN, R.DIRECTOR)),),
    P.OUTBOX_RETRY: (_for("administrator", "design §4", acts_as(R.SYSADMIN)),),
    P.AUDIT_READ: (_for("coded lines", "篇5 4", _DIRECTOR),),
    P.OPENING_LOOK: (
        _for("director, at others' openings", "篇4 三", _DIRECTOR, _NOT_READER),
        _for("outside supervisor, at the director's", "篇4 三", acts_as(R.SUPERVISOR), the_director_asked, _NOT_READER),
    ),
    P.ACKNOWLEDGE: (_for("all staff", "篇9 一1; 篇5 2", _STAFF),),
    P.ACCOUNT_OWN: (_for("own account", "篇5 19", anybody_signed_in),),
    P.HOME: (_for("own page", "design §5", anybody_signed_in),),
}
