"""What the pages of shares and requests say, in four languages."""

from datetime import datetime

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "shared_by": "{company} shares a file with you.",
        "password": "Password",
        "wrong_password": "That password is wrong. After ten wrong ones the link is closed.",
        "download": "Download",
        "until": "This link works until {until} (UTC).",
        "asked_by": "{company} asks you for files.",
        "uploaded": "Already here",
        "choose": "Choose a file",
        "at_most": "at most {size}",
        "send": "Send",
        "add": "Add a file",
        "finish": "That is all",
        "over": "Thank you. Nothing more can be uploaded here.",
        "nothing": "This link leads nowhere, or no longer. Ask whoever sent it for another.",
        "not_now": "That is not possible now.",
        "waiting": "not sent yet",
        "checking": "being looked at",
        "processing": "being looked at",
        "ready": "received",
        "refused": "could not be taken: {reason}",
    },
    "de": {
        "shared_by": "{company} teilt eine Datei mit Ihnen.",
        "password": "Passwort",
        "wrong_password": "Das Passwort ist falsch. Nach zehn falschen wird der Link geschlossen.",
        "download": "Herunterladen",
        "until": "Dieser Link gilt bis {until} (UTC).",
        "asked_by": "{company} bittet Sie um Dateien.",
        "uploaded": "Schon hier",
        "choose": "Datei auswählen",
        "at_most": "höchstens {size}",
        "send": "Senden",
        "add": "Datei hinzufügen",
        "finish": "Das ist alles",
        "over": "Danke. Hier kann nichts mehr hochgeladen werden.",
        "nothing": "Dieser Link führt nirgendwohin, oder nicht mehr. Bitten Sie den Absender um einen neuen.",
        "not_now": "Das geht gerade nicht.",
        "waiting": "noch nicht gesendet",
        "checking": "wird geprüft",
        "processing": "wird geprüft",
        "ready": "angekommen",
        "refused": "konnte nicht angenommen werden: {reason}",
    },
    "it": {
        "shared_by": "{company} condivide un file con Lei.",
        "password": "Password",
        "wrong_password": "La password è sbagliata. Dopo dieci errori il link viene chiuso.",
        "download": "Scarica",
        "until": "Questo link vale fino al {until} (UTC).",
        "asked_by": "{company} Le chiede dei file.",
        "uploaded": "Già ricevuti",
        "choose": "Scelga un file",
        "at_most": "al massimo {size}",
        "send": "Invia",
        "add": "Aggiungi un file",
        "finish": "È tutto",
        "over": "Grazie. Qui non si può più caricare nulla.",
        "nothing": "Questo link non porta a nulla, o non più. Ne chieda un altro a chi l'ha inviato.",
        "not_now": "Adesso non è possibile.",
        "waiting": "non ancora inviato",
        "checking": "in verifica",
        "processing": "in verifica",
        "ready": "ricevuto",
        "refused": "non accettato: {reason}",
    },
    "vi": {
        "shared_by": "{company} chia sẻ một tệp với bạn.",
        "password": "Mật khẩu",
        "wrong_password": "Mật khẩu không đúng. Sau mười lần sai, liên kết sẽ bị đóng.",
        "download": "Tải xuống",
        "until": "Liên kết này có hiệu lực đến {until} (UTC).",
        "asked_by": "{company} đề nghị bạn gửi tệp.",
        "uploaded": "Đã nhận",
        "choose": "Chọn một tệp",
        "at_most": "tối đa {size}",
        "send": "Gửi",
        "add": "Thêm tệp",
        "finish": "Đã xong",
        "over": "Cảm ơn bạn. Không thể tải thêm tệp lên đây.",
        "nothing": "Liên kết này không còn dẫn đến đâu. Hãy xin người gửi một liên kết khác.",
        "not_now": "Hiện không thể thực hiện.",
        "waiting": "chưa gửi",
        "checking": "đang kiểm tra",
        "processing": "đang kiểm tra",
        "ready": "đã nhận",
        "refused": "không được chấp nhận: {reason}",
    },
}


def words_of(lang: str, **values: str) -> dict[str, str]:
    """All of a language's, with what is known by now put in."""
    return {name: text.format_map(_Known(values)) for name, text in WORDS[lang].items()}


def size_text(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 1024 / 1024:.1f} MB" if size >= 1024 * 1024 else f"{max(1, size // 1024)} kB"


def time_text(instant: datetime) -> str:
    """A time to the minute; the language does not matter."""
    return instant.strftime("%Y-%m-%d %H:%M")


class _Known(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"
