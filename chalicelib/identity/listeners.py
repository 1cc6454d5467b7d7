"""What identity does when it is told of events."""

from collections.abc import Callable
from typing import Any

from chalicelib.core.events import Event, Job
from chalicelib.identity.events import PasswordResetRequested, UserInvited
from chalicelib.identity.jobs import SendInvitation, SendPasswordReset


def _invite(event: UserInvited, company_id: str) -> Job:
    return SendInvitation(company_id=company_id, user_id=event.user_id)


def _reset(event: PasswordResetRequested, company_id: str) -> Job:
    return SendPasswordReset(company_id=company_id, user_id=event.user_id)


LISTENERS: dict[type[Event], tuple[Callable[[Any, str], Job | None], ...]] = {
    UserInvited: (_invite,),
    PasswordResetRequested: (_reset,),
}
