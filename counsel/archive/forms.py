"""Words of the archive's forms: periods, reasons, flaws, and of F15 its ground, state, mode, way and condition."""

from flask_babel import lazy_gettext as _l

RETENTION_WORDS = {"D10": _l("10 years"), "D30": _l("30 years")}
REASON_WORDS = {
    "returning": _l("a client has come back"),
    "own_request": _l("the person asks about the own file"),
    "law": _l("a formal paper or a statute names the person"),
    "inquiry": _l("a loss or a mix-up is looked into"),
    "appraisal": _l("the period is over and is appraised"),
}
FLAW_WORDS = {
    "missing": _l("something is missing"),
    "unsigned": _l("something is not signed"),
    "order": _l("the paper is not in order"),
    "pages": _l("the pages do not add up"),
    "unreadable": _l("something cannot be read"),
    "other": _l("something else, see below"),
}
BASIS_WORDS = {
    "returning": _l("a client has come back"),
    "consent": _l("with the person's yes"),
    "law": _l("by law: a formal paper or a statute"),
    "own_request": _l("the person's own request"),
}
LOAN_WORDS = {
    "asked": _l("waits for the director"),
    "approved": _l("agreed, waits for the archivist"),
    "open": _l("out"),
    "returned": _l("back"),
    "refused": _l("refused"),
    "dropped": _l("dropped"),
    "lost": _l("lost"),
}
MODE_WORDS = {
    "screen": _l("on the reader's own screen"),
    "room": _l("in the room, a counsellor beside, for the day"),
    "paper": _l("the paper volume is lent"),
    "copy": _l("a copy for the person, with a code"),
}
WAY_WORDS = {
    "own": _l("asked on the person's own page"),
    "room": _l("said in the room"),
    "phone": _l("said on the telephone"),
    "paper": _l("signed on paper"),
}
CONDITION_WORDS = {"whole": _l("as it went out"), "damaged": _l("damaged"), "missing": _l("something is missing")}
