"""The secret that seals personal values is made once for a stage, and stays."""

from chalicelib.core import aws as clients
from chalicelib.core.personal import SHORTEST_SECRET
from infra import people_key
from tests.conftest import EmbeddedAws


def test_it_is_made_up_once(aws: EmbeddedAws) -> None:
    ssm, said = clients.client("ssm"), list[str]()
    people_key.ensure(ssm, "pilot-test", said.append)
    first = ssm.get_parameter(Name="/pilot-test/people_key", WithDecryption=True)["Parameter"]
    assert (first["Type"], len(first["Value"]) >= SHORTEST_SECRET) == ("SecureString", True)
    people_key.ensure(ssm, "pilot-test", said.append)
    assert ssm.get_parameter(Name="/pilot-test/people_key", WithDecryption=True)["Parameter"]["Value"] == first["Value"]
    assert len(said) == 1
    assert first["Value"] not in said[0]
    people_key.ensure(ssm, "pilot-other", said.append)
    other = ssm.get_parameter(Name="/pilot-other/people_key", WithDecryption=True)["Parameter"]["Value"]
    assert other != first["Value"]
