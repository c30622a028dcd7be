"""The standard forms as people read them: title, labels and words of every field that is filled in."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from counsel.confidentiality.limits import LIMITS
from counsel.pathway.assessment.forms import AssessmentForm
from counsel.pathway.cases.agreement import GUARDIAN
from counsel.pathway.cases.known import known_lines
from counsel.pathway.closing.forms import MARK_WORDS, ClosingForm, EvaluationForm, FollowUpForm
from counsel.pathway.intake.forms import GUARDIAN_WORDS, POINT_WORDS, SHEET_WORDS, WAY_WORDS, ConsentForm, IntakeForm
from counsel.pathway.material.forms import MEDIUM_WORDS, PURPOSE_WORDS
from counsel.pathway.plans.forms import POINT_WORDS as PLAN_POINTS
from counsel.pathway.plans.forms import PlanForm, SupportForm
from counsel.pathway.referral.forms import FeedbackForm, HandOverForm, ReferralForm
from counsel.pathway.safety.forms import CrisisForm, ReturnForm, SafetyPlanForm, SupervisionForm, ToldForm
from counsel.pathway.sessions.forms import HOMEWORK_WORDS, NoteForm
from counsel.risk.questions import KEEPING, QUESTIONS
from counsel.web.forms import shown

TITLES = {
    "F01": _l("Booking"),
    "F02": _l("Informed consent"),
    "F03": _l("First interview"),
    "screen": _l("Risk screen"),
    "F04": _l("Assessment"),
    "result": _l("Test result"),
    "F05": _l("Plan"),
    "note": _l("Session note"),
    "F07": _l("Crisis record"),
    "safety": _l("Safety plan"),
    "raised": _l("Level raised at will"),
    "told": _l("Who was told"),
    "F21": _l("Supervision"),
    "return": _l("Back to school"),
    "F08": _l("Referral"),
    "feedback": _l("Feedback to a referral"),
    "handover": _l("Hand-over"),
    "F09": _l("Disclosure"),
    "report": _l("Report that the law demands"),
    "more": _l("Added to the report"),
    "F10": _l("Closing report"),
    "F11": _l("Joint evaluation"),
    "F12": _l("Follow-up"),
    "contact": _l("Agreed follow-up"),
    "goals": _l("Goals in the client's own words"),
    "homework": _l("Homework"),
    "hw_result": _l("Homework, the client's answer"),
    "rating": _l("The client's evaluation"),
    "agree": _l("The client's answer"),
    "paper": _l("Forms held on paper"),
    "support": _l("Support contact"),
    "F13": _l("Recording consent"),
}
FORMS: dict[str, Any] = {
    "F02": ConsentForm,
    "F03": IntakeForm,
    "F04": AssessmentForm,
    "F05": PlanForm,
    "note": NoteForm,
    "F07": CrisisForm,
    "safety": SafetyPlanForm,
    "told": ToldForm,
    "F21": SupervisionForm,
    "return": ReturnForm,
    "F08": ReferralForm,
    "feedback": FeedbackForm,
    "handover": HandOverForm,
    "F10": ClosingForm,
    "F11": EvaluationForm,
    "F12": FollowUpForm,
    "support": SupportForm,
}
ANSWER_WORDS = {"yes": _l("Yes"), "no": _l("No"), "refused": _l("Rather not say")}


def form_title(kind: str) -> Any:
    """Return the name of a form."""
    return TITLES.get(kind, kind)


def form_code(kind: str) -> str:
    """Return the number of a standard form as it stands on its sheet, empty where there is none."""
    return {"note": "F06"}.get(kind, kind if kind[:1] == "F" else "")


def with_addenda(lines: list[tuple[Any, Any]], addenda: Iterable[Mapping[str, Any]]) -> list[tuple[Any, Any]]:
    """Return a form's lines with what was added to it later: whoever says yes says it to all of it."""
    return [*lines, *((_added(more), more.get("text", "")) for more in addenda)]


def _added(more: Mapping[str, Any]) -> str:
    """Return who added something, and when; older addenda do not say it."""
    return " · ".join(str(part) for part in (_("Addendum"), more.get("on"), more.get("by")) if part)


def form_lines(kind: str, content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return (label, text) of every filled field, in the order of the form."""
    if kind == "paper":
        return _paper_lines(content)
    if kind == "F02":
        return _consent_lines(content)
    if kind == "F13":
        return _recording_lines(content)
    if kind == "raised":
        steps = f"{content.get('from')} → {content.get('level')}"
        return [(_l("Level"), steps), (_l("What you saw or heard"), content.get("reason", ""))]
    if kind == "screen":
        return _screen_lines(content)
    if kind == "result":
        return _result_lines(content)
    if kind in SAID:
        return SAID[kind](content)
    form_class = FORMS.get(kind)
    if form_class is None:
        return [(name, value) for name, value in content.items() if isinstance(value, (str, int)) and value != ""]
    form = form_class(formdata=None, data=dict(content))
    named = [(_l("Who takes it over"), content["receiver"])] if content.get("receiver") else []
    filled = [(field.label.text, shown(field)) for field in form if field.name != "csrf_token" and field.data]
    return named + known_lines(content) + filled


def _consent_lines(content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """F02 with how each side agreed; a guardian is shown `_explained` alone. A reason beside their part stands on no sheet."""
    ways, signs = dict(WAY_WORDS), content.get("guardian") == "signed"
    said = [
        (_l("Explained by"), content.get("explained_by")),
        (_l("Qualification"), content.get("qualification")),
        (_l("Age"), content.get("age")),
        (_l("How the client agreed"), ways.get(content.get("way", ""))),
        (_l("Where the paper lies"), content.get("sheet_place")),
        (_l("Who signs and how related"), content.get("guardian_note") if signs else None),
        (_l("How the guardian agrees"), ways.get(content.get("guardian_way") or "")),
        (_l("Where the guardian's paper lies"), content.get("guardian_place")),
        (_l("Whom to reach in an emergency"), content.get("emergency_contact")),
    ]
    return [*_explained(content), *((label, text) for label, text in said if text not in (None, ""))]


def _answer_lines(content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """What client or guardian said to a form, point by point where it has points."""
    yes = {True: _("Yes"), False: _("Not yet")}
    points = [(PLAN_POINTS.get(code, code), yes[bool(said)]) for code, said in (content.get("points") or {}).items()]
    about = [(_l("To"), form_title(content.get("subject", ""))), (_l("Answer"), yes[bool(content.get("agreed"))])]
    how = [(_l("How"), dict(WAY_WORDS).get(content.get("way", ""))), (_l("Where the paper lies"), content.get("sheet_place"))]
    words = [(_l("Words"), content.get("words")), (_l("Recorded by"), content.get("by"))]
    return [*about, *points, *((label, text) for label, text in (*how, *words) if text)]


def _rating_lines(content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """The client's five marks and words (F11)."""
    marks = [(label, content.get(code)) for code, label in MARK_WORDS.items()]
    how = [(_l("In the client's words"), content.get("words")), (_l("How"), dict(WAY_WORDS).get(content.get("way", "")))]
    return [*marks, *((label, text) for label, text in how if text)]


def _contact_lines(content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """What was agreed about asking later."""
    yes = _("Yes") if content.get("consent") else _("Rather not")
    said = [(_l("The safe way to ask"), content.get("contact")), (_l("When it is safe"), content.get("when"))]
    return [(_l("May we ask later how things are?"), yes), *((label, text) for label, text in said if text)]


def _booking_lines(content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """What the client wrote when asking for a time (F01)."""
    given = content.get("answers") or {}
    asked = [(_(question.text), ANSWER_WORDS.get(given[question.code], "")) for question in QUESTIONS if question.code in given]
    reach = content.get("phone") if content.get("contact_way") == "phone" else _("messages on this site")
    return [(_l("What it is about"), content.get("reason") or "–"), *asked, (_l("Reach by"), reach)]


def _task_lines(content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """A task between sessions."""
    said = [(_l("Task"), content.get("task")), (_l("Until"), content.get("due_on"))]
    return [(label, text) for label, text in said if text]


def _done_lines(content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """What became of a task."""
    said = [(_l("What became of it"), HOMEWORK_WORDS.get(content.get("state", ""))), (_l("Result"), content.get("result"))]
    return [(label, text) for label, text in said if text]


def _goal_lines(content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Goals as the client wrote them."""
    return [(_l("Goals"), content.get("text", ""))]


SAID: dict[str, Callable[[Mapping[str, Any]], list[tuple[Any, Any]]]] = {
    "agree": _answer_lines,
    "rating": _rating_lines,
    "contact": _contact_lines,
    "F01": _booking_lines,
    "homework": _task_lines,
    "hw_result": _done_lines,
    "goals": _goal_lines,
}


def _recording_lines(content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return a recording consent as it is agreed to: each purpose with the people who may hear it, by name."""
    names = content.get("names", {})
    people = {
        code: _(", ").join(names.get(holder, "?") for holder in content.get(code) or ())
        for code in PURPOSE_WORDS
        if code != "own"
    }
    heard = {"own": _("yes") if content.get("own") else "", **people}
    found = [(_l("Which session"), content.get("session_no", ""))]
    found.append((_l("What is recorded"), _(", ").join(str(MEDIUM_WORDS[code]) for code in content.get("media") or ())))
    found += [(PURPOSE_WORDS[code], said) for code, said in heard.items() if said]
    found.append((_l("Erased at the latest on"), content.get("until", "")))
    back = _l("At any time, without a reason: nobody hears it any more, it is erased the same day.")
    return [*found, (_l("Taking it back"), back)]


def _explained(content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    points = [POINT_WORDS[code] for code in content.get("points") or () if code in POINT_WORDS]
    limits = [limit.title for limit in LIMITS if limit.code in (content.get("points") or ())]
    found = [(_l("Explained"), _("the limits of secrecy: %(limits)s", limits=_("; ").join(_(title) for title in limits)))]
    found += [*((_l("Explained"), word) for word in points), *known_lines(content)]
    found.append((_l("The guardian's part"), dict(GUARDIAN_WORDS).get(str(content.get("guardian")), "")))
    return [*found, (_l("Version"), content.get("version", ""))]


def lines_for(party: str, kind: str, content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return what somebody is asked to agree to: a guardian sees the explained points, nothing that the client has told."""
    return _explained(content) if party == GUARDIAN and kind == "F02" else form_lines(kind, content)


def _screen_lines(content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    given, ticks = content.get("answers", {}), content.get("ticks", ())
    found = []
    for question in QUESTIONS:
        if question.code in given:
            more = [_(words) for code, words in question.details if code in ticks]
            found.append((_(question.text), ", ".join([str(ANSWER_WORDS.get(given[question.code], "")), *more])))
    return [*found, (_(KEEPING), content.get("keeping", "")), (_l("Level"), content.get("level", ""))]


def _result_lines(content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Instrument and version, the raw answers as they were given, score and day (R10-07)."""
    low, high = content.get("range", ("", ""))
    return [
        (_l("Instrument"), f"{content.get('title', '')} ({content.get('instrument', '')}, {content.get('version', '')})"),
        (_l("Raw answers"), " ".join(str(one) for one in content.get("answers", ()))),
        (_l("Score"), f"{content.get('score', '')} ({low}–{high})"),
        (_l("Date"), content.get("on", "")),
    ]


def _paper_lines(content: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    held = [(SHEET_WORDS[code], f"{day} · {count}") for code, (day, count) in content.get("sheets", {}).items() if count]
    before = ((_l("First talk on"), content.get("began_on")), (_l("Talks held until now"), content.get("talks")))
    talks = [(label, said) for label, said in before if said not in (None, "")]
    return [*talks, *held, (_l("Where the sheets lie"), content.get("place", ""))]


def answer_points(kind: str) -> list[tuple[str, Any]]:
    """Return the points of a form that are agreed one by one; a plan has four, other forms are one whole."""
    return list(PLAN_POINTS.items()) if kind == "F05" else []
