"""What identity leaves to be done later: mails with a link, whose secret only the job knows."""

from chalicelib.core.events import Job


class SendInvitation(Job):
    """Mail an invited user the link that lets them set a password."""

    queue = "notifications"
    handler = "chalicelib.identity.send_mail:send_invitation"

    user_id: str


class SendPasswordReset(Job):
    """Mail a user the link that lets them set another password."""

    queue = "notifications"
    handler = "chalicelib.identity.send_mail:send_password_reset"

    user_id: str
