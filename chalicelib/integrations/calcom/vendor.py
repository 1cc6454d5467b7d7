"""Cal.com, declared."""

from chalicelib.core.integration import Integration

VENDOR = Integration(
    name="calcom",
    title="Cal.com",
    used_for="bookings of branches that book through it",
    base_urls={"CALCOM_BASE_URL": "https://api.cal.com"},
    secrets=("calcom_api_key",),
    webhook_secrets=("calcom_webhook_secret",),
)
