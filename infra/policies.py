"""From what an endpoint declares to need to the IAM policy of its role, which grants that and nothing else."""

from typing import Any

from chalicelib.core.endpoints import Endpoint
from chalicelib.core.queues import DEAD
from infra.intrinsics import arn, queue_arn, sub
from infra.resources import FILES, bucket_arn, indexes_of

READS = ("BatchGetItem", "GetItem", "Query")
WRITES = ("ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem")
"""A transaction is authorised item by item, so there is no TransactWriteItems to grant."""
CONSUMES = ("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
STREAMS = ("DescribeStream", "GetRecords", "GetShardIterator")
VAULT = ("Decrypt", "Encrypt")
UPLOADS = ("PutObject",)
DOWNLOADS = ("GetObject",)
"""HeadObject is granted by it, too."""
REMOVES = ("DeleteObject",)
LISTS = ("ListBucket",)
WATCHES = ("GetQueueAttributes",)
METRICS = ("GetMetricData",)
MAILS = ("SendEmail", "SendRawEmail")
"""One call, SendEmail; of mail that is more than plain text, AWS may ask for the right to the second."""
OUTBOX_STREAM = "OutboxStreamArn"
"""The parameter that carries the ARN of the outbox's stream, which holds a time and so cannot be made of names."""
MAIL_DOMAIN = "MailDomain"
VAULT_KEY = "VaultKeyArn"
"""The parameter that carries the ARN of the vault's key: policies cannot name a key by its alias."""
Statement = dict[str, Any]


def function_name(endpoint: Endpoint) -> str:
    """The Lambda's name without the stage's prefix; carries the area, which is its stack."""
    return f"{endpoint.area}-{endpoint.name}"


def policy(endpoint: Endpoint) -> dict[str, Any]:
    """The policy document of the endpoint's role."""
    statements = [_log_group(endpoint), _traces()]
    statements += _tables(endpoint)
    statements += _queues(endpoint)
    statements += _secrets(endpoint)
    if endpoint.needs.mail:
        statements.append(_allow("Mail", "ses", list(MAILS), [arn("ses", f"identity/${{{MAIL_DOMAIN}}}")]))
    if endpoint.needs.vault:
        statements.append(_allow("Vault", "kms", list(VAULT), [{"Ref": VAULT_KEY}]))
    if endpoint.needs.metrics:
        statements.append(_allow("Metrics", "cloudwatch", list(METRICS), ["*"]))
    statements += _files(endpoint)
    if endpoint.kind == "stream":
        statements += _stream()
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(sid: str, service: str, actions: list[str], resources: list[Any]) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": [f"{service}:{action}" for action in actions],
        "Resource": resources[0] if len(resources) == 1 else resources,
    }


def _log_group(endpoint: Endpoint) -> Statement:
    own = arn("logs", f"log-group:/aws/lambda/${{Prefix}}-{function_name(endpoint)}:*")
    return _allow("OwnLog", "logs", ["CreateLogStream", "PutLogEvents"], [own])


def _traces() -> Statement:
    # X-Ray knows no resources, nor does reading CloudWatch's metrics: these are the only stars in any policy.
    return _allow("Traces", "xray", ["PutTraceSegments", "PutTelemetryRecords"], ["*"])


def _tables(endpoint: Endpoint) -> list[Statement]:
    written, read = endpoint.needs.written(), endpoint.needs.read_only()
    statements = []
    if written or read:
        tables = [_table(name) for name in sorted({*written, *read})]
        statements.append(_allow("ReadTables", "dynamodb", list(READS), tables))
        indexes = [
            arn("dynamodb", f"table/${{Prefix}}-{name}/index/{index}")
            for name in sorted({*written, *read})
            for index in indexes_of(name)
        ]
        if indexes:
            statements.append(_allow("QueryIndexes", "dynamodb", ["Query"], indexes))
    if written:
        statements.append(_allow("WriteTables", "dynamodb", list(WRITES), [_table(name) for name in written]))
    updated = sorted(set(endpoint.needs.updates) - set(written))
    if updated:
        statements.append(_allow("UpdateTables", "dynamodb", ["UpdateItem"], [_table(name) for name in updated]))
    return statements


def _table(name: str) -> dict[str, str]:
    return arn("dynamodb", f"table/${{Prefix}}-{name}")


def _queues(endpoint: Endpoint) -> list[Statement]:
    statements = []
    if endpoint.needs.sends:
        queues = [queue_arn(name) for name in sorted(set(endpoint.needs.sends))]
        statements.append(_allow("Send", "sqs", ["SendMessage"], queues))
    if endpoint.needs.watches:
        both = [queue_arn(name + end) for name in sorted(set(endpoint.needs.watches)) for end in ("", DEAD)]
        statements.append(_allow("Watch", "sqs", list(WATCHES), both))
    if endpoint.kind == "queue":
        own = endpoint.queue + (DEAD if endpoint.dead else "")
        statements.append(_allow("Consume", "sqs", list(CONSUMES), [queue_arn(own)]))
    return statements


def _secrets(endpoint: Endpoint) -> list[Statement]:
    # No kms:Decrypt: the key policy of alias/aws/ssm, which encrypts SecureStrings unless another key is named, lets in
    # whoever may read the parameter.
    names = endpoint.needs.all_secrets()
    if not names:
        return []
    parameters = [arn("ssm", f"parameter/${{Prefix}}/{name}") for name in names]
    return [_allow("Secrets", "ssm", ["GetParameter"], parameters)]


def _files(endpoint: Endpoint) -> list[Statement]:
    needs = endpoint.needs
    buckets = (
        ("Uploads", UPLOADS, needs.uploads),
        ("Downloads", DOWNLOADS, needs.downloads),
        ("Removes", REMOVES, needs.removes),
    )
    granted = [
        _allow(sid, "s3", list(actions), [sub(f"{bucket_arn(FILES)}/{folder}/*") for folder in sorted(set(folders))])
        for sid, actions, folders in buckets
        if folders
    ]
    if needs.lists:
        below = {"StringLike": {"s3:prefix": [f"{folder}/*" for folder in sorted(set(needs.lists))]}}
        granted.append(_allow("Lists", "s3", list(LISTS), [sub(bucket_arn(FILES))]) | {"Condition": below})
    return granted


def _stream() -> list[Statement]:
    return [
        _allow("Stream", "dynamodb", list(STREAMS), [{"Ref": OUTBOX_STREAM}]),
        # ListStreams is authorised on the table's streams, not on one of them.
        _allow("Streams", "dynamodb", ["ListStreams"], [arn("dynamodb", "table/${Prefix}-outbox/stream/*")]),
    ]
