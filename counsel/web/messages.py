"""Codes that services raise, as sentences people understand. One place, so that one code has one sentence."""

from flask_babel import gettext as _


def problem_words(code: str) -> str:
    """Return the sentence for a field's problem code."""
    sentences = {
        "empty": _("Fill this in."),
        "too_long": _("This is too long."),
        "not_lately": _("A time within the last twelve hours, not one to come."),
        "before_day": _("The agreed day has not come yet: nobody has been missed. Keep it as a draft until then."),
        "unknown": _("Choose one of the answers."),
        "unanswered": _("Answer every question; you may also choose “rather not say”."),
        "unread": _("Tick that you have read it."),
        "no_phone": _("Write a telephone number, or choose messages on this site."),
        "not_on_roll": _("There is no such number on the roll. Check it, or register by name."),
        "taken": _("That sign-in name is taken. Choose another."),
        "no_role": _("Choose at least one role."),
        "sysadmin_reads": _("An administrator may hold no role that reads. Make two accounts for two people."),
        "before_start": _("The end lies before the beginning."),
        "no_credential": _("This counsellor has no valid credential, so no duty and no new case."),
        "too_short_staff": _("At least 15 characters. Four words are easier than one odd one."),
        "too_short_student": _("At least 12 characters. Four words are easier than one odd one."),
        "well_known": _("This is too well known, or made from your own data. Take four words that do not belong together."),
        "not_the_same": _("The two are not the same."),
        "wrong": _("That is not right. Look once more."),
        "all_points": _("Explain every point and tick it when it has been understood."),
        "needed_when_no": _("Name an institution or a counsellor who can help instead."),
        "diagnosis": _("This says diagnosis or treatment. Write “assessment”, or quote the hospital's paper in quotation marks."),
        "ask_all": _("One answer is not a plain no: ask the whole list."),
        "not_lower": _("Choose a level below the present one."),
        "rating": _("A whole number from 0 to 10."),
        "close_person": _("Name the person, and say whether the client agreed or which limit applies."),
        "no_result": _("A test as basis needs a result entered below."),
        "differs": _("Your class differs from the suggestion: say why."),
        "advice_first": _("At this class the medical advice comes first; record that it was given."),
        "answers_of_instrument": _("The answers do not fit the instrument: count and range."),
        "not_yet": _("This day has not come yet."),
        "witness": _("A refusal to sign needs a witness."),
        "consent_or_limit": _("The client's consent, or the limit that applies."),
        "same_person": _("Choose a colleague with a valid credential, not yourself."),
        "mark": _("Give every line a mark from 1 to 5, please."),
        "no_birth_date": _("This cannot be a date of birth."),
        "deputy_days": _("From today on, the end after the beginning, half a year at most."),
        "not_possible": _("This colleague cannot act in that role: their own roles or keys do not allow it."),
        "mail_address": _("Write one mail address, such as name@school.example."),
        "gateway_address": _("Write a number or a messenger name, without spaces."),
        "too_late_to_remind": _("The evening before has passed already; there is nothing left to remind of."),
        "record_first": _("A new crisis record, on the day of the talk or later, comes first."),
        "plan_first": _("Sign a safety plan with the client first."),
        "unasked": _(
            "The risk questions have not been asked since the level rose. Ask them first, or say why it was not possible."
        ),
        "tracked": _("A referral to a doctor stays open until something is known. Ask the client, or the guardian."),
        "unplanned": _("There is no signed safety plan. Write it with the client first, or say why there is none yet."),
        "hidden_characters": _("There are invisible characters in it. Type it again."),
    }
    return sentences.get(code) or _leaving_words(code) or _archive_words(code) or _("This cannot be right.")


def _archive_words(code: str) -> str | None:
    """Return the sentence for what is wrong with a volume or a loan, or None."""
    sentences = {
        "no_such_volume": _("There is no sealed volume under this code."),
        "not_there": _("This volume has no such part: only paper, or no paper."),
        "nothing_there": _("The volume holds none of these forms."),
        "no_own_page": _("There is no own page you could ask on: take the yes down on paper, in the room or by telephone."),
        "too_short_kept": _("This case is kept for thirty years: there was danger, a report, or something that left the room."),
        "not_as_signed": _("This is not what was signed for: something is missing, altered, or came since. Send it back."),
        "check_all": _("Check every item of the list."),
        "count_again": _("That is not the number of pages that was signed for. Count again, or send it back."),
        "given_already": _("This number, or a later one, has been given already."),
        "no_reader": _("This colleague cannot read it. Choose another."),
        "no_forms": _("Choose at least one form."),
        "lost_volume": _("The paper of this volume is lost."),
        "choose_one": _("Say whether the client agreed or would rather not."),
        "nobody_left": _("Whoever handed it in has left, and nobody else has its key: seal it, and write down what is wrong."),
        "no_recording": _("Of this session nothing is kept."),
        "nobody_beside": _("Nobody but a counsellor of the centre may be alone in the room: choose who stays with them."),
    }
    return sentences.get(code)


def _leaving_words(code: str) -> str | None:
    """Return the sentence for what keeps a disclosure or a report from leaving, or None."""
    sentences = {
        "nobody_named": _("Name at least one recipient."),
        "nothing_chosen": _("Choose what this recipient needs, or remove the recipient."),
        "not_for_this": _("On this ground nothing may be told to this kind of recipient."),
        "above_ceiling": _("This recipient may not be told this part."),
        "no_page": _("This person cannot be told on an own page: no account, no vouched keys, or another role. Ring them."),
        "phone": _("Write the number you will ring; its last four digits are needed with the code."),
        "too_far": _("Between one hour and the longest time this centre allows."),
        "no_release": _("Choose a support contact the client has said yes to; below 14 a guardian too."),
        "not_this_colleague": _("Whoever reads it on the own page bears another name. Save once more."),
        "not_higher": _("Choose a level above the one in force."),
        "not_released": _("The client has not agreed to this: another person, another part, or a later end."),
        "excluded": _("This person must hear nothing about this client."),
        "told_later": _("Say on which day the client is told, not later than this centre allows."),
        "other_people": _("There are names of other people in the words. Take them out, or say that they are needed."),
        "not_on_list": _("The roll does not list this guardian. Make sure who it is: custody may have changed."),
        "promise": _("Promise first that you keep it to yourself."),
        "no_such_code": _("Code and digits do not open anything, or it is over. Ask whoever rang you."),
        "police_first": _("The police come first: write when they were rung, and who took it or its number."),
        "too_long_kept": _("Choose an earlier day: that is longer than a recording may be kept."),
        "no_consent": _("Nobody has said yes to this recording, or the yes was taken back: nothing of it is kept."),
        "no_session": _("This session has not been recorded in the case yet. Begin its note first."),
        "no_such_case": _("There is no such case."),
        "in_future": _("This moment has not come yet."),
        "of_age": _("By the roll this client is a minor: the report is owed."),
        "empty_file": _("Choose a file; an empty one is no material."),
        "too_large": _("This file is larger than material of this kind may be."),
        "cut_off": _("A part did not arrive whole. It is sent again."),
        "incomplete": _("Not everything has arrived yet. Go on with the same file."),
        "type_unknown": _(
            "This is no type of file that is kept here: PDF, Word, Excel, OpenDocument, plain text, JPEG, PNG or WebP."
        ),
        "wrong_kind": _("What is in the file does not fit the kind that was chosen."),
        "more_than_one": _(
            "The file is more than one thing at once, or goes on after its end. Save it anew from its own program."
        ),
        "broken": _("The file is broken: its own program could not open it either."),
        "too_many_pixels": _("The picture has too many pixels. Scan it at 300 dpi or less."),
        "locked": _("The document is locked with a passphrase of its own. Unlock it first."),
        "active": _(
            "The document runs something when it is opened, or carries other files. Save it without macros and attachments."
        ),
        "bursts": _("The file is very much larger once unpacked: it is refused."),
        "virus": _("The virus scanner has found something. The file was not kept."),
        "names_unchecked": _(
            "Your keys do not look for the names of pupils: read the words again and say below that nobody is named."
        ),
        "which_one": _("A colleague here has this name: choose the colleague, or say that it is only the same name."),
        "no_names": _("There are names in the words. Leadership needs none: take them out, or say below that they are none."),
        "why_late": _("It is later than the time set: say why."),
        "past": _("Choose a day that is still to come."),
    }
    return sentences.get(code)


def conflict_words(reason: str) -> str:
    """Return what happened, what was kept and what to do."""
    sentences = {
        "slot_taken": _("That time has just been taken. What you wrote is kept; choose another."),
        "already_waiting": _("You have a request waiting already. You can change its time under My appointments."),
        "newer_draft": _(
            "This was saved in another window in the meantime. Your text is below: copy what you need, then open the page again."
        ),
        "signed": _("This has been signed. Nobody can change it now; you can add to it."),
        "task_ended": _("A colleague has just finished this task. Nothing is left to do."),
        "code_used": _("This code has just been used."),
        "stale_form": _("The form is not signed, or was changed in the meantime. Read it once more."),
        "linked": _("This client is known as somebody on the roll already."),
        "questions_waiting": _("Three of your questions are waiting already. You will have an answer soon."),
        "clock": _("The clock of this machine shows an earlier time than before. Nothing is opened until it is right."),
        "number_taken": _("This number stands on another volume of the same year and period."),
        "lent": _("Somebody has this volume, or has asked for it."),
        "no_consent": _("The person's yes is missing, or was taken back. Without it nothing leaves the archive."),
        "renewed": _("It was renewed once already. A loan is renewed once."),
        "level_fell": _("The level fell since this was written, so somebody must say yes first. Give it up and write it anew."),
        "read_already": _("These facts have been read. They do not open again; ring the centre if you need them."),
        "many_opened": _("More clients were opened within an hour than anybody reads. It goes on later; the director is told."),
        "wait": _("Too many tries from here. Wait a quarter of an hour, or ring the centre."),
        "stale_box": _("The readers changed a moment ago. Open the page again and save once more."),
    }
    return sentences.get(reason, _("Somebody was faster. Open the page again."))


def guard_words(guard: str) -> str:
    """Return what is missing, as a counsellor would say it."""
    sentences = {
        "F03": _("The intake form is not signed yet."),
        "G2": _("The limits of confidentiality have not been explained and acknowledged in the version in force."),
        "G3": _("The guardian's part is missing for this age."),
        "G4": _("Declare first that there is no other relationship with the client or the family."),
        "G5": _("Going on needs a yes to both: within the scope of counselling, and within your competence."),
        "G6": _("The risk questions have not been asked today, or a duty task about the client is overdue."),
        "G7": _("Counselling begins when both sides have agreed the plan."),
        "G8": _("The assessment is not signed, or its severity asks for medical advice first."),
        "G9": _("The note of the session before is not signed yet."),
        "REC": _("Write and sign the referral (F08) first: where to and why. Then take down what the client answers to it."),
        "LOW": _("One talk is enough only when today's risk level is 0 or 1."),
        "AGREED": _("The client has not said yes to ending after one talk."),
        "CREDENTIAL": _("Your credential has expired or is missing, so no new case can begin. The director can record it."),
        "NOT_HERE": _("The client has not been checked in yet."),
        "PAPER_OFF": _("Taking over from paper has been switched off for this centre."),
        "OTHER_COUNSELLOR": _("This client has an open case with a colleague. The director can arrange a transfer."),
        "TOO_EARLY": _(
            "It is too early for that: checking in belongs to the day itself, an absence to half an hour after the beginning."
        ),
        "NO_SESSION": _("There was no such session."),
        "NO_SECOND_PERSON": _("Nobody else could sign: name a deputy of the director, or vouch for an outside supervisor first."),
        "HOURS": _("This is outside your published hours. In a crisis tick that it is one; it is marked on the session."),
        "SAFE": _("The level is 2 or above: somebody outside the case must take over watching before it ends."),
        "ELSEWHERE": _("This counsellor is not available for this person. Choose another one."),
        "REPORT": _("The report the law demands comes first: ring the police and record it. Then the case goes on."),
        "RECORD": _("The crisis record comes first; then the level can be lowered."),
        "NOBODY_THERE": _("Nobody can answer just now. Please ask at the centre."),
        "WISH": _("Only the client can withdraw; you recorded that you end it together. Agree the follow-up instead."),
        "END": _("Sessions were held: the closing report and the evaluation, or its waiver, come before the end."),
        "F10": _("The closing report is not signed yet."),
        "G10": _("The evaluation is missing: both sides, or a reason why the client's cannot be had that fits this end."),
        "G11": _("Agree the follow-up first: days, a safe way, and the consent to be contacted."),
        "RECEIVER": _("First it must be known who takes the case over: the summary names the colleague."),
        "NAMED": _("The summary names another colleague. Leave the case where it is, then let the hand-over be asked anew."),
        "G12": _("The hand-over is not complete: summary and notes signed, the client's yes, the colleague's acceptance."),
        "G14": _("Written advice to see a doctor comes first, with the client's yes to it, a limit, or a witnessed refusal."),
        "FEEDBACK": _("The report is missing; after a suspected disorder the hospital's own, and the supervisor's signature."),
        "TRACKED": _("Record what became of the referral first."),
        "RESUME": _("Say on which day the pause ends."),
        "TRIES": _("Three tries by the safe way, over fourteen days, come before a case is closed as lost."),
        "MISSED": _("Fewer times were missed than let a case lapse."),
        "LETTER": _("Send the last kind message first; it stands on the client's page."),
        "OFFERED": _("Write which other ways were offered, and that the door is open."),
        "RELEASE": _("The client has not agreed to what goes to whom outside."),
        "FOLLOWED": _("A planned follow-up is neither done nor declined."),
        "EMPTY": _("Something has been written in this case; it cannot be void."),
        "NO_TASK": _("A duty task about this client is still open."),
        "WHY": _("Choose a reason from the list."),
        "BACK": _("It goes back to where it came from, nowhere else."),
        "PAPER": _("Date the forms held on paper and count their sheets first."),
        "SECOND": _("The second signature is missing."),
        "G13": _("The file is not complete yet; what is missing stands on the page of the case."),
        "ARCHIVE": _("There is no archive yet. The case stays closed and complete until then."),
        "SOLE_READER": _("This colleague holds the only key to some cases. Let them be handed over first."),
    }
    return sentences.get(guard, _("That step is not possible now. Open the page again."))
