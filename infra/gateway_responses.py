"""What API Gateway itself answers, in the shape of every other problem of ours (RFC 9457), with CORS."""

import json
from typing import Any

from chalicelib.core.function import CORS
from chalicelib.core.problems import CONTENT_TYPE

# type of API Gateway -> status, code, title, detail. Statuses and codes are those endpoints would answer.
ANSWERS: dict[str, tuple[int, str, str, str]] = {
    "MISSING_AUTHENTICATION_TOKEN": (404, "no_such_route", "Not found", "There is no such path or method."),
    "UNAUTHORIZED": (401, "unauthenticated", "Not authenticated", "Send a valid bearer token."),
    "ACCESS_DENIED": (403, "access_denied", "Not allowed", "This token does not open this endpoint."),
    "INVALID_API_KEY": (403, "access_denied", "Not allowed", "Call the system at its own address, not at this one."),
    "EXPIRED_TOKEN": (401, "unauthenticated", "Not authenticated", "The token has expired."),
    "INVALID_SIGNATURE": (401, "unauthenticated", "Not authenticated", "Send a valid bearer token."),
    "THROTTLED": (429, "too_many_requests", "Too many requests", "Slow down and try again in a moment."),
    "QUOTA_EXCEEDED": (429, "too_many_requests", "Too many requests", "The quota is used up."),
    "REQUEST_TOO_LARGE": (413, "body_too_large", "Too large", "The request is larger than what is accepted."),
    "UNSUPPORTED_MEDIA_TYPE": (415, "unsupported_media_type", "Unsupported media type", "Send another content type."),
    "BAD_REQUEST_BODY": (400, "invalid_request", "Invalid", "The body cannot be read."),
    "BAD_REQUEST_PARAMETERS": (400, "invalid_request", "Invalid", "A parameter is missing or wrong."),
    "RESOURCE_NOT_FOUND": (404, "no_such_route", "Not found", "There is no such path or method."),
    "AUTHORIZER_FAILURE": (500, "internal_error", "Something went wrong", "We failed to check the token."),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "internal_error", "Something went wrong", "We failed to check the token."),
    "INTEGRATION_FAILURE": (502, "unavailable", "Unavailable", "Try again in a moment."),
    "INTEGRATION_TIMEOUT": (504, "unavailable", "Unavailable", "This took too long; try again in a moment."),
}
OTHERWISE = {
    # No status: API Gateway's own stays, and the body leaves it out rather than guess it.
    "DEFAULT_4XX": ("invalid_request", "Invalid", "The request cannot be answered as it is."),
    "DEFAULT_5XX": ("internal_error", "Something went wrong", "We failed to answer this."),
}


def gateway_responses() -> dict[str, Any]:
    """`x-amazon-apigateway-gateway-responses` of the API's body."""
    answers: dict[str, Any] = {
        kind: {"statusCode": str(status), **_answer(code, title, detail, status)}
        for kind, (status, code, title, detail) in ANSWERS.items()
    }
    answers |= {kind: _answer(code, title, detail, None) for kind, (code, title, detail) in OTHERWISE.items()}
    answers["UNAUTHORIZED"]["responseParameters"]["gatewayresponse.header.WWW-Authenticate"] = "'Bearer'"
    answers["THROTTLED"]["responseParameters"]["gatewayresponse.header.Retry-After"] = "'1'"
    return answers


def _answer(code: str, title: str, detail: str, status: int | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"urn:pilotpractice:problem:{code}",
        "title": title,
        "detail": detail,
        "code": code,
        "request_id": "$context.requestId",
    }
    if status is not None:
        body["status"] = status
    headers = {
        "Content-Type": f"'{CONTENT_TYPE}'",
        "X-Request-Id": "context.requestId",
        "Access-Control-Allow-Origin": f"'{CORS.allow_origin}'",
        "Access-Control-Expose-Headers": "'X-Request-Id,Retry-After'",
    }
    return {
        "responseParameters": {f"gatewayresponse.header.{name}": value for name, value in headers.items()},
        # Chosen by the request's Accept; of this one alone every request gets it.
        "responseTemplates": {"application/json": json.dumps(body)},
    }
