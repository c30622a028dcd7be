"""Forms about people: the door, accounts, staff, students."""

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import DateField, IntegerField, PasswordField, SelectField, SelectMultipleField
from wtforms.validators import InputRequired, Length, NumberRange

from counsel.confidentiality.roles import STAFF
from counsel.crypto.passphrase import LONGEST
from counsel.web.forms import Form, line, options
from counsel.web.shell import ROLE_WORDS


def passphrase_field(label: Any, hint: Any = "") -> Any:
    """Make a passphrase field; its length is looked at before anything is derived from it."""
    checks = [InputRequired(_l("Fill this in.")), Length(max=LONGEST * 4)]
    return PasswordField(label, validators=checks, description=hint)


class SignInForm(Form):
    """Name and passphrase."""

    login = line(_l("User name or student number"), most=60)
    passphrase = passphrase_field(_l("Passphrase"), _l("The words you wrote down at activation, with spaces between them."))


class UnlockForm(Form):
    """The passphrase alone, for a sign-in whose vault is shut."""

    passphrase = passphrase_field(_l("Passphrase"))


class CodeForm(Form):
    """An activation code, and for students the two facts that belong to it."""

    code = line(_l("Code"), most=60, hint=_l("24 letters and digits; dashes and small letters do not matter."))
    login = line(_l("Student number"), most=60, needed=False, hint=_l("Students only."))
    born = DateField(_l("Date of birth"), validators=[], description=_l("Students only."), render_kw={"max": "2100-01-01"})
    passphrase = passphrase_field(_l("New passphrase"), _l("Staff at least 15 characters, students at least 12."))
    again = passphrase_field(_l("The same once more"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.born.raw_data or not any(self.born.raw_data):
            self.born.process_errors = []


class RecoverForm(Form):
    """The printed recovery code opens the account once more and asks for a new passphrase."""

    login = line(_l("User name or student number"), most=60)
    code = line(_l("Printed recovery code"), most=60)
    passphrase = passphrase_field(_l("New passphrase"), _l("Staff at least 15 characters, students at least 12."))
    again = passphrase_field(_l("The same once more"))


class ConfirmCodeForm(Form):
    """Typing the printed code back once proves that it was written down."""

    code = line(_l("Type the code here"), most=60)


class StaffForm(Form):
    """A new colleague."""

    display = line(_l("Name as colleagues see it"), most=40)
    login = line(_l("User name"), most=40)
    roles = SelectMultipleField(_l("Roles"), choices=options((role.value, ROLE_WORDS[role]) for role in STAFF))


class CredentialForm(Form):
    """A certificate."""

    name = line(_l("Certificate"), most=80)
    issuer = line(_l("Issued by"), most=80)
    number = line(_l("Number"), most=40)
    areas = line(_l("Areas it allows"), most=200, hint=_l("Problem codes and ages, such as P01, P05, 12–18."))
    valid_from = DateField(_l("Valid from"), validators=[InputRequired(_l("Fill this in."))])
    valid_to = DateField(_l("Valid to"), validators=[InputRequired(_l("Fill this in."))])


class EducationForm(Form):
    """An entry of continuing education."""

    topic = line(_l("Topic"), most=120)
    minutes = IntegerField(_l("Minutes"), validators=[InputRequired(_l("Fill this in.")), NumberRange(1, 6000)])
    on_date = DateField(_l("Date"), validators=[InputRequired(_l("Fill this in."))], default=date.today)


class StudentSearchForm(Form):
    """Find one student by number."""

    student_no = line(_l("Student number"), most=40)


class GuestForm(Form):
    """Somebody who is not on the roll."""

    name = line(_l("Name"), most=40)
    born = DateField(_l("Date of birth"), validators=[InputRequired(_l("Fill this in."))])
    kind = SelectField(
        _l("Who is it?"),
        choices=options(
            [("parent", _l("a parent or guardian")), ("colleague", _l("a colleague")), ("other", _l("somebody else"))]
        ),
        default="parent",
    )


class DeputyForm(Form):
    """Who acts for me, and when."""

    account = SelectField(_l("Colleague"), choices=[], validate_choice=False)
    from_on = DateField(_l("From"), validators=[InputRequired(_l("Fill this in."))])
    until_on = DateField(_l("Until, this day included"), validators=[InputRequired(_l("Fill this in."))])


class RollForm(Form):
    """A CSV of the roll, the guardians or the timetable."""

    kind = SelectField(
        _l("What is in the file?"),
        choices=options(
            [
                ("students", _l("the roll of students")),
                ("guardians", _l("guardians")),
                ("timetable", _l("the timetable: teacher and class")),
            ]
        ),
        default="students",
    )
    roll = FileField(_l("CSV file"), validators=[FileRequired(_l("Choose a file."))])
