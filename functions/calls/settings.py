"""A company's settings for calls."""

from typing import Annotated

import msgspec

from chalicelib.calls import retention, store
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Body
from chalicelib.core.requests import Request
from functions.calls.answers import CallSettingsAnswer, show_settings

function = Function(__name__)


class CallSettingsBody(Body):
    """`keep_recordings_days`: transcripts and recordings are removed after so many days; null: never.

    `version`: of the settings that were read.
    """

    keep_recordings_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None
    version: Annotated[int, msgspec.Meta(ge=0, le=10**9)]


@function.route("GET", "/api/settings/calls", ability="practice:read", needs=Needs(reads=("calls",)))
def show_call_settings(request: Request) -> CallSettingsAnswer:
    """How long transcripts and recordings are kept."""
    return show_settings(store.get_settings(request.company_id))


@function.route(
    "PUT",
    "/api/settings/calls",
    ability="practice:write",
    needs=Needs(writes=("calls",)),
    errors=("stale 409",),
    example={"keep_recordings_days": 90, "version": 0},
)
def save_call_settings(request: Request, body: CallSettingsBody) -> CallSettingsAnswer:
    """Say how long transcripts and recordings are kept; what is older goes with the next night."""
    saved = retention.save_settings(request.unit(show_settings), body.keep_recordings_days, body.version)
    return show_settings(saved)
