"""Everything that can be asked for, by name; who may is in `rules`."""

from enum import StrEnum


class Permission(StrEnum):
    """Everything anyone can ask to do; each route and each guarded service names one."""

    APPOINTMENT_REQUEST = "appointment:request"  # ask for a time, for oneself
    APPOINTMENT_OWN = "appointment:own"  # see and change one's own times
    APPOINTMENT_SHEET = "appointment:sheet"  # the day's times, rooms and states, without names
    APPOINTMENT_RECEIVE = "appointment:receive"  # check in, no-show, walk-in, cancel for the centre
    APPOINTMENT_TRIAGE = "appointment:triage"  # read the triage answers, assign, confirm
    APPOINTMENT_HOLD = "appointment:hold"  # hold the session itself: complete it
    REQUEST_READ = "request:read"  # the words a client wrote when booking
    NAME_REVEAL = "name:reveal"  # names behind the numbers of a working list
    CASE_OPEN = "case:open"  # T01
    CASE_FROM_PAPER = "case:paper"  # T00, with the director's signature
    CASE_LIST = "case:list"  # one's own caseload by covers
    CASE_READ = "case:read"  # intake, assessment, plan
    CASE_WRITE = "case:write"  # forms and moves of an open case
    CASE_FOLLOW_UP = "case:follow_up"  # follow-ups agreed at the end, after a medical closing too
    VOLUME_LIST = "volume:list"  # what lies in the archive, by code
    VOLUME_ACCEPT = "volume:accept"  # count a volume, seal it or send it back
    CASE_HAND_IN = "case:hand_in"  # a closed case, to be filed
    CASE_END = "case:end"  # the client ends counselling, or asks for somebody else
    CASE_DIRECT = "case:direct"  # the director's arrows: transfers, void, left school; without reading
    CASE_RECEIVE = "case:receive"  # take over a case that is being handed over
    NOTE_READ = "note:read"  # session notes
    NOTE_WRITE = "note:write"  # drafts, signing, addenda
    PROCESS_NOTE = "process:own"  # one's own working notes beside the file
    HAND_OVER_READ = "handover:read"  # the summary a case is handed over with
    FILE_SIGHT = "file:sight"  # who can open my file, and who did
    FILE_OWN = "file:own"  # what the client wrote or was given
    QUESTION_ANSWER = "file:answer"  # what clients ask about their own file
    CONCERN_RAISE = "concern:raise"  # a class teacher refers somebody
    CONCERN_READ = "concern:read"  # what a teacher wrote to the centre
    TASK_LIST = "task:list"  # neutral duty tasks
    TASK_END = "task:end"  # record the contact that ends a task
    SAFETY_READ = "risk:cards"  # the safety cards of clients at level 2 or above
    DUTY_CALL = "duty:call"  # "someone needs help at my desk"
    COUNTERSIGN = "countersign"  # a second signature under somebody's recorded reason
    DISCLOSURE_START = "disclosure:start"  # begin to tell somebody about a client; it starts empty
    DISCLOSURE_SEND = "disclosure:send"  # one's own: fill in, submit, send
    DISCLOSURE_READ = "disclosure:read"  # what was told, kept exactly
    DISCLOSURE_APPROVE = "disclosure:approve"  # read the submitted page and say yes or no
    DISCLOSURE_REVOKE = "disclosure:revoke"  # take a package back
    DISCLOSURE_REVIEW = "disclosure:review"  # look at it afterwards
    DISCLOSURE_LIST = "disclosure:list"  # one's own, and what waits for one's own yes or look; nothing opened
    PACKAGE_READ = "package:read"  # what one was told oneself
    ENQUIRY_ANSWER = "enquiry:answer"  # the same answer for everyone who asks about anyone
    RECORDING_LIST = "recording:list"  # which recordings one may hear
    RECORDING_HEAR = "recording:hear"  # one of them, for the purpose that was agreed
    COPY_DECIDE = "copy:decide"  # the client's wish for a copy of a recording that is to be erased
    COPY_GIVE = "copy:give"
    HOLD_SET = "hold:set"  # nothing of a case is erased while it stands
    REPORT_MAKE = "report:make"  # the report the law demands about a harmed minor; nobody's yes is asked
    REPORT_READ = "report:read"  # what was reported
    REPORT_SEEN = "report:seen"  # leadership: that one was made; what it was told of major events
    EVENT_RAISE = "event:raise"  # a major event, to leadership
    EVENT_READ = "event:read"  # what leadership was told
    LEDGER_WRITE = "ledger:write"  # the desk's ledger of enquiries: no case, no client
    LETTER_READ = "letter:read"  # letters to the centre: case material from the moment they arrive
    CHAT_READ = "chat:read"  # transcripts of chats: case material
    RECORD_LEAVE = "record:leave"  # anything leaves a file: only with its basis on record
    STATEMENT_SIGN = "statement:sign"  # what is said to a court or an authority: the truth, by whoever knows it
    ORDER_GIVE = "order:give"  # a superior's order to the centre, recorded and acknowledged
    STAFF_LIST = "staff:list"  # colleagues, roles, credentials
    STAFF_INVITE = "staff:invite"  # accounts for staff
    STAFF_ADMIT = "staff:admit"  # vouch for a colleague's keys and role
    STAFF_VOUCH = "staff:vouch"  # a second voice for a newcomer
    STAFF_DISMISS = "staff:dismiss"  # end a colleague's access
    CREDENTIAL_RECORD = "credential:record"  # credentials, competence, education
    DEPUTY_NAME = "deputy:name"  # a deputy with dates for one's approving role
    ROSTER_WRITE = "roster:write"  # duty, rooms, availability of all
    AVAILABILITY_OWN = "availability:own"  # one's own weekly hours
    ROLL_IMPORT = "roll:import"  # students, guardians, timetable
    STUDENT_INVITE = "student:invite"  # class sheets, re-issue at the desk
    STUDENT_COUNT = "student:count"  # how many accounts, nothing else
    SETTINGS_READ = "settings:read"  # values and their sources
    HEALTH_READ = "health:read"  # doctor's findings, backups
    OUTBOX_RETRY = "outbox:retry"  # let messages that could not be sent be tried again, unread
    AUDIT_READ = "audit:read"  # coded lines
    OPENING_LOOK = "opening:look"  # openings by others, afterwards; coded lines, nothing opens
    ACKNOWLEDGE = "rules:acknowledge"  # read and acknowledge a rule's version
    ACCOUNT_OWN = "account:own"  # passphrase, devices, language
    HOME = "home"  # one's landing page
