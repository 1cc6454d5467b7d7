"""What happens to companies, users and their tokens; ids only."""

from chalicelib.core.events import Event


class CompanyOpened(Event):
    """A company began, with its first admin."""

    user_id: str


class UserInvited(Event):
    """Somebody is asked to join, for the first time or again."""

    user_id: str


class UserJoined(Event):
    """An invitation was taken up, or a company's first admin was made."""

    user_id: str


class UserDisabled(Event):
    """A user is no longer let in; all tokens are revoked."""

    user_id: str


class UserLinked(Event):
    """A user is this customer or this member of staff of the practice, or (both None) nobody of it."""

    user_id: str
    customer_id: str | None
    staff_id: str | None


class PasswordResetRequested(Event):
    """Somebody who says to be this user has forgotten the password."""

    user_id: str


class PasswordChanged(Event):
    """A new password by a mailed link; all tokens are revoked."""

    user_id: str


class TokenRevoked(Event):
    """One token was revoked, by logging out or by hand."""

    user_id: str
    token_id: str
