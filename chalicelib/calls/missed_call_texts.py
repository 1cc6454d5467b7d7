"""What callers hear and read when nobody answers, and what staff are told: in the branch's language."""

from typing import Literal

Phrase = Literal["leave_message", "goodbye", "press_key", "text_back", "alert_subject", "alert", "alert_voicemail"]
_SPOKEN = "en"
_WORDS: dict[str, dict[Phrase, str]] = {
    "en": {
        "leave_message": "You have reached {branch}. Nobody can take your call right now. Please leave a message.",
        "goodbye": "Nobody can take your call right now. Goodbye.",
        "press_key": "This is {branch}. Press any key to be connected with your customer.",
        "text_back": "{branch}: we are sorry we missed your call. Please call us again on {phone}.",
        "alert_subject": "Missed call at {branch}",
        "alert": "{caller} called {branch} on {when}, and nobody answered.\n",
        "alert_voicemail": "The caller left a message of {seconds} seconds: {url}\n",
    },
    "de": {
        "leave_message": "Sie haben {branch} erreicht. Gerade ist niemand frei. Bitte hinterlassen Sie eine Nachricht.",
        "goodbye": "Im Moment ist leider niemand frei. Auf Wiederhören.",
        "press_key": "Hier ist {branch}. Drücken Sie eine Taste, um mit Ihrem Kunden verbunden zu werden.",
        "text_back": "{branch}: Leider haben wir Ihren Anruf verpasst. Bitte rufen Sie uns wieder an: {phone}.",
        "alert_subject": "Verpasster Anruf: {branch}",
        "alert": "{caller} hat {branch} am {when} angerufen, und niemand hat abgehoben.\n",
        "alert_voicemail": "Auf der Mailbox ist eine Nachricht von {seconds} Sekunden: {url}\n",
    },
    "it": {
        "leave_message": "Risponde {branch}. In questo momento non possiamo rispondere. Lasciate un messaggio.",
        "goodbye": "In questo momento non possiamo rispondere. Arrivederci.",
        "press_key": "Qui {branch}. Premete un tasto per parlare con il vostro cliente.",
        "text_back": "{branch}: ci scusiamo per la chiamata persa. Richiamateci al numero {phone}.",
        "alert_subject": "Chiamata persa: {branch}",
        "alert": "{caller} ha chiamato {branch} il {when} e nessuno ha risposto.\n",
        "alert_voicemail": "In segreteria c'è un messaggio di {seconds} secondi: {url}\n",
    },
    "vi": {
        "leave_message": "Đây là {branch}. Hiện không có ai nghe máy. Xin vui lòng để lại lời nhắn.",
        "goodbye": "Hiện không có ai nghe máy. Xin chào.",
        "press_key": "Đây là {branch}. Nhấn phím bất kỳ để nối máy với khách hàng.",
        "text_back": "{branch}: xin lỗi vì đã lỡ cuộc gọi của quý khách. Vui lòng gọi lại số {phone}.",
        "alert_subject": "Cuộc gọi nhỡ: {branch}",
        "alert": "{caller} đã gọi {branch} lúc {when} và không có ai nghe máy.\n",
        "alert_voicemail": "Người gọi để lại lời nhắn dài {seconds} giây: {url}\n",
    },
}
WITHHELD = {
    "en": "A withheld number",
    "de": "Eine unterdrückte Nummer",
    "it": "Un numero nascosto",
    "vi": "Một số ẩn danh",
}


def say(phrase: Phrase, language: str, **values: object) -> str:
    """The phrase in that language; in English where it is not spoken here."""
    return _WORDS.get(language, _WORDS[_SPOKEN])[phrase].format(**values)


def name_of_caller(number: str | None, language: str) -> str:
    """The number, or that there is none."""
    return number or WITHHELD.get(language, WITHHELD[_SPOKEN])
