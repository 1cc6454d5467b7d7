"""The secret that personal values are sealed with: made up once for a stage, and never replaced by a deployment."""

from collections.abc import Callable
from secrets import token_urlsafe
from typing import Any

from botocore.exceptions import ClientError

SECRET_BYTES = 48


def ensure(ssm: Any, prefix: str, say: Callable[[str], None]) -> None:
    """Put it into SSM's parameter store unless it is there; whoever loses it loses what was sealed."""
    name = f"/{prefix}/people_key"
    try:
        ssm.put_parameter(
            Name=name,
            Value=token_urlsafe(SECRET_BYTES),
            Type="SecureString",
            Overwrite=False,
            Description="Seals and finds personal values. Without it they are lost: never delete or replace it.",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterAlreadyExists":
            raise
    else:
        say(f"made {name}: keep a copy of it where backups are kept")
