"""Secrets by name: from the environment on a laptop, from SSM SecureString parameters on AWS, kept for five minutes."""

import time

from chalicelib.core import aws
from chalicelib.core.errors import Unavailable
from chalicelib.core.settings import environment_secret, settings

KEEP_SECONDS = 300
_kept: dict[str, tuple[float, str]] = {}


def secret(name: str) -> str:
    """The secret `name`, such as `retell_api_key`. Raises Unavailable when nobody has configured it."""
    value = (environment_secret if settings().secrets_from == "environment" else _from_parameter_store)(name)
    if not value:
        raise Unavailable("not_configured", f"The secret {name} is not configured for this stage.")
    return value


def secrets_of(name: str) -> tuple[str, ...]:
    """Every value that is valid now, newest first: a secret under rotation holds several, separated by commas."""
    return tuple(part.strip() for part in secret(name).split(",") if part.strip())


def parameter_name(name: str) -> str:
    """Where the secret lies in the SSM parameter store of this stage."""
    return f"/{settings().prefix}/{name}"


def _from_parameter_store(name: str) -> str | None:
    kept = _kept.get(name)
    if kept and kept[0] > time.monotonic():
        return kept[1]
    ssm = aws.client("ssm")
    try:
        answer = ssm.get_parameter(Name=parameter_name(name), WithDecryption=True)
    except ssm.exceptions.ParameterNotFound:
        return None
    value: str = answer["Parameter"]["Value"]
    _kept[name] = (time.monotonic() + KEEP_SECONDS, value)
    return value
