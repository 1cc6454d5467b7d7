"""Italian."""

from chalicelib.calls.language import Calendar, Language, Phrases, Vocabulary

_H = r"(?P<h>\d{1,2})"
LANGUAGE = Language(
    code="it",
    calendar=Calendar(
        weekdays=("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"),
        months=(
            "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno",
            "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre",
        ),
        first_day="1º",
        date="{weekday} {day} {month}",
        date_of_year="{weekday} {day} {month} {year}",
        near=("oggi", "domani"),
        near_date="{near}, {date},",
        hour="{hour}:{minute}",
        full_hour="{hour}",
        moment="{date} alle ore {clock}",
        on_moment="{date} alle ore {clock}",
        either="{most} o {last}",
        both="{most} e {last}",
    ),
    vocabulary=Vocabulary(
        days={"oggi": 0, "stasera": 0, "stamattina": 0, "domani": 1, "dopodomani": 2},
        later=(r"(?:fra|tra) (?P<n>\d+) giorn[io]",),
        weekdays={
            "lunedi": 0, "martedi": 1, "mercoledi": 2, "giovedi": 3, "venerdi": 4, "sabato": 5, "domenica": 6,
        },
        coming=("prossimo", "prossima"),
        next_week=("settimana prossima", "prossima settimana", "della settimana prossima", "della prossima settimana"),
        months={
            "gennaio": 1, "febbraio": 2, "marzo": 3, "aprile": 4, "maggio": 5, "giugno": 6, "luglio": 7, "agosto": 8,
            "settembre": 9, "ottobre": 10, "novembre": 11, "dicembre": 12,
        },
        numbers={
            "una": 1, "due": 2, "tre": 3, "quattro": 4, "cinque": 5, "sei": 6, "sette": 7, "otto": 8, "nove": 9,
            "dieci": 10, "undici": 11, "dodici": 12, "tredici": 13, "quattordici": 14, "quindici": 15, "sedici": 16,
            "diciassette": 17, "diciotto": 18, "diciannove": 19, "venti": 20, "venticinque": 25, "trenta": 30,
            "quaranta": 40, "quarantacinque": 45, "cinquanta": 50, "primo": 1, "1o": 1,
        },
        before_noon=("mattina", "mattino", "di mattina", "del mattino", "stamattina", "della mattina"),
        after_noon=("pomeriggio", "del pomeriggio", "di sera", "sera", "della sera", "stasera"),
        noon=("mezzogiorno",),
        clocks=(
            (rf"{_H} e (?:mezza|mezzo)", 30),
            (rf"{_H} e un quarto", 15),
            (rf"{_H} meno un quarto", -15),
            (rf"{_H} e tre quarti", 45),
            (rf"{_H} e 3 quarti", 45),
            (rf"{_H} meno (?P<minus>\d{{1,2}})", 0),
            (rf"{_H} e (?P<plus>\d{{1,2}})", 0),
            (rf"(?:alle ore|alle|le|ore|all|l) {_H}", 0),
        ),
        filler=("alle", "ore", "le", "il", "di", "del", "l", "all", "a", "per", "favore"),
    ),
    phrases=Phrases(
        our_team="il nostro team",
        free="Per {service} ho libero {days}.",
        free_day="{date} alle ore {times}",
        nothing_free="Per {service} non vedo orari liberi in quel periodo. Le andrebbe bene un altro giorno?",
        booked="La sua prenotazione per {service} con {staff} è confermata: {moment}.",
        who_for="Per chi è l'appuntamento: per {names} o per qualcun altro?",
        who_for_alone="Per chi è l'appuntamento?",
        taken="Quell'orario non è libero. Potrei proporle {moments}.",
        taken_alone="Quell'orario non è libero e non ne vedo altri vicini. Le andrebbe bene un altro giorno?",
        pending="Le ho riservato quell'orario e attendo la conferma del calendario; le faremo sapere a breve.",
        trouble=(
            "In questo momento non riesco a raggiungere il nostro calendario, quindi non è cambiato nulla. "
            "Vuole che la richiamiamo?"
        ),
        unknown_number="Mi dispiace, non posso farlo per questo numero.",
        appointment="{service} con {staff}, {moment}",
        appointments={
            "one": "Ha un appuntamento: {appointments}.",
            "other": "Ha {count} appuntamenti: {appointments}.",
        },
        no_appointments="Con il numero da cui chiama non trovo appuntamenti futuri.",
        which_one="Quale appuntamento intende: {appointments}?",
        name_it="Mi dica per favore il nome completo e la data dell'appuntamento.",
        not_found="Non trovo appuntamenti con quel nome e quella data. Vuole lasciare un messaggio al nostro team?",
        too_many_attempts=(
            "In questa chiamata non posso cercarlo oltre. Vuole lasciare un messaggio al nostro team?"
        ),
        moved="Il suo appuntamento è stato spostato: {appointment}.",
        move_pending="Ho chiesto il nuovo orario e attendo la conferma del calendario; le faremo sapere a breve.",
        changed_since=(
            "Nel frattempo quell'appuntamento è stato modificato. Ora è: {appointment}. Vuole che lo cambi comunque?"
        ),
        cancelled="Il suo appuntamento è annullato: {appointment}.",
        cancel_pending="Ho inoltrato la disdetta e attendo la conferma del calendario; le faremo sapere a breve.",
        cancel_fee="Poiché la disdetta arriva così tardi, è dovuto un importo di {fee}.",
        cannot_change=(
            "Quell'appuntamento non si può più modificare per telefono. Vuole lasciare un messaggio al nostro team?"
        ),
        message_taken="Ho annotato il suo messaggio. Il nostro team la ricontatterà.",
        transfer="La metto in contatto con il nostro team.",
        transfer_to="La metto in contatto con {staff}.",
        closed="Al momento siamo chiusi e riapriamo {moment}. Vuole lasciare un messaggio?",
        closed_for_long="Al momento siamo chiusi. Vuole lasciare un messaggio?",
        nobody_available="Al momento nessuno può rispondere. Vuole lasciare un messaggio?",
        mail_subject="Messaggio da {caller}",
        mail_text=(
            "{caller} ha lasciato un messaggio all'assistente vocale di {branch}, {moment}:\n\n{text}\n\n"
            "Numero da richiamare: {phone}\n"
        ),
        mail_unknown_caller="un chiamante sconosciuto",
    ),
)  # fmt: skip
