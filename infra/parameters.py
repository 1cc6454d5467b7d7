"""What a deployment may set; everything else is decided when the package is made."""

from typing import Any

from chalicelib.core.endpoints import PACKAGES
from chalicelib.core.settings import FIC_PUBLIC_KEY
from infra.dependencies import code_key, zip_name
from infra.policies import MAIL_DOMAIN, OUTBOX_STREAM, VAULT_KEY

PUBLIC_URL = "PublicUrl"
ORIGIN_KEYS = ("OriginKeyA", "OriginKeyB")
"""Parameters that the first deployment makes up. Two of them, so that one can be replaced while the other is sent."""


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
        **{
            code_key(each): {"Type": "String", "Description": f"{zip_name(each)}, under its hash."} for each in PACKAGES
        },
        **_address(),
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
        "FilesCapGb": {
            "Type": "Number",
            "Default": 50,
            "MinValue": 1,
            "Description": "How many gigabytes of files each company may store.",
        },
        "FilesScanner": {
            "Type": "String",
            "Default": "",
            "Description": "Who looks for malware in uploads, as module:function; empty: the EICAR test file alone.",
        },
        "TravelProvider": {
            "Type": "String",
            "Default": "",
            "Description": "Who says how long ways take, as module:function; empty: the great circle.",
        },
        **_vendors(),
        OUTBOX_STREAM: {"Type": "String"},
        VAULT_KEY: {"Type": "String"},
    }


def _address() -> dict[str, dict[str, Any]]:
    key = {
        "Type": "String",
        "NoEcho": True,
        "AllowedPattern": "[A-Za-z0-9]{20,128}",
        "Description": "One of the two keys by which the APIs know the distribution.",
    }
    return {
        PUBLIC_URL: {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "(https?://[^ ]+[^/ ])?",
            "Description": "Where clients reach the API; links in mails begin with it; empty: at the distribution's.",
        },
        "CertificateArn": {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "(arn:aws[a-z-]*:acm:us-east-1:.+)?",
            "Description": "Of the name in PublicUrl, in us-east-1; empty: the distribution has no name of its own.",
        },
        "WebAclArn": {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "(arn:aws[a-z-]*:wafv2:us-east-1:.+)?",
            "Description": "A web ACL of the scope CLOUDFRONT, in us-east-1, before the distribution; empty: none.",
        },
        **dict.fromkeys(ORIGIN_KEYS, key),
        "OriginKeySent": {
            "Type": "String",
            "Default": ORIGIN_KEYS[0],
            "AllowedValues": list(ORIGIN_KEYS),
            "Description": "Which of them the distribution sends; both are accepted.",
        },
        "OffersUrl": {
            "Type": "String",
            "Default": "",
            "Description": "The page to which links to offers lead, before /<token>; empty: the API's own.",
        },
    }


def _vendors() -> dict[str, dict[str, Any]]:
    return {
        "RetellBaseUrl": {"Type": "String", "Default": "https://api.retellai.com"},
        "CalcomBaseUrl": {"Type": "String", "Default": "https://api.cal.com"},
        "TwilioBaseUrl": {"Type": "String", "Default": "https://api.twilio.com"},
        "FicBaseUrl": {"Type": "String", "Default": "https://api-v2.fattureincloud.it"},
        "FicOauthUrl": {"Type": "String", "Default": "https://api-v2.fattureincloud.it/oauth"},
        "FicWebhookPublicKey": {"Type": "String", "Default": FIC_PUBLIC_KEY},
    }


def conditions() -> dict[str, Any]:
    """The root's conditions."""
    return {"AlarmsByMail": given("AlarmEmail"), "PublicUrlGiven": given(PUBLIC_URL)}


def rules() -> dict[str, Any]:
    """What CloudFormation checks of the parameters together, before it begins."""
    named = {"Assert": given(PUBLIC_URL), "AssertDescription": "CertificateArn is of the name in PublicUrl: give both."}
    return {"CertificateOfAName": {"RuleCondition": given("CertificateArn"), "Assertions": [named]}}


def given(parameter: str) -> dict[str, Any]:
    """The condition that a parameter is not empty."""
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}
