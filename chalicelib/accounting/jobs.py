"""What accounting leaves to be done later."""

from chalicelib.core.events import Job


class AskToReconnect(Job):
    """Mail the company's admins that these accounts have to be connected again."""

    queue = "notifications"
    handler = "chalicelib.accounting.asking:ask_to_reconnect"

    account_ids: tuple[str, ...]
