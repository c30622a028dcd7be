"""Languages: Chinese and English. The switch wins, then the browser; dates in words people use."""

from datetime import date, datetime, timedelta

from flask import Flask, current_app, g, request
from flask_babel import Babel, format_date, get_locale, get_translations, gettext
from markupsafe import Markup

from counsel.core.clock import local, today

CHINESE, ENGLISH = "zh_Hans_CN", "en"


def select_locale() -> str:
    """Return the language of this request."""
    chosen = request.cookies.get("lang")
    if chosen in (CHINESE, ENGLISH):
        return chosen
    best = request.accept_languages.best_match(["zh", "zh-CN", "zh-Hans", "zh-TW", "en"], "zh")
    return CHINESE if best.startswith("zh") else ENGLISH


def in_words(text: str, **variables: object) -> Markup:
    """Translate a text of a template, whose values are escaped; the language's words are looked up once per request."""
    if "words" not in g:
        g.words = get_translations()
    found = g.words.ugettext(text)
    return Markup(found) % variables if variables else Markup(found % ())  # noqa: S704 (the house's own words)


def is_chinese() -> bool:
    """Return whether this page is in Chinese."""
    locale = get_locale()
    return locale is None or locale.language == "zh"


def day_words(day: date) -> str:
    """Return a day as people say it: 10月22日，星期四 / Thursday 22 October."""
    return format_date(day, "M月d日，EEEE" if is_chinese() else "EEEE d MMMM")


def near_day(day: date) -> str:
    """Return today, tomorrow, or the day."""
    ahead = (day - today(current_app.config["ZONE"])).days
    if ahead in (0, 1):
        return gettext("Today") if ahead == 0 else gettext("Tomorrow")
    return day_words(day)


def clock_time(moment: datetime) -> str:
    """Return a moment's time of day where the school is."""
    return local(moment, current_app.config["ZONE"]).strftime("%H:%M")


def moment_words(moment: datetime) -> str:
    """Return a moment as people say it."""
    here = local(moment, current_app.config["ZONE"])
    return f"{near_day(here.date())}{'' if is_chinese() else ', '}{here:%H:%M}"


def stamp(moment: datetime) -> str:
    """Return a moment as it stands on what somebody may print or photograph: with its year, the same in both languages."""
    return f"{local(moment, current_app.config['ZONE']):%Y-%m-%d %H:%M}"


def iso(moment: datetime) -> str:
    """Return a moment for the `datetime` attribute."""
    return local(moment, current_app.config["ZONE"]).isoformat(timespec="minutes")


def short_day(day: date) -> str:
    """Return a day for a narrow column."""
    return format_date(day, "M月d日" if is_chinese() else "d MMM")


def weekday_word(number: int) -> str:
    """Return the name of a weekday, Monday = 0."""
    return format_date(date(2024, 1, 1) + timedelta(days=number), "EEE")


def init(app: Flask) -> None:
    """Prepare Babel and what templates need of it."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(app.config["TRANSLATIONS"])
    Babel(app, locale_selector=select_locale, timezone_selector=lambda: app.config["ZONE"])
    app.jinja_env.globals.update(
        _=in_words,
        gettext=in_words,
        day_words=day_words,
        near_day=near_day,
        clock_time=clock_time,
        moment_words=moment_words,
        stamp=stamp,
        iso=iso,
        short_day=short_day,
        weekday_word=weekday_word,
        is_chinese=is_chinese,
    )
