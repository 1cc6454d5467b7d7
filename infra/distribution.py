"""The one address: a CloudFront distribution before the APIs and the bucket of the web face."""

from typing import Any

from infra.api_split import FRONT, PREFIXES
from infra.gateway import api_id
from infra.intrinsics import Resource, Template, named, sub
from infra.parameters import ORIGIN_KEYS, PUBLIC_URL, given
from infra.resources import bucket_arn, closed_bucket

WEB = "web"
WEB_PREFIXES = ("/app/", "/widget/")
WEB_BUCKET = "WebBucket"
# Policies of AWS's own, the same in every account.
NO_CACHING = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
CACHING = "658327ea-f89d-4fab-a63d-7e88639e58f6"
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
"""Every header, cookie and query string of the visitor. Not Host: API Gateway finds its API by it."""
CACHED_ERRORS = (400, 403, 404, 405, 414, 500, 501, 502, 503, 504)
READS = ["GET", "HEAD"]
METHODS = [*READS, "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]
NOTHING = {"Ref": "AWS::NoValue"}


def distribution_template(apis: list[str], stage: str) -> Template:
    """The distribution, its bucket, and who may read it; `apis`: those that there are."""
    return {
        "Conditions": {
            "HasCertificate": given("CertificateArn"),
            "HasWebAcl": given("WebAclArn"),
            "SendsB": {"Fn::Equals": [{"Ref": "OriginKeySent"}, ORIGIN_KEYS[1]]},
        },
        "Resources": {
            "Distribution": {
                "Type": "AWS::CloudFront::Distribution",
                "Properties": {"DistributionConfig": _config(apis, stage)},
            },
            **_web_bucket(stage),
        },
        "Outputs": {
            "Url": {"Value": sub("https://${Distribution.DomainName}")},
            "DistributionId": {"Value": {"Ref": "Distribution"}},
            "DistributionDomain": {"Value": {"Fn::GetAtt": ["Distribution", "DomainName"]}},
            "WebBucketName": {"Value": {"Ref": WEB_BUCKET}},
        },
    }


def _config(apis: list[str], stage: str) -> dict[str, Any]:
    certificate = {
        "AcmCertificateArn": {"Ref": "CertificateArn"},
        "MinimumProtocolVersion": "TLSv1.2_2021",
        "SslSupportMethod": "sni-only",
    }
    # https://host/… : the host is what follows the second slash.
    host = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": PUBLIC_URL}]}]}
    return {
        "Comment": {"Ref": "Prefix"},
        "Enabled": True,
        "HttpVersion": "http2and3",
        "IPV6Enabled": True,
        "Aliases": {"Fn::If": ["HasCertificate", [host], NOTHING]},
        "ViewerCertificate": {"Fn::If": ["HasCertificate", certificate, {"CloudFrontDefaultCertificate": True}]},
        "WebACLId": {"Fn::If": ["HasWebAcl", {"Ref": "WebAclArn"}, NOTHING]},
        "Origins": [*(_api_origin(api, stage) for api in apis), _web_origin()],
        "DefaultCacheBehavior": _api_behavior(FRONT),
        "CacheBehaviors": [
            *({"PathPattern": f"{prefix}*", **_web_behavior()} for prefix in WEB_PREFIXES),
            *({"PathPattern": f"{prefix}*", **_api_behavior(api)} for prefix, api in PREFIXES.items() if api in apis),
        ],
        # Errors are cached for ten seconds even where nothing else is, and a token is no part of the cache's key.
        "CustomErrorResponses": [{"ErrorCode": code, "ErrorCachingMinTTL": 0} for code in CACHED_ERRORS],
    }


def _api_origin(api: str, stage: str) -> dict[str, Any]:
    sent = {"Fn::If": ["SendsB", {"Ref": ORIGIN_KEYS[1]}, {"Ref": ORIGIN_KEYS[0]}]}
    return {
        "Id": api,
        "DomainName": sub(f"${{{api_id(api)}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}"),
        "OriginPath": f"/{stage}",
        "CustomOriginConfig": {"OriginProtocolPolicy": "https-only", "OriginSSLProtocols": ["TLSv1.2"]},
        # Takes the place of what a visitor sends under this name.
        "OriginCustomHeaders": [{"HeaderName": "x-api-key", "HeaderValue": sent}],
    }


def _api_behavior(api: str) -> dict[str, Any]:
    return {
        "TargetOriginId": api,
        # No redirect: whoever sends a token in clear shall notice.
        "ViewerProtocolPolicy": "https-only",
        "AllowedMethods": METHODS,
        "CachePolicyId": NO_CACHING,
        "OriginRequestPolicyId": ALL_BUT_HOST,
    }


def _web_origin() -> dict[str, Any]:
    return {
        "Id": WEB,
        "DomainName": {"Fn::GetAtt": [WEB_BUCKET, "RegionalDomainName"]},
        "OriginAccessControlId": {"Ref": "WebAccess"},
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }


def _web_behavior() -> dict[str, Any]:
    return {
        "TargetOriginId": WEB,
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": READS,
        "CachePolicyId": CACHING,
        "Compress": True,
    }


def _web_bucket(stage: str) -> dict[str, Resource]:
    distribution = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"
    read = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": sub(f"{bucket_arn(WEB)}/*"),
        "Condition": {"StringEquals": {"AWS:SourceArn": sub(distribution)}},
    }
    access = {
        "Name": named(WEB),
        "OriginAccessControlOriginType": "s3",
        "SigningBehavior": "always",
        "SigningProtocol": "sigv4",
    }
    return {
        "WebAccess": {
            "Type": "AWS::CloudFront::OriginAccessControl",
            "Properties": {"OriginAccessControlConfig": access},
        },
        **closed_bucket(WEB_BUCKET, WEB, stage, [read]),
    }
