"""What happens to files; ids and kinds only."""

from datetime import datetime

from chalicelib.core.events import Event


class FileReady(Event):
    """A version was looked at and may be given out, or awaits nothing but its smaller copies."""

    file_id: str
    number: int
    kind: str
    source: str
    customer_id: str | None = None
    appointment_id: str | None = None
    request_id: str | None = None


class FileRefused(Event):
    """An upload was not taken; `reason`: a stable code."""

    file_id: str
    number: int
    reason: str
    request_id: str | None = None


class FileGenerated(Event):
    """The system has made a file: an export, a report, a PDF. `link`: where whoever may read files gets it."""

    file_id: str
    purpose: str
    link: str
    customer_id: str | None = None
    appointment_id: str | None = None


class FileRequestLink(Event):
    """Somebody is asked for files, and is to be sent the link; whoever sends it makes one (`request_link.new_link`)."""

    request_id: str
    customer_id: str
    expires_at: datetime
    appointment_id: str | None = None


class FileRequestReminder(Event):
    """Files that were asked for have not come; `number` counts reminders from 1."""

    request_id: str
    customer_id: str
    number: int
    expires_at: datetime
    appointment_id: str | None = None


class FileRequestClosed(Event):
    """A request takes no more files; `reason`: complete, expired or cancelled."""

    request_id: str
    customer_id: str
    reason: str
    files: int
    appointment_id: str | None = None
