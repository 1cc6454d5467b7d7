"""What went wrong with AWS or in core, as a sentence that says what to do next."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)
from pynamodb.exceptions import PynamoDBException

from chalicelib.cli.output import Failed
from chalicelib.core.errors import DomainError

EXPLAINABLE = (BotoCoreError, ClientError, PynamoDBException, DomainError)
_ABSENT = ("ResourceNotFound", "NonExistentQueue", "QueueDoesNotExist")
_CREDENTIALS = ("ExpiredToken", "InvalidClientTokenId", "UnrecognizedClient", "Signature")


def explained(error: Exception, stage: str) -> Failed:
    """The failure of a command on `stage`, for people."""
    cause = error.cause if isinstance(error, PynamoDBException) and error.cause else error
    if isinstance(cause, DomainError):
        return Failed(cause.detail)
    if isinstance(cause, ClientError):
        return Failed(_refused(cause, stage))
    if isinstance(cause, (NoCredentialsError, PartialCredentialsError, ProfileNotFound)):
        return Failed(f"{str(cause).rstrip('.')}: set AWS_PROFILE, or run `aws configure`, for stage {stage}.")
    if isinstance(cause, (EndpointConnectionError, ConnectTimeoutError)):
        todo = "start it with `make run`" if stage == "local" else "check the network and AWS_REGION"
        return Failed(f"Stage {stage} does not answer: {todo}. ({cause})")
    return Failed(f"Stage {stage}: {cause}")


def _refused(error: ClientError, stage: str) -> str:
    answer = error.response.get("Error", {})
    code, message = answer.get("Code", "Unknown"), answer.get("Message", "").rstrip(".")
    if any(each in code for each in _ABSENT):
        todo = "restart it with `make run`" if stage == "local" else f"deploy it with `make deploy STAGE={stage}`"
        return f"Stage {stage} lacks what this needs: {todo}. ({error.operation_name}: {code})"
    if any(each in code for each in _CREDENTIALS):
        return f"AWS does not accept these credentials: sign in again. ({code}: {message})"
    if "AccessDenied" in code:
        return f"These credentials may not do that on stage {stage}: use a role that may. ({message})"
    return f"AWS refused {error.operation_name}: {code}: {message}."
