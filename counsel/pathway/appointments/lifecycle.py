"""THE table of appointment states: (from, to) → which act. Terminal states occupy nothing."""

STATES = (
    "requested",  # 已提交: a first visit; the time is held until triage the same working day
    "confirmed",  # 已确认: both sides have agreed
    "offered",  # 改期待答复: another time offered; the old one stands until the other side says yes
    "checked_in",  # 已到访
    "completed",  # 已完成
    "forfeited",  # 迟到作废
    "no_show",  # 爽约
    "cancelled_by_client",
    "cancelled_by_centre",
    "lapsed",  # 已失效: nobody answered an offer, or nobody triaged a request, in time
    "moved",  # 已改期: replaced by another time both agreed
)
OCCUPYING = ("requested", "confirmed", "offered", "checked_in")
TRANSITIONS: dict[tuple[str | None, str], str] = {
    (None, "requested"): "request",
    (None, "confirmed"): "book",
    (None, "offered"): "offer",
    ("requested", "confirmed"): "confirm",
    ("requested", "cancelled_by_client"): "cancel",
    ("requested", "cancelled_by_centre"): "cancel for the centre",
    ("requested", "moved"): "move",
    ("requested", "lapsed"): "nobody triaged it in time",
    ("confirmed", "checked_in"): "check in",
    ("confirmed", "forfeited"): "too late",
    ("confirmed", "no_show"): "did not come",
    ("confirmed", "cancelled_by_client"): "cancel",
    ("confirmed", "cancelled_by_centre"): "cancel for the centre",
    ("confirmed", "moved"): "move",
    ("offered", "confirmed"): "accept the offer",
    ("offered", "requested"): "accept the offer before triage",
    ("offered", "cancelled_by_client"): "decline the offer",
    ("offered", "cancelled_by_centre"): "take the offer back",
    ("offered", "lapsed"): "nobody answered in time",
    ("checked_in", "completed"): "hold the session",
}


def allowed(from_state: str | None, to_state: str) -> bool:
    """Return whether the table has this arrow."""
    return (from_state, to_state) in TRANSITIONS
