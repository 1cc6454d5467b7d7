"""What the system has to say in chats."""

from datetime import datetime
from typing import Literal

from chalicelib.core.events import Job
from chalicelib.core.needs import Needs


class Tell(Job):
    """Say in the chat what has become of the session; `ends_at` for `ending_soon`, `reason` for `ended`."""

    queue = "default"
    needs = Needs(writes=("chat", "text_sessions"))
    handler = "chalicelib.chat.system_messages:tell"

    appointment_id: str
    session_id: str
    code: Literal["ending_soon", "ended"]
    ends_at: datetime | None = None
    reason: str = ""
    sessions_used: int = 0
