"""German."""

from chalicelib.calls.language import Calendar, Language, Phrases, Vocabulary

_H = r"(?P<h>\d{1,2})"
LANGUAGE = Language(
    code="de",
    calendar=Calendar(
        weekdays=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
        months=(
            "Januar", "Februar", "März", "April", "Mai", "Juni",
            "Juli", "August", "September", "Oktober", "November", "Dezember",
        ),
        date="{weekday}, {day}. {month}",
        date_of_year="{weekday}, {day}. {month} {year}",
        near=("heute", "morgen"),
        near_date="{near}, {date},",
        hour="{hour}:{minute} Uhr",
        full_hour="{hour} Uhr",
        moment="{date} um {clock}",
        on_moment="am {date} um {clock}",
        either="{most} oder {last}",
        both="{most} und {last}",
    ),
    vocabulary=Vocabulary(
        days={"heute": 0, "morgen": 1, "ubermorgen": 2, "uebermorgen": 2},
        later=(r"in (?P<n>\d+) tage?n?",),
        weekdays={
            "montag": 0, "dienstag": 1, "mittwoch": 2, "donnerstag": 3, "freitag": 4, "samstag": 5, "sonnabend": 5,
            "sonntag": 6,
        },
        coming=("nachsten", "naechsten", "nachster", "kommenden", "kommender"),
        next_week=("nachste woche", "naechste woche", "kommende woche", "nachster woche"),
        months={
            "januar": 1, "janner": 1, "februar": 2, "marz": 3, "maerz": 3, "april": 4, "mai": 5, "juni": 6, "juli": 7,
            "august": 8, "september": 9, "oktober": 10, "november": 11, "dezember": 12,
        },
        numbers={
            "ein": 1, "eins": 1, "zwei": 2, "zwo": 2, "drei": 3, "vier": 4, "funf": 5, "fuenf": 5, "sechs": 6,
            "sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "elf": 11, "zwolf": 12, "zwoelf": 12, "dreizehn": 13,
            "vierzehn": 14, "funfzehn": 15, "fuenfzehn": 15, "sechzehn": 16, "siebzehn": 17, "achtzehn": 18,
            "neunzehn": 19, "zwanzig": 20, "funfundzwanzig": 25, "dreissig": 30, "vierzig": 40, "funfundvierzig": 45,
            "funfzig": 50, "ersten": 1, "zweiten": 2, "dritten": 3, "vierten": 4, "funften": 5, "sechsten": 6,
            "siebten": 7, "achten": 8, "neunten": 9, "zehnten": 10, "elften": 11, "zwolften": 12,
        },
        before_noon=("fruh", "frueh", "morgens", "vormittag", "vormittags", "am morgen", "in der fruh"),
        after_noon=("nachmittag", "nachmittags", "abend", "abends", "am abend"),
        noon=("mittag", "mittags"),
        clocks=(
            (rf"halb {_H}(?: uhr)?", -30),
            (rf"viertel nach {_H}(?: uhr)?", 15),
            (rf"viertel vor {_H}(?: uhr)?", -15),
            (rf"dreiviertel {_H}(?: uhr)?", -15),
            (rf"(?P<plus>\d{{1,2}})(?: minuten)? nach {_H}(?: uhr)?", 0),
            (rf"(?P<minus>\d{{1,2}})(?: minuten)? vor {_H}(?: uhr)?", 0),
            (rf"{_H} uhr (?P<plus>\d{{1,2}})", 0),
            (rf"{_H} uhr", 0),
        ),
        filler=("um", "am", "den", "der", "dem", "des", "im", "bitte", "uhr", "gegen", "punkt"),
    ),
    phrases=Phrases(
        our_team="unserem Team",
        free="Für {service} habe ich {days}.",
        free_day="{date} um {times}",
        nothing_free="Für {service} sehe ich dann keinen freien Termin. Würde Ihnen ein anderer Tag passen?",
        booked="Ich habe Sie für {service} bei {staff} {moment} eingetragen.",
        who_for="Für wen ist der Termin: für {names} oder für jemand anderen?",
        who_for_alone="Für wen ist der Termin?",
        taken="Diese Zeit ist nicht frei. Ich könnte Ihnen anbieten: {moments}.",
        taken_alone=(
            "Diese Zeit ist nicht frei, und in der Nähe sehe ich nichts Freies. Würde Ihnen ein anderer Tag passen?"
        ),
        pending=(
            "Ich habe Ihnen diese Zeit vorgemerkt und warte noch auf die Bestätigung des Kalenders; Sie hören gleich "
            "von uns."
        ),
        trouble=(
            "Ich erreiche unseren Kalender gerade nicht, deshalb ist nichts geändert. Sollen wir Sie zurückrufen?"
        ),
        unknown_number="Es tut mir leid, für diese Nummer kann ich das nicht tun.",
        appointment="{service} bei {staff} {moment}",
        appointments={
            "one": "Sie haben einen Termin: {appointments}.",
            "other": "Sie haben {count} Termine: {appointments}.",
        },
        no_appointments="Unter der Nummer, von der Sie anrufen, finde ich keinen kommenden Termin.",
        which_one="Welchen Termin meinen Sie: {appointments}?",
        name_it="Bitte nennen Sie mir den vollen Namen und das Datum des Termins.",
        not_found=(
            "Zu diesem Namen und Datum finde ich keinen Termin. Soll ich unserem Team eine Nachricht hinterlassen?"
        ),
        too_many_attempts=(
            "In diesem Gespräch kann ich nicht weiter danach suchen. Soll ich unserem Team eine Nachricht hinterlassen?"
        ),
        moved="Ihr Termin ist verlegt: {appointment}.",
        move_pending="Ich habe um die neue Zeit gebeten und warte noch auf den Kalender; Sie hören gleich von uns.",
        changed_since="Dieser Termin wurde seitdem geändert: {appointment}. Soll ich ihn trotzdem ändern?",
        cancelled="Ihr Termin ist abgesagt: {appointment}.",
        cancel_pending="Ich habe Ihre Absage weitergegeben und warte noch auf den Kalender; Sie hören gleich von uns.",
        cancel_fee="Weil die Absage so spät kommt, fällt eine Gebühr von {fee} an.",
        cannot_change=(
            "Diesen Termin kann ich am Telefon nicht mehr ändern. Soll ich unserem Team eine Nachricht hinterlassen?"
        ),
        message_taken="Ich habe Ihre Nachricht aufgeschrieben. Unser Team meldet sich bei Ihnen.",
        transfer="Ich verbinde Sie mit unserem Team.",
        transfer_to="Ich verbinde Sie mit {staff}.",
        closed="Wir haben gerade geschlossen und öffnen wieder {moment}. Möchten Sie eine Nachricht hinterlassen?",
        closed_for_long="Wir haben gerade geschlossen. Möchten Sie eine Nachricht hinterlassen?",
        nobody_available="Im Moment kann niemand ans Telefon kommen. Möchten Sie eine Nachricht hinterlassen?",
        mail_subject="Nachricht von {caller}",
        mail_text=(
            "{caller} hat {moment} beim Telefonassistenten von {branch} eine Nachricht hinterlassen:\n\n{text}\n\n"
            "Nummer für den Rückruf: {phone}\n"
        ),
        mail_unknown_caller="einem unbekannten Anrufer",
    ),
)  # fmt: skip
