"""What customers are mailed about their appointments, in the branch's language."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.jobs import News
from chalicelib.core.money import written


class Notice(msgspec.Struct, frozen=True):
    """A mail in plain text."""

    subject: str
    text: str


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """A language. `moment` takes {weekday} and {at}, a local time; `more`: how many are in the file
    besides; `review` takes {branch} and {url}.
    """

    weekdays: tuple[str, str, str, str, str, str, str]
    moment: str
    more: str
    mark: str
    subjects: dict[News, str]
    news: dict[News, str]
    hello: str
    hello_you: str
    fee: str
    deposit: str
    call_us: str
    review_subject: str
    review: str


class NoticeText(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail is about. `starts_at` in UTC, told on the clock of `zone`; `name`: the customer's, may be empty.

    `then`: the other times of a series.
    """

    name: str
    branch: str
    service: str
    starts_at: datetime
    zone: ZoneInfo
    address: str = ""
    phone: str | None = None
    fee_minor: int = 0
    deposit_minor: int = 0
    currency: str | None = None
    then: tuple[datetime, ...] = ()


MOST_TIMES = 12
"""So many times of a series are written out."""


def notice(news: News, language: str, about: NoticeText) -> Notice:
    """What happened, what it is about, and whom to ask; in English where the language is not written here."""
    wording = wording_of(language)
    lines = [_hello(wording, about.name), "", wording.news[news], "", about.service, *_times(wording, about)]
    lines += [" · ".join(part for part in (about.branch, about.address) if part), ""]
    if about.fee_minor:
        lines += [wording.fee.format(fee=written(about.fee_minor, str(about.currency), wording.mark)), ""]
    if about.deposit_minor:
        lines += [wording.deposit.format(deposit=written(about.deposit_minor, str(about.currency), wording.mark)), ""]
    if about.phone:
        lines += [wording.call_us.format(phone=about.phone), ""]
    return Notice(wording.subjects[news].format(branch=about.branch), "\n".join(lines))


def _times(wording: Wording, about: NoticeText) -> list[str]:
    shown = []
    for moment in (about.starts_at, *about.then)[:MOST_TIMES]:
        local = moment.astimezone(about.zone)
        shown.append(wording.moment.format(weekday=wording.weekdays[local.weekday()], at=local))
    shown[0] = f"{shown[0]} ({about.zone.key})"
    more = 1 + len(about.then) - len(shown)
    return [*shown, wording.more.format(more=more)] if more else shown


def review_notice(language: str, name: str, branch: str, url: str) -> Notice:
    """Asks for a review, with the link."""
    wording = wording_of(language)
    text = f"{_hello(wording, name)}\n\n{wording.review.format(branch=branch, url=url)}\n"
    return Notice(wording.review_subject.format(branch=branch), text)


def wording_of(language: str) -> Wording:
    """The language of a code such as `de` or `de-CH`."""
    return WORDINGS.get(language.partition("-")[0].lower(), WORDINGS["en"])


def _hello(wording: Wording, name: str) -> str:
    return wording.hello_you.format(name=name) if name else wording.hello


WORDINGS = {
    "en": Wording(
        weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        moment="{weekday}, {at:%Y-%m-%d} at {at:%H:%M}",
        more="and {more} more: all of them are in the attached calendar file.",
        mark=".",
        subjects={
            "booked": "Your appointment at {branch}",
            "requested": "Your request at {branch}",
            "confirmed": "Your appointment at {branch} is confirmed",
            "moved": "Your appointment at {branch} has been moved",
            "cancelled": "Your appointment at {branch} is cancelled",
            "declined": "Your request at {branch}",
        },
        news={
            "booked": "Your appointment is booked:",
            "requested": "We have received your request and will answer it soon:",
            "confirmed": "Your appointment is confirmed:",
            "moved": "Your appointment has been moved. It is now:",
            "cancelled": "This appointment is cancelled:",
            "declined": "We are sorry that we cannot offer you this appointment:",
        },
        hello="Hello,",
        hello_you="Hello {name},",
        deposit="Please pay the deposit of {deposit}; we confirm the appointment then.",
        fee="As it was cancelled this late, a fee of {fee} is charged.",
        call_us="Questions? Call us: {phone}.",
        review_subject="How was your visit to {branch}?",
        review="Thank you for your visit to {branch}. How was it? You can leave a review here:\n\n{url}",
    ),
    "de": Wording(
        weekdays=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
        moment="{weekday}, {at:%d.%m.%Y}, {at:%H:%M} Uhr",
        more="und {more} weitere: Alle stehen in der Kalenderdatei im Anhang.",
        mark=",",
        subjects={
            "booked": "Ihr Termin bei {branch}",
            "requested": "Ihre Anfrage bei {branch}",
            "confirmed": "Ihr Termin bei {branch} ist bestätigt",
            "moved": "Ihr Termin bei {branch} wurde verlegt",
            "cancelled": "Ihr Termin bei {branch} ist abgesagt",
            "declined": "Ihre Anfrage bei {branch}",
        },
        news={
            "booked": "Ihr Termin ist gebucht:",
            "requested": "Wir haben Ihre Anfrage erhalten und antworten bald:",
            "confirmed": "Ihr Termin ist bestätigt:",
            "moved": "Ihr Termin wurde verlegt. Er ist jetzt:",
            "cancelled": "Dieser Termin ist abgesagt:",
            "declined": "Leider können wir Ihnen diesen Termin nicht anbieten:",
        },
        hello="Guten Tag,",
        hello_you="Guten Tag {name},",
        deposit="Bitte zahlen Sie {deposit} an; danach bestätigen wir den Termin.",
        fee="Weil die Absage so spät kam, fällt eine Gebühr von {fee} an.",
        call_us="Fragen? Rufen Sie uns an: {phone}.",
        review_subject="Wie war Ihr Besuch bei {branch}?",
        review="vielen Dank für Ihren Besuch bei {branch}. Wie war er? Hier können Sie ihn bewerten:\n\n{url}",
    ),
    "it": Wording(
        weekdays=("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"),
        moment="{weekday} {at:%d/%m/%Y}, ore {at:%H:%M}",
        more="e altri {more}: li trova tutti nel file di calendario allegato.",
        mark=",",
        subjects={
            "booked": "Il suo appuntamento da {branch}",
            "requested": "La sua richiesta da {branch}",
            "confirmed": "Il suo appuntamento da {branch} è confermato",
            "moved": "Il suo appuntamento da {branch} è stato spostato",
            "cancelled": "Il suo appuntamento da {branch} è annullato",
            "declined": "La sua richiesta da {branch}",
        },
        news={
            "booked": "Il suo appuntamento è prenotato:",
            "requested": "Abbiamo ricevuto la sua richiesta e risponderemo presto:",
            "confirmed": "Il suo appuntamento è confermato:",
            "moved": "Il suo appuntamento è stato spostato. Ora è:",
            "cancelled": "Questo appuntamento è annullato:",
            "declined": "Ci dispiace, non possiamo offrirle questo appuntamento:",
        },
        hello="Buongiorno,",
        hello_you="Buongiorno {name},",
        deposit="La preghiamo di versare l'acconto di {deposit}; poi confermeremo l'appuntamento.",
        fee="Poiché la disdetta è arrivata così tardi, è dovuto un importo di {fee}.",
        call_us="Domande? Ci chiami: {phone}.",
        review_subject="Com'è andata la sua visita da {branch}?",
        review="grazie per la sua visita da {branch}. Com'è andata? Qui può lasciare una recensione:\n\n{url}",
    ),
    "vi": Wording(
        weekdays=("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ Nhật"),
        moment="{weekday}, {at:%d/%m/%Y}, {at:%H:%M}",
        more="và {more} lịch hẹn khác: tất cả đều có trong tệp lịch đính kèm.",
        mark=",",
        subjects={
            "booked": "Lịch hẹn của quý khách tại {branch}",
            "requested": "Yêu cầu của quý khách tại {branch}",
            "confirmed": "Lịch hẹn của quý khách tại {branch} đã được xác nhận",
            "moved": "Lịch hẹn của quý khách tại {branch} đã được dời",
            "cancelled": "Lịch hẹn của quý khách tại {branch} đã được hủy",
            "declined": "Yêu cầu của quý khách tại {branch}",
        },
        news={
            "booked": "Lịch hẹn của quý khách đã được đặt:",
            "requested": "Chúng tôi đã nhận được yêu cầu của quý khách và sẽ sớm trả lời:",
            "confirmed": "Lịch hẹn của quý khách đã được xác nhận:",
            "moved": "Lịch hẹn của quý khách đã được dời. Thời gian mới là:",
            "cancelled": "Lịch hẹn này đã được hủy:",
            "declined": "Rất tiếc, chúng tôi không thể nhận lịch hẹn này:",
        },
        hello="Xin chào,",
        hello_you="Xin chào {name},",
        deposit="Xin quý khách đặt cọc {deposit}; sau đó chúng tôi sẽ xác nhận lịch hẹn.",
        fee="Vì lịch hẹn được hủy quá muộn, quý khách phải trả phí {fee}.",
        call_us="Quý khách có câu hỏi? Xin gọi: {phone}.",
        review_subject="Quý khách thấy {branch} thế nào?",
        review="cảm ơn quý khách đã đến {branch}. Xin mời quý khách để lại đánh giá tại đây:\n\n{url}",
    ),
}
