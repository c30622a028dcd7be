"""The generic texts: nothing in them says who, why, with whom or how urgent (security R11)."""

from functools import cache
from pathlib import Path

from babel.support import NullTranslations, Translations

from counsel.core.settings import Settings
from counsel.core.words import N_

TEXTS = {
    "reminder": (N_("A reminder of an appointment"), N_("You have a reminder of an appointment. Sign in to see it.")),
    "task_overdue": (N_("A task is overdue"), N_("A task is overdue. Sign in to see it.")),
    "test": (N_("A test"), N_("This is a test. Nothing needs to be done.")),
}


def words_of(settings: Settings, text: str, language: str) -> tuple[str, str]:
    """Return (subject, body) of a text in a language."""
    catalogue = _catalogue(language)
    subject, body = (catalogue.gettext(words) for words in TEXTS[text])
    school = settings.school_name if language.startswith("zh") else settings.school_name_en
    return f"{subject} · {school}", "\n\n".join(part for part in (body, settings.site_address) if part)


@cache
def _catalogue(language: str) -> NullTranslations:
    return Translations.load(Path(__file__).resolve().parent.parent / "translations", [language])
