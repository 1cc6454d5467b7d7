"""Each role may do what its endpoint declares to need, and the rest is refused because nothing grants it."""

from typing import Any

import pytest

from chalicelib.core.endpoints import Endpoint
from chalicelib.core.needs import Needs
from chalicelib.core.settings import sqs_name
from infra.policies import policy
from tests.packaging.conftest import Packaged

ACCOUNT = "${AWS::Region}:${AWS::AccountId}"
READ = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}
WRITE = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem"}
CONSUME = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"}
Grant = tuple[str, str]


def arn(service: str, rest: str) -> str:
    return f"arn:${{AWS::Partition}}:{service}:{ACCOUNT}:{rest}"


def grants(document: dict[str, Any]) -> set[Grant]:
    """Every action on every resource."""
    found = set()
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        assert "NotAction" not in statement
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        for action in statement["Action"]:
            for resource in resources:
                found.add(
                    (action, resource if isinstance(resource, str) else resource.get("Fn::Sub") or resource["Ref"])
                )
    return found


def granted(endpoint: Endpoint, indexes: dict[str, set[str]]) -> set[Grant]:
    """What the endpoint's needs say, spelled out a second time."""
    need = endpoint.needs
    own = f"log-group:/aws/lambda/${{Prefix}}-{endpoint.area}-{endpoint.name}:*"
    found = {(f"logs:{action}", arn("logs", own)) for action in ("CreateLogStream", "PutLogEvents")}
    found |= {("xray:PutTraceSegments", "*"), ("xray:PutTelemetryRecords", "*")}
    written = {*need.writes, *(("outbox", "due", "audit", "guards") if need.writes else ())}
    switches = ("switches",) if need.secrets or need.vault else ()
    for table in {*need.reads, *switches, *written}:
        found |= {(action, arn("dynamodb", f"table/${{Prefix}}-{table}")) for action in READ}
        found |= {
            ("dynamodb:Query", arn("dynamodb", f"table/${{Prefix}}-{table}/index/{index}")) for index in indexes[table]
        }
    for table in written:
        found |= {(action, arn("dynamodb", f"table/${{Prefix}}-{table}")) for action in WRITE}
    found |= {("dynamodb:UpdateItem", arn("dynamodb", f"table/${{Prefix}}-{table}")) for table in need.updates}
    found |= {("sqs:SendMessage", arn("sqs", f"${{Prefix}}-{sqs_name(lane)}")) for lane in need.sends}
    found |= {
        ("sqs:GetQueueAttributes", arn("sqs", f"${{Prefix}}-{sqs_name(lane)}{end}"))
        for lane in need.watches
        for end in ("", "-dead")
    }
    if need.metrics:
        found.add(("cloudwatch:GetMetricData", "*"))
    found |= {("ssm:GetParameter", arn("ssm", f"parameter/${{Prefix}}/{secret}")) for secret in need.all_secrets()}
    if need.mail:
        found |= {(f"ses:{action}", arn("ses", "identity/${MailDomain}")) for action in ("SendEmail", "SendRawEmail")}
    if need.vault:
        found |= {(f"kms:{action}", "VaultKeyArn") for action in ("Decrypt", "Encrypt")}
    files = "arn:${AWS::Partition}:s3:::${Prefix}-files-${AWS::AccountId}-${AWS::Region}"
    found |= {("s3:PutObject", f"{files}/{folder}/*") for folder in need.uploads}
    found |= {("s3:GetObject", f"{files}/{folder}/*") for folder in need.downloads}
    found |= {("s3:DeleteObject", f"{files}/{folder}/*") for folder in need.removes}
    if need.lists:
        found.add(("s3:ListBucket", files))
    if endpoint.kind == "queue":
        queue = endpoint.queue + ("-dead" if endpoint.dead else "")
        found |= {(action, arn("sqs", f"${{Prefix}}-{sqs_name(queue)}")) for action in CONSUME}
    if endpoint.kind == "stream":
        stream = ("DescribeStream", "GetRecords", "GetShardIterator")
        found |= {(f"dynamodb:{action}", "OutboxStreamArn") for action in stream}
        found.add(("dynamodb:ListStreams", arn("dynamodb", "table/${Prefix}-outbox/stream/*")))
    return found


@pytest.fixture(scope="module")
def indexes(dev: Packaged) -> dict[str, set[str]]:
    """Index names by table, as the root's template has them."""
    return {
        table["TableName"]["Fn::Sub"].removeprefix("${Prefix}-"): {
            each["IndexName"] for each in table.get("GlobalSecondaryIndexes", [])
        }
        for table in dev.resources("AWS::DynamoDB::Table")
    }


@pytest.mark.check
def test_who_lists_files_lists_its_own_folders(dev: Packaged, endpoints: list[Endpoint]) -> None:
    listed = {
        tuple(statement["Condition"]["StringLike"]["s3:prefix"])
        for role in dev.resources("AWS::IAM::Role")
        for inline in role.get("Policies", [])
        for statement in inline["PolicyDocument"]["Statement"]
        if "s3:ListBucket" in statement["Action"]
    }
    assert listed == {tuple(f"{each}/*" for each in sorted(e.needs.lists)) for e in endpoints if e.needs.lists}


@pytest.mark.check
def test_each_lambda_has_its_own_role_that_grants_its_needs_alone(
    dev: Packaged, endpoints: list[Endpoint], indexes: dict[str, set[str]]
) -> None:
    declared = {endpoint.handler: endpoint for endpoint in endpoints}
    roles = []
    for stack, template in dev.templates.items():
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Lambda::Function":
                role = resource["Properties"]["Role"]["Fn::GetAtt"][0]
                roles.append((stack, role))
                properties = template["Resources"][role]["Properties"]
                assert set(properties) == {"AssumeRolePolicyDocument", "Policies"}
                (inline,) = properties["Policies"]
                endpoint = declared[resource["Properties"]["Handler"]]
                assert grants(inline["PolicyDocument"]) == granted(endpoint, indexes), endpoint.handler
    assert len(set(roles)) == len(endpoints)


@pytest.mark.check
def test_an_api_may_call_the_lambdas_of_its_routes_areas_and_nothing_else(
    dev: Packaged, endpoints: list[Endpoint]
) -> None:
    called = set()
    for api, body in dev.bodies().items():
        role = dev.templates[f"api-{api}"]["Resources"]["ApiRole"]["Properties"]
        (inline,) = role["Policies"]
        (statement,) = inline["PolicyDocument"]["Statement"]
        assert statement["Action"] == "lambda:InvokeFunction"
        mine = [each for each in endpoints if any(route.path in body["paths"] for route in each.routes)]
        areas = {each.area for each in (*mine, *(each for each in endpoints if each.kind == "authorizer"))}
        assert {each["Fn::Sub"] for each in statement["Resource"]} == {
            arn("lambda", f"function:${{Prefix}}-{area}-*") for area in areas
        }
        called |= areas
    assert {"queues", "streams"}.isdisjoint(called)


def test_a_need_for_a_table_that_nobody_has_is_an_error() -> None:
    endpoint = Endpoint("route", "view", "functions.area.module", Needs(reads=("tabel",)), 512, 29, "")
    with pytest.raises(KeyError, match="tabel"):
        policy(endpoint)
