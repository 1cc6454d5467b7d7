"""The bucket of packages: every file under its hash, so that nothing changes under a running deployment."""

import hashlib
import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.intrinsics import Template
from infra.limits import serialized

NESTED = "AWS::CloudFormation::Stack"


class Bucket:
    """An S3 bucket that keeps packages."""

    def __init__(self, s3: Any, name: str, region: str) -> None:
        self.s3 = s3
        self.name = name
        self.region = region

    def ensure(self) -> None:
        """Make the bucket, private and encrypted, unless it is there. Raises ClientError when it is somebody else's."""
        try:
            self.s3.head_bucket(Bucket=self.name)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            self._create()

    def put_file(self, path: Path, suffix: str) -> str:
        """Upload the file under its hash, unless it is there; returns its key."""
        content = path.read_bytes()
        key = f"{hashlib.sha256(content).hexdigest()}.{suffix}"
        self._put(key, content)
        return key

    def put_nested(self, out: Path, endpoint: str | None) -> Template:
        """Upload the templates that the root in `out` nests, each under its hash; returns the root that names them."""
        root: Template = json.loads((out / "root.json").read_text())
        for resource in root["Resources"].values():
            if resource["Type"] == NESTED:
                nested = out / resource["Properties"]["TemplateURL"]
                resource["Properties"]["TemplateURL"] = self._url(self.put_file(nested, "json"), endpoint)
        return root

    def put_template(self, template: Template, endpoint: str | None) -> str:
        """Upload a template under its hash; returns its URL."""
        content = serialized(template).encode()
        key = f"{hashlib.sha256(content).hexdigest()}.json"
        self._put(key, content)
        return self._url(key, endpoint)

    def _create(self) -> None:
        place = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
        self.s3.create_bucket(Bucket=self.name, **({"CreateBucketConfiguration": place} if place else {}))
        self.s3.put_public_access_block(
            Bucket=self.name,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )

    def _put(self, key: str, content: bytes) -> None:
        try:
            self.s3.head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            self.s3.put_object(Bucket=self.name, Key=key, Body=content)

    def _url(self, key: str, endpoint: str | None) -> str:
        if endpoint:
            return f"{endpoint.rstrip('/')}/{self.name}/{key}"
        return f"https://{self.name}.s3.{self.region}.amazonaws.com/{key}"
