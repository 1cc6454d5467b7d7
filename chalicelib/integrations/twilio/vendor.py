"""Twilio, declared."""

from chalicelib.core.integration import Integration

VENDOR = Integration(
    name="twilio",
    title="Twilio",
    used_for="the telephone and texts",
    base_urls={"TWILIO_BASE_URL": "https://api.twilio.com"},
    secrets=("twilio_auth_token", "twilio_account_sid"),
)
