"""The only reader of the environment: names of resources, base URLs, limits."""

import os
from functools import cache

import msgspec

FIC_PUBLIC_KEY = (
    "LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KTUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFL1JvSElqZ1k3aGZYZlk1cC9KeSt"
    "LL0ZndU1aNAozVHZaOXQ0ZU43K2t4UTBNSnpLdG93djRDY1lURnFyQm03aE1CNVpXS25xTHoyNEQ2bFFqU0wwWXN3PT0KLS0tLS1FTkQgUFVCTElD"
    "IEtFWS0tLS0tCg=="
)
"""What Fatture in Cloud signs its webhooks with, as its documentation publishes it: a PEM in base64."""


class Settings(msgspec.Struct, frozen=True):
    """What differs between a laptop, a test and a deployed stage. Read once, on first use."""

    stage: str
    prefix: str
    region: str
    queue_base_url: str
    secrets_from: str
    public_url: str
    retell_base_url: str
    calcom_base_url: str
    twilio_base_url: str
    fic_base_url: str
    fic_oauth_url: str
    fic_webhook_public_key: str
    vault_key: str
    vendor_timeout_seconds: float
    mail_from: str
    log_level: str
    private_webhooks: bool
    default_language: str
    default_company: str
    ops_mail: str
    retell_list_calls: str
    files_bucket: str
    files_cap_bytes: int
    files_scanner: str
    ffmpeg: str
    chat_waiters: int
    travel_provider: str
    offers_url: str

    def table(self, name: str) -> str:
        """The DynamoDB table that plays `name` (an area's or core's) in this stage."""
        return f"{self.prefix}-{name}"

    def queue(self, name: str) -> str:
        """The SQS queue that plays the named queue `name` in this stage."""
        return f"{self.prefix}-{name}"

    def queue_url(self, name: str) -> str:
        """Built, not looked up: a GetQueueUrl per cold start would cost a request."""
        return f"{self.queue_base_url.rstrip('/')}/{self.queue(name)}"


@cache
def settings() -> Settings:
    """The settings of this process."""
    env = os.environ.get
    stage = env("PILOT_STAGE", "local")
    region = env("AWS_REGION") or env("AWS_DEFAULT_REGION") or "eu-central-1"
    endpoint = env("AWS_ENDPOINT_URL_SQS") or env("AWS_ENDPOINT_URL") or f"https://sqs.{region}.amazonaws.com"
    prefix = env("PILOT_PREFIX", f"pilot-{stage}")
    public_url = env("PILOT_PUBLIC_URL", "http://127.0.0.1:8000")
    return Settings(
        stage=stage,
        prefix=prefix,
        region=region,
        queue_base_url=env("PILOT_QUEUE_BASE_URL") or f"{endpoint}/{env('AWS_ACCOUNT_ID', '000000000000')}",
        secrets_from=env("PILOT_SECRETS_FROM", "environment"),
        public_url=public_url,
        retell_base_url=env("RETELL_BASE_URL", "https://api.retellai.com"),
        calcom_base_url=env("CALCOM_BASE_URL", "https://api.cal.com"),
        twilio_base_url=env("TWILIO_BASE_URL", "https://api.twilio.com"),
        fic_base_url=env("FIC_BASE_URL", "https://api-v2.fattureincloud.it"),
        fic_oauth_url=env("FIC_OAUTH_URL", "https://api-v2.fattureincloud.it/oauth"),
        fic_webhook_public_key=env("FIC_WEBHOOK_PUBLIC_KEY", FIC_PUBLIC_KEY),
        vault_key=env("PILOT_VAULT_KEY", f"alias/{prefix}-vault"),
        vendor_timeout_seconds=float(env("PILOT_VENDOR_TIMEOUT_SECONDS", "8")),
        mail_from=env("PILOT_MAIL_FROM", "PilotPractice <no-reply@pilotpractice.example>"),
        private_webhooks=env("PILOT_PRIVATE_WEBHOOKS", "") == "1",
        log_level=env("PILOT_LOG_LEVEL", "INFO"),
        default_language=env("PILOT_DEFAULT_LANGUAGE", "en"),
        default_company=env("PILOT_DEFAULT_COMPANY", ""),
        ops_mail=env("PILOT_OPS_MAIL", ""),
        retell_list_calls=env("RETELL_LIST_CALLS", "v3"),
        files_bucket=env("PILOT_FILES_BUCKET") or f"{prefix}-files-{env('AWS_ACCOUNT_ID', '000000000000')}-{region}",
        files_cap_bytes=int(float(env("PILOT_FILES_CAP_GB", "50")) * 1024**3),
        files_scanner=env("PILOT_FILES_SCANNER", ""),
        ffmpeg=env("PILOT_FFMPEG", ""),
        chat_waiters=int(env("PILOT_CHAT_WAITERS", "100")),
        travel_provider=env("PILOT_TRAVEL_PROVIDER", ""),
        offers_url=env("PILOT_OFFERS_URL") or f"{public_url.rstrip('/')}/public/offers",
    )


def environment_secret(name: str) -> str | None:
    """The secret `name` as the environment gives it (`retell_api_key` is RETELL_API_KEY); None when unset or empty."""
    return os.environ.get(name.upper()) or None
