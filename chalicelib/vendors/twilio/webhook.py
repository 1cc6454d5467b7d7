"""Twilio's webhooks: signature, parameters, what makes a delivery the same one again.

From twilio 9.13.0 (`request_validator.py`), whose validator is used here, and docs/usage/webhooks. Imports no HTTP
client: the webhooks' Lambdas start cold with this module.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

import msgspec
from twilio.request_validator import RequestValidator, get_signature_algorithm

from chalicelib.core.errors import Fault, Invalid, Unauthenticated
from chalicelib.vendors.payload import read, read_object

SIGNATURE = "x-twilio-signature"
SETTINGS = "x-twilio-webhooks-signature-settings"
TOKEN = "i-twilio-idempotency-token"  # noqa: S105 - a header's name
BODY_HASH = "bodySHA256"
MOST_PARAMETERS = 200

Sid = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Short = Annotated[str, msgspec.Meta(max_length=300)]


class VoiceEvent(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What Twilio says about a call: as it begins, after a verb of our TwiML, or as its status or recording changes.

    Everything is text, as forms are. `dial_call_status` after a Dial, `digits` after a Gather, the recording's fields
    after a Record (`recording_duration` in seconds).
    """

    call_sid: Sid
    from_number: Short | None = msgspec.field(name="From", default=None)
    to_number: Short | None = msgspec.field(name="To", default=None)
    call_status: Short | None = None
    direction: Short | None = None
    dial_call_status: Short | None = None
    dial_call_sid: Short | None = None
    call_duration: Short | None = None
    sequence_number: Short | None = None
    digits: Short | None = None
    recording_sid: Short | None = None
    recording_url: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    recording_duration: Short | None = None
    recording_status: Short | None = None

    @property
    def seconds(self) -> int | None:
        """How long the call took."""
        return _number(self.call_duration)

    @property
    def sequence(self) -> int | None:
        """Its place among the call's status callbacks, counted from 0."""
        return _number(self.sequence_number)

    @property
    def recorded_seconds(self) -> int | None:
        """How long the recording is."""
        return _number(self.recording_duration)


def sign(url: str, form: Sequence[tuple[str, str]], key: str, algorithm: str | None = None) -> str:
    """The `X-Twilio-Signature` header that Twilio would send with this form."""
    return str(RequestValidator(key).compute_signature(url, _Form(form), algorithm))


class Received(msgspec.Struct, frozen=True):
    """A request as it came; `headers` have lower-case names."""

    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    raw: bytes


def verify(base_url: str, request: Received, keys: Sequence[str]) -> None:
    """Checks the signature over the public URL and the parameters; raises Unauthenticated with code `bad_signature`.

    `base_url` comes from the settings, never from the Host header. `keys` are all that are valid now: the account's
    auth token, the one that replaces it, a shared key (SHA-256, by the header
    `X-Twilio-Webhooks-Signature-Settings`). JSON is signed by its hash in the query. There is no timestamp, so an old
    delivery can be replayed: what is done with it must be harmless twice.
    """
    signature, algorithm = request.headers.get(SIGNATURE), get_signature_algorithm(request.headers.get(SETTINGS))
    if not signature:
        raise Unauthenticated("bad_signature", "The X-Twilio-Signature header is missing.")
    signed = _signed_content(request)
    found = False
    for url in _urls(base_url, request.path, request.query):
        for key in keys:  # every key, also after a match, so that the time taken does not tell which one it was
            if key and RequestValidator(key).validate(url, signed, signature, algorithm):
                found = True
    if not found:
        raise Unauthenticated("bad_signature", "The X-Twilio-Signature header does not match the request.")


def parse_voice(raw: bytes) -> VoiceEvent:
    """The parameters in `raw`, a form or JSON; raises Invalid with faults such as `body.CallSid`."""
    given = read_object(raw) if raw.lstrip()[:1] == b"{" else dict(_pairs(raw))
    event: VoiceEvent = read(given, VoiceEvent, "body")
    return event


def delivery_id(kind: str, event: VoiceEvent, headers: Mapping[str, str], raw: bytes) -> str:
    """The same for every delivery of one fact, so that an inbox takes it once.

    Twilio's own token where it is sent; else the call and its sequence number; else the call and the same parameters.
    """
    token = headers.get(TOKEN, "")
    if token and token.isprintable() and "#" not in token and len(token) <= 100:
        return f"{kind}:{token}"
    if event.sequence is not None:
        return f"{kind}:{event.call_sid}:{event.sequence}"
    return f"{kind}:{event.call_sid}:{sha256(raw).hexdigest()}"


class _Form(dict[str, list[str]]):
    """Parameters of which several may have one name, as the validator asks for them."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        for name, value in pairs:
            self.setdefault(name, []).append(value)

    def getall(self, name: str) -> list[str]:
        return self[name]


def _signed_content(request: Received) -> Any:
    if BODY_HASH in request.query:
        return request.raw.decode("utf-8", "replace")
    if _is_json(request.headers):
        raise Unauthenticated("bad_signature", "A JSON body is signed by bodySHA256 in the query, which is missing.")
    return _Form(_pairs(request.raw))


def _is_json(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        message = f"Expected a form in UTF-8 with at most {MOST_PARAMETERS} fields."
        raise Invalid("invalid_request", message, faults=(Fault("body", "not_a_form", message),)) from None


def _urls(base_url: str, path: str, query: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """API Gateway decodes the query, so both usual ways of writing it are tried."""
    url = base_url.rstrip("/") + path
    pairs = [(name, value) for name, values in query.items() for value in values]
    if not pairs:
        yield url
        return
    try:
        yield from dict.fromkeys(f"{url}?{urlencode(pairs, quote_via=way)}" for way in (quote, quote_plus))
    except UnicodeEncodeError:  # what is no text was signed by nobody
        return


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None
