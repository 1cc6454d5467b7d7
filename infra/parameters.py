"""What a deployment may set; everything else is decided when the package is made."""

from typing import Any

from chalicelib.core.settings import FIC_PUBLIC_KEY
from infra.policies import MAIL_DOMAIN, OUTBOX_STREAM, VAULT_KEY


def parameters(longest_prefix: int, stage: str = "dev") -> dict[str, dict[str, Any]]:
    """The root's parameters and, among them, those that nested stacks get from it."""
    return {
        "Prefix": {
            "Type": "String",
            "Default": f"pilot-{stage}",
            "AllowedPattern": "[a-z][a-z0-9-]*",
            "MaxLength": longest_prefix,
            "Description": "Begins the name of every table, queue, Lambda and secret.",
        },
        "CodeBucket": {"Type": "String", "Description": "The bucket that holds the package."},
        "CodeKey": {"Type": "String", "Description": "The zip of the Lambdas, under its hash."},
        "PublicUrl": {
            "Type": "String",
            "AllowedPattern": "https?://[^ ]+[^/ ]",
            "Description": "Where clients reach the API; links in mails begin with it.",
        },
        MAIL_DOMAIN: {
            "Type": "String",
            "Default": "pilotpractice.example",
            "Description": "The SES identity that mails are sent from.",
        },
        "AlarmEmail": {"Type": "String", "Default": "", "Description": "Who is told of alarms; empty: nobody by mail."},
        "LogLevel": {
            "Type": "String",
            "Default": "INFO",
            "AllowedValues": ["DEBUG", "INFO", "WARNING", "ERROR"],
        },
        "OpsMail": {"Type": "String", "Default": "", "Description": "Who is told of calls that are nobody's."},
        "DefaultCompany": {
            "Type": "String",
            "Default": "",
            "Description": "Whose the calls are that no event type and no number tells; empty: nobody's.",
        },
        "ChatWaiters": {
            "Type": "Number",
            "Default": 100,
            "MinValue": 0,
            "Description": "How many requests may wait for news in chats at once; each is a Lambda meanwhile.",
        },
        "TravelProvider": {
            "Type": "String",
            "Default": "",
            "Description": "Who says how long ways take, as module:function; empty: the great circle.",
        },
        "OffersUrl": {
            "Type": "String",
            "Default": "",
            "Description": "The page to which links to offers lead, before /<token>; empty: the API's own.",
        },
        "RetellBaseUrl": {"Type": "String", "Default": "https://api.retellai.com"},
        "CalcomBaseUrl": {"Type": "String", "Default": "https://api.cal.com"},
        "TwilioBaseUrl": {"Type": "String", "Default": "https://api.twilio.com"},
        "FicBaseUrl": {"Type": "String", "Default": "https://api-v2.fattureincloud.it"},
        "FicOauthUrl": {"Type": "String", "Default": "https://api-v2.fattureincloud.it/oauth"},
        "FicWebhookPublicKey": {"Type": "String", "Default": FIC_PUBLIC_KEY},
        OUTBOX_STREAM: {"Type": "String"},
        VAULT_KEY: {"Type": "String"},
    }


def conditions() -> dict[str, Any]:
    """The root's conditions."""
    return {"AlarmsByMail": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}}
