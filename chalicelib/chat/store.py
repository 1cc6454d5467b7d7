"""Messages, presence and ratings of chats in DynamoDB."""

from datetime import datetime
from typing import Any

from chalicelib.chat.message import Message
from chalicelib.chat.presence import Presence, Presences
from chalicelib.chat.rating import Rating
from chalicelib.chat.tables import ChatRow
from chalicelib.core.clock import stamp
from chalicelib.core.errors import Conflict
from chalicelib.core.pages import Listing, Page, Selection, page
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit
from chalicelib.text_sessions.session import SIDES, Side

LISTED = Listing(ChatRow, None, "pk", "sk")


class SentBefore(Conflict):
    """A message of this client id is there already."""

    def __init__(self) -> None:
        super().__init__("client_id_used", "A message of this client_id was sent before.")


class SaidBefore(Conflict):
    """The system has said this already."""

    def __init__(self) -> None:
        super().__init__("told_before", "This was said before.")


def add_message(unit: Unit, appointment_id: str, message: Message) -> None:
    """Add it under its number, and under its client's name for it: SentBefore when that is taken."""
    pk = _pk(unit.company_id, appointment_id)
    unit.add(ChatRow(pk, _sk(message.number), data=encode(message)))
    if message.client_id is not None:
        unit.add(ChatRow(pk, _named(message.sender, message.client_id), record=_sk(message.number)), SentBefore())


def sent_keys(company_id: str, appointment_id: str, client_id: str) -> dict[Side, Key]:
    """Where a client's name for its message lies, by side, for a fetch together with other records."""
    return {side: Key(ChatRow, _pk(company_id, appointment_id), _named(side, client_id)) for side in SIDES}


def find_sent(key: Key) -> Message | None:
    """The message at one of `sent_keys`; two requests."""
    return sent_of(fetch_one(key))


def sent_of(row: Any) -> Message | None:
    """The message that a fetched name stands for; one request, none for a name that is free."""
    if row is None:
        return None
    message: Message = fetch_one(Key(ChatRow, row.pk, row.record)).model(Message)
    return message


def mark_said(unit: Unit, appointment_id: str, session_id: str, what: str) -> None:
    """Note that the system has said this about the session; ToldBefore when it had."""
    unit.add(ChatRow(_pk(unit.company_id, appointment_id), f"t#{session_id}#{what}"), SaidBefore())


def page_messages(company_id: str, appointment_id: str, limit: int, cursor: str | None) -> Page[Message]:
    """The newest first, without what follows on a message that cannot be seen yet; one request."""
    selection = Selection(between=ChatRow.sk.startswith("m#"), newest_first=True)
    found = page(LISTED, _pk(company_id, appointment_id), limit=limit, cursor=cursor, selection=selection)
    messages: list[Message] = [row.model(Message) for row in reversed(found.data)]
    following = _following(messages, messages[0].number if messages else 0)
    return Page(following[::-1], found.next_cursor)


def news(company_id: str, appointment_id: str, after: int, limit: int) -> tuple[list[Message], Presences | None]:
    """Up to `limit` messages that follow on number `after`, and both sides' presence unless they left no room for it.

    One request, eventually consistent: a message is left out while one before it cannot be seen yet.
    """
    new = ChatRow.sk.between(_sk(after + 1), "p#~")
    rows = list(ChatRow.query(_pk(company_id, appointment_id), new, limit=limit + 2, page_size=limit + 2))
    messages = [row.model(Message) for row in rows if row.sk.startswith("m#")]
    following = _following(messages, after + 1)
    if len(messages) > limit:
        return following[:limit], None
    by_side = {row.sk.removeprefix("p#"): presence_of(row) for row in rows if row.sk.startswith("p#")}
    return following, Presences(**by_side)


def presence_keys(company_id: str, appointment_id: str) -> dict[Side, Key]:
    """The address of each side's presence, for a fetch together with other records."""
    return {side: Key(ChatRow, _pk(company_id, appointment_id), f"p#{side}") for side in SIDES}


def presence_of(row: Any) -> Presence:
    """The presence in a fetched row."""
    if row is None:
        return Presence()
    return Presence(int(row.read_up_to or 0), _instant(row.read_at), _instant(row.typing_until))


def save_read(unit: Unit, appointment_id: str, side: Side, number: int, at: datetime) -> None:
    """Note that this side has read so far; the unit ends as Stale when it has read further meanwhile."""
    unit.update(
        ChatRow(_pk(unit.company_id, appointment_id), f"p#{side}"),
        [ChatRow.read_up_to.set(number), ChatRow.read_at.set(stamp(at))],
        ChatRow.read_up_to.does_not_exist() | (ChatRow.read_up_to < number),
    )


def save_typing(company_id: str, appointment_id: str, side: Side, until: datetime) -> None:
    """Note that this side types until then; one request, outside any unit of work: it is forgotten in seconds."""
    ChatRow(_pk(company_id, appointment_id), f"p#{side}").update([ChatRow.typing_until.set(stamp(until))])


def add_rating(unit: Unit, appointment_id: str, rating: Rating) -> None:
    """Add it; Conflict `already_rated` when there is one."""
    rated = Conflict("already_rated", "This appointment has been rated.")
    unit.add(ChatRow(_pk(unit.company_id, appointment_id), "rating", data=encode(rating)), rated)


def rating_key(company_id: str, appointment_id: str) -> Key:
    """The address of the rating, for a fetch together with other records."""
    return Key(ChatRow, _pk(company_id, appointment_id), "rating")


def rating_of(row: Any) -> Rating | None:
    """The rating in a fetched row."""
    return row.model(Rating) if row is not None else None


def _following(messages: list[Message], first: int) -> list[Message]:
    # The parts of a transaction become visible one by one: a number may be seen before the one that precedes it.
    return [each for number, each in enumerate(messages, first) if each.number == number]


def _pk(company_id: str, appointment_id: str) -> str:
    return f"{company_id}#{appointment_id}"


def _sk(number: int) -> str:
    return f"m#{number:010}"


def _named(side: str, client_id: str) -> str:
    return f"c#{side}#{client_id}"


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
