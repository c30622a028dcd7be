"""The few ways in which something can go wrong, mapped to pages once, in `web.errors`."""


class CounselError(Exception):
    """Anything this product raises on purpose."""


class SettingsError(CounselError):
    """A setting is missing, weak or contradictory; the program refuses to start. The message names the setting."""


class NotFoundError(CounselError):
    """Nothing to open: absent, foreign, malformed or refused; the reader cannot tell which."""


class RefusedError(NotFoundError):
    """A rule said no. Shown exactly as `NotFoundError`; the audit line has been written already."""


class LockedError(CounselError):
    """The act needs keys and the vault of this sign-in is shut."""


class TransitionError(CounselError):
    """The lifecycle has no such step, or a guard's evidence is missing.

    :param guard: code of the guard or rule that is not met, such as ``G2``; translated by the page.
    """

    def __init__(self, guard: str, message: str = "") -> None:
        super().__init__(message or guard)
        self.guard = guard


class ConflictError(CounselError):
    """Someone else was faster, or the page shown was stale; nothing was changed.

    :param reason: code such as ``slot_taken``; translated by the page.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidError(CounselError):
    """Input that a form let through but a service must not accept.

    :param problems: field name → message code.
    """

    def __init__(self, **problems: str) -> None:
        super().__init__(", ".join(f"{field}: {code}" for field, code in problems.items()))
        self.problems = problems


class UnreadableError(CounselError):
    """Sealed bytes did not open: wrong key, moved, altered, cut, or their lock is gone. Never says which."""


class TamperError(UnreadableError):
    """A signature, certificate or fingerprint does not hold: somebody changed keys behind our back; raises an alarm."""


class BusyError(CounselError):
    """The database could not take the change now (busy or full disk); nothing was half-written."""
