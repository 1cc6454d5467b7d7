"""What is missing on the embedded AWS is added, and what is there stays."""

import boto3

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.store import AppointmentFilter
from chalicelib.core import aws as aws_clients
from chalicelib.core.settings import settings
from infra.local.demo_practice import Practice
from infra.local.provision import provision
from tests.booking.test_changing import booked
from tests.conftest import EmbeddedAws


def test_provisioning_again_makes_nothing(aws: EmbeddedAws) -> None:
    assert provision() == []


def test_a_table_that_is_missing_is_made(aws: EmbeddedAws) -> None:
    table, client = settings().table("guards"), boto3.Session().client("dynamodb")
    client.delete_table(TableName=table)
    assert provision() == [table]
    assert client.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"


def test_a_table_of_an_older_version_gets_the_indexes_that_it_lacks(practice: Practice) -> None:
    made = booked(practice)
    table, client = settings().table("booking"), boto3.Session().client("dynamodb")
    client.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_staff"}}])
    aws_clients.forget_clients()
    assert provision() == [f"{table}/by_staff"]
    theirs = AppointmentFilter(company_id=made.company_id, by="staff", record_id=str(made.staff_id))
    assert [one.id for one in appointment_store.each_appointment(theirs)] == [made.id]
