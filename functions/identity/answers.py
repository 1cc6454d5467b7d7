"""What clients see of users and tokens, and the fields that several bodies share."""

from datetime import datetime
from typing import Annotated

import msgspec

from chalicelib.core.payloads import Answer
from chalicelib.core.people import EMAIL_PATTERN, LONGEST_EMAIL, LONGEST_NAME
from chalicelib.identity.abilities import Role
from chalicelib.identity.token import Token
from chalicelib.identity.user import Status, User

Email = Annotated[str, msgspec.Meta(pattern=EMAIL_PATTERN, max_length=LONGEST_EMAIL)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
NewPassword = Annotated[str, msgspec.Meta(min_length=10, max_length=256)]
"""Not the e-mail address either."""
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class UserAnswer(Answer):
    """A user of the company. `customer_id` or `staff_id`: which person of the practice it is."""

    id: str
    name: str
    email: str
    role: Role
    status: Status
    customer_id: str | None
    staff_id: str | None
    created_at: datetime


class TokenAnswer(Answer):
    """A token without its secret. `last_used_at` to the hour; null where it never was."""

    id: str
    name: str
    kind: str
    abilities: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


def show_user(user: User) -> UserAnswer:
    """The user as clients see them."""
    return UserAnswer(
        id=user.id,
        name=user.name,
        email=user.email,
        role=user.role,
        status=user.status,
        customer_id=user.customer_id,
        staff_id=user.staff_id,
        created_at=user.created_at,
    )


def show_token(token: Token, last_used_at: datetime | None = None) -> TokenAnswer:
    """The token as its user sees it."""
    return TokenAnswer(
        id=token.id,
        name=token.name,
        kind=token.kind,
        abilities=token.abilities,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=last_used_at,
    )
