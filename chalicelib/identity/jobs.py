"""What identity leaves to be done later: mails with a link, whose secret only the job knows."""

from chalicelib.core.events import Job
from chalicelib.core.needs import Needs

MAILS = Needs(reads=("identity",), writes=("directory",), mail=True)
"""A mail with a link, whose secret the directory knows."""


class SendInvitation(Job):
    """Mail an invited user the link that lets them set a password."""

    queue = "notifications"
    needs = MAILS
    handler = "chalicelib.identity.send_mail:send_invitation"

    user_id: str


class SendPasswordReset(Job):
    """Mail a user the link that lets them set another password."""

    queue = "notifications"
    needs = MAILS
    handler = "chalicelib.identity.send_mail:send_password_reset"

    user_id: str
