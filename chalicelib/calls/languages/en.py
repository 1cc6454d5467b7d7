"""English."""

from chalicelib.calls.language import Calendar, Language, Phrases, Vocabulary

_H = r"(?P<h>\d{1,2})"
LANGUAGE = Language(
    code="en",
    calendar=Calendar(
        weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        months=(
            "January", "February", "March", "April", "May", "June",
            "July", "August", "September", "October", "November", "December",
        ),
        date="{weekday}, {month} {day}",
        date_of_year="{weekday}, {month} {day}, {year}",
        near=("today", "tomorrow"),
        near_date="{near}, {date}",
        hour="{hour}:{minute} {half}",
        full_hour="{hour}:00 {half}",
        halves=("AM", "PM"),
        moment="{date} at {clock}",
        on_moment="on {date} at {clock}",
        either="{most} or {last}",
        both="{most} and {last}",
        decimal=".",
    ),
    vocabulary=Vocabulary(
        days={"today": 0, "this": 0, "tonight": 0, "tomorrow": 1, "day after tomorrow": 2},
        later=(r"in (?P<n>\d+) days?", r"(?P<n>\d+) days? from (?:now|<d0>)"),
        weekdays={
            "monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6,
        },
        coming=("next",),
        next_week=("next week", "of next week"),
        months={
            "january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8,
            "september": 9, "october": 10, "november": 11, "december": 12, "jan": 1, "feb": 2, "mar": 3, "apr": 4,
            "jun": 6, "jul": 7, "aug": 8, "sep": 9, "sept": 9, "oct": 10, "nov": 11, "dec": 12,
        },
        numbers={
            "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
            "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "twenty five": 25, "thirty": 30,
            "forty": 40, "forty five": 45, "fifty": 50, "fifty five": 55, "thirty five": 35,
            "first": 1, "second": 2, "third": 3, "1st": 1, "2nd": 2, "3rd": 3, "21st": 21, "22nd": 22, "23rd": 23,
            "31st": 31, **{f"{n}th": n for n in (*range(4, 21), *range(24, 31))},
        },
        before_noon=("am", "a.m.", "a.m", "morning", "in the morning"),
        after_noon=(
            "pm", "p.m.", "p.m", "afternoon", "evening", "in the afternoon", "in the evening", "tonight", "at night",
        ),
        noon=("noon", "midday"),
        clocks=(
            (rf"half(?: past)? {_H}", 30),
            (rf"(?:a )?quarter past {_H}", 15),
            (rf"(?:a )?quarter (?:to|of) {_H}", -15),
            (rf"(?P<plus>\d{{1,2}})(?: minutes)? past {_H}", 0),
            (rf"(?P<minus>\d{{1,2}})(?: minutes)? to {_H}", 0),
            (rf"{_H} o ?clock", 0),
            (rf"(?:at )?{_H} (?P<plus>\d{{2}})", 0),
        ),
        day_first=False,
        filler=("at", "on", "the", "of", "in", "a", "please", "sharp", "o", "clock", "coming"),
    ),
    phrases=Phrases(
        our_team="our team",
        free="For {service} I have {days}.",
        free_day="{date} at {times}",
        nothing_free="I see no free time for {service} then. Would another day suit you?",
        booked="You are booked for {service} with {staff} {moment}.",
        who_for="Who is it for: {names}, or somebody else?",
        who_for_alone="Who is it for?",
        taken="That time is not free. I could offer {moments}.",
        taken_alone="That time is not free, and I see nothing near it. Would another day suit you?",
        pending=(
            "I have noted that time for you and am waiting for the calendar to confirm it; you will hear from us "
            "shortly."
        ),
        trouble="I cannot reach our calendar right now, so nothing is changed. Shall we call you back?",
        unknown_number="I am sorry, I cannot do this for this number.",
        appointment="{service} with {staff} {moment}",
        appointments={
            "one": "You have one appointment: {appointments}.",
            "other": "You have {count} appointments: {appointments}.",
        },
        no_appointments="I find no coming appointment under the number you call from.",
        which_one="Which appointment do you mean: {appointments}?",
        name_it="Please tell me the full name and the date of the appointment.",
        not_found="I find no appointment with that name and date. Shall I take a message for our team?",
        too_many_attempts="I cannot look for it any further in this call. Shall I take a message for our team?",
        moved="Your appointment has been moved: {appointment}.",
        move_pending="I have asked for the new time and am waiting for the calendar; you will hear from us shortly.",
        changed_since=(
            "That appointment has been changed since. It is now {appointment}. Shall I change it all the same?"
        ),
        cancelled="Your appointment is cancelled: {appointment}.",
        cancel_pending=(
            "I have passed your cancellation on and am waiting for the calendar; you will hear from us shortly."
        ),
        cancel_fee="As it was cancelled this late, a fee of {fee} is charged.",
        cannot_change="That appointment can no longer be changed over the phone. Shall I take a message for our team?",
        message_taken="I have written your message down. Our team will get back to you.",
        transfer="I am putting you through to our team.",
        transfer_to="I am putting you through to {staff}.",
        closed="We are closed at the moment and open again {moment}. Shall I take a message?",
        closed_for_long="We are closed at the moment. Shall I take a message?",
        nobody_available="Nobody can take your call right now. Shall I take a message?",
        mail_subject="Message from {caller}",
        mail_text=(
            "{caller} left a message with the voice agent of {branch} {moment}:\n\n{text}\n\n"
            "Number to call back: {phone}\n"
        ),
        mail_unknown_caller="an unknown caller",
    ),
)  # fmt: skip
