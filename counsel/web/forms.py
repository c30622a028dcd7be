"""The base of all forms: language, cleaning of text, problems of services put beside their fields."""

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from counsel.core.errors import InvalidError
from counsel.web.messages import problem_words

HIDDEN = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
LONG_TEXT = 20_000


class Form(FlaskForm):  # type: ignore[misc]
    """A form that can show what a service found wrong."""

    def take(self, error: InvalidError) -> None:
        """Put a service's problems beside the fields they belong to; unknown fields show at the top."""
        for name, code in error.problems.items():
            field = self[name] if name in self else next(iter(self))
            field.errors = [*field.errors, problem_words(code)]

    def ask_for(self, names: Iterable[str]) -> None:
        """Show fields as needed that the service asks for, at the latest when it is signed."""
        for name in names:
            self[name].flags.to_sign = True


def clean(text: str | None) -> str:
    """Drop control characters that no keyboard sends, keep everything people write."""
    return CONTROL.sub("", text or "").replace("\r\n", "\n").strip()


def visible(_form: Any, field: Any) -> None:
    """Refuse invisible and direction-changing characters where a name or number is typed."""
    if HIDDEN.search(field.data or ""):
        raise ValidationError(problem_words("hidden_characters"))


def line(label: str, *, most: int, needed: bool = True, hint: str = "", **options: Any) -> Any:
    """Make a one-line field of at most `most` characters."""
    checks: list[Any] = [InputRequired(_l("Fill this in."))] if needed else []
    checks += [Length(max=most, message=_l("At most %(max)d characters.")), visible]
    return StringField(label, validators=checks, filters=[clean], description=hint, **options)


def text(label: str, *, most: int = LONG_TEXT, needed: bool = False, hint: str = "", rows: int = 3) -> Any:
    """Make a field for several lines."""
    checks: list[Any] = [InputRequired(_l("Fill this in."))] if needed else []
    checks += [Length(max=most, message=_l("At most %(max)d characters."))]
    return TextAreaField(label, validators=checks, filters=[clean], description=hint, render_kw={"rows": rows})


class DayField(StringField):  # type: ignore[misc]
    """A day as the browser's own date field sends it; kept as it is written in a sealed form, ISO."""


def day(label: str, *, hint: str = "") -> Any:
    """Make a field for a day; empty is allowed until a signature needs it."""
    return DayField(label, validators=[readable_day], filters=[clean], description=hint)


def readable_day(_form: Any, field: Any) -> None:
    """Refuse what is no day."""
    try:
        if field.data:
            date.fromisoformat(field.data)
    except ValueError:
        raise ValidationError(_l("This is no day.")) from None


def options(pairs: Iterable[tuple[str, Any]]) -> list[SelectChoice]:
    """Return (value, word) pairs as the choices of a field."""
    return [SelectChoice(value, word) for value, word in pairs]


def shown(field: Any) -> Any:
    """Return a field's value as people read it: the word of a choice, the text of everything else."""
    if hasattr(field, "iter_choices") and isinstance(field.data, list):
        words = {choice[0]: choice[1] for choice in field.iter_choices()}
        return _("; ").join(str(words.get(value, value)) for value in field.data)
    if hasattr(field, "iter_choices"):
        return {choice[0]: choice[1] for choice in field.iter_choices()}.get(field.data, field.data)
    return field.data
