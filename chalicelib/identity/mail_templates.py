"""What the mails of identity say, in the company's language."""

from dataclasses import dataclass
from typing import Literal

Purpose = Literal["invitation", "password_reset"]
Matter = Literal["reconnect_accounting"]


@dataclass(frozen=True)
class MailTemplate:
    """A mail in plain text."""

    subject: str
    text: str


_SPOKEN = "en"
_LINKS: dict[str, dict[Purpose, tuple[str, str]]] = {
    "en": {
        "invitation": (
            "{company} invites you to PilotPractice",
            "Hello {name},\n\n{company} has invited you to PilotPractice. Choose a password here within seven days:\n\n"
            "{link}\n\nIf you do not know {company}, ignore this mail.\n",
        ),
        "password_reset": (
            "Your new password for PilotPractice",
            "Hello {name},\n\nset a new password here within one hour:\n\n{link}\n\n"
            "If you did not ask for it, ignore this mail: your password stays as it is.\n",
        ),
    },
    "de": {
        "invitation": (
            "{company} lädt Sie zu PilotPractice ein",
            "Guten Tag {name},\n\n{company} hat Sie zu PilotPractice eingeladen. Wählen Sie hier innerhalb von sieben "
            "Tagen ein Passwort:\n\n{link}\n\nWenn Ihnen {company} nichts sagt, lassen Sie diese Mail unbeachtet.\n",
        ),
        "password_reset": (
            "Ihr neues Passwort für PilotPractice",
            "Guten Tag {name},\n\nsetzen Sie hier innerhalb einer Stunde ein neues Passwort:\n\n{link}\n\n"
            "Wenn Sie nicht darum gebeten haben, bleibt alles, wie es ist.\n",
        ),
    },
    "it": {
        "invitation": (
            "{company} ti invita su PilotPractice",
            "Ciao {name},\n\n{company} ti ha invitato su PilotPractice. Scegli una password entro sette giorni:\n\n"
            "{link}\n\nSe non conosci {company}, ignora questa mail.\n",
        ),
        "password_reset": (
            "La tua nuova password per PilotPractice",
            "Ciao {name},\n\nimposta una nuova password entro un'ora:\n\n{link}\n\n"
            "Se non l'hai chiesta tu, ignora questa mail: la password resta com'è.\n",
        ),
    },
}
_PATHS: dict[Purpose, str] = {"invitation": "accept-invite", "password_reset": "reset-password"}

_NOTICES: dict[str, dict[Matter, tuple[str, str]]] = {
    "en": {
        "reconnect_accounting": (
            "Please connect Fatture in Cloud again",
            "Hello {name},\n\nFatture in Cloud no longer lets PilotPractice read the books of {accounts}. Nothing is "
            "lost, but nothing new arrives until an admin of {company} connects the account again.\n",
        ),
    },
    "de": {
        "reconnect_accounting": (
            "Bitte verbinden Sie Fatture in Cloud neu",
            "Guten Tag {name},\n\nFatture in Cloud lässt PilotPractice die Bücher von {accounts} nicht mehr lesen. "
            "Verloren ist nichts, doch Neues kommt erst wieder an, wenn ein Admin von {company} das Konto neu "
            "verbindet.\n",
        ),
    },
    "it": {
        "reconnect_accounting": (
            "Ricollega Fatture in Cloud",
            "Ciao {name},\n\nFatture in Cloud non permette più a PilotPractice di leggere i dati di {accounts}. Non "
            "si è perso nulla, ma non arriva nulla di nuovo finché un amministratore di {company} non ricollega "
            "l'account.\n",
        ),
    },
}


def notice(matter: Matter, language: str, **values: str) -> MailTemplate:
    """The mail that tells of a matter; in English where the language is not spoken here."""
    subject, text = _NOTICES.get(language, _NOTICES[_SPOKEN])[matter]
    return MailTemplate(subject.format(**values), text.format(**values))


def link(purpose: Purpose, language: str, **values: str) -> MailTemplate:
    """The mail that carries a link, as `link_url` makes it; in English where the language is not spoken here."""
    subject, text = _LINKS.get(language, _LINKS[_SPOKEN])[purpose]
    return MailTemplate(subject.format(**values), text.format(**values))


def link_url(purpose: Purpose, secret: str, public_url: str) -> str:
    """Where the mailed link leads."""
    # Behind a #, browsers keep the secret to themselves: it reaches no server's log and no referrer.
    return f"{public_url.rstrip('/')}/{_PATHS[purpose]}#token={secret}"
