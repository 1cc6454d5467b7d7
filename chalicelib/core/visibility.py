"""Keeping received messages to oneself while their jobs run, and only then: a worker that dies is noticed in a minute.

The queue's own visibility timeout has to exceed what a Lambda may take (six minutes and more), so it is shortened when
a batch is received, and renewed until it is done with.
"""

import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core import aws
from chalicelib.core.logging import log
from chalicelib.core.settings import settings

HELD_SECONDS = 60
"""How long a message is hidden at a time, and so how long it waits for another worker when its own has died."""
RENEW_SECONDS = 20
"""How often that is renewed: two renewals may fail before a message is delivered twice."""


class Held:
    """The messages of one batch, hidden from other workers for the time of a `with` block."""

    def __init__(self, queue: str, receipts: Iterable[str]) -> None:
        self.queue = queue
        self._url = settings().queue_url(queue)
        self._receipts = dict.fromkeys(receipts)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_over, daemon=True, name="visibility")

    def __enter__(self) -> Self:
        self._hide(list(self._receipts))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def give_back(self, receipt: str, seconds: int) -> None:
        """Let this one come back after `seconds` (at most twelve hours), and renew it no more."""
        with self._lock:  # a renewal under way must not come after this
            self._receipts.pop(receipt, None)
            aws.client("sqs").change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=min(seconds, 43_200)
            )

    def _renew_until_over(self) -> None:
        while not self._over.wait(RENEW_SECONDS):
            with self._lock:
                self._hide(list(self._receipts))

    def _hide(self, receipts: list[str]) -> None:
        entries: list[Any] = [
            {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": HELD_SECONDS}
            for number, receipt in enumerate(receipts)
        ]
        if not entries:
            return
        try:
            answer = aws.client("sqs").change_message_visibility_batch(QueueUrl=self._url, Entries=entries)
        except (BotoCoreError, ClientError) as error:
            log.warning("visibility not renewed", extra={"why": str(error)})
            return
        for failed in answer.get("Failed", ()):
            log.warning("visibility not renewed", extra={"why": failed.get("Code", "")})
