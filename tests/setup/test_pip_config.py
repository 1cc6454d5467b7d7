"""What `pip config list` prints, said to uv."""

from pathlib import Path

import pytest

from infra.setup.pip_config import translate

CERTIFIED = {"SSL_CERT_FILE": "/etc/ssl/all.pem"}


def configured(*lines: str, **environ: str) -> dict[str, str]:
    """The variables for these lines, on a machine that has its certificates in the usual place."""
    return translate("\n".join(lines), {**CERTIFIED, **environ}).variables


def test_nothing_configured_means_the_systems_certificates() -> None:
    assert translate("", {}).variables == {"UV_SYSTEM_CERTS": "1"}
    assert translate("", {}).flags == ()
    assert configured() == {}


@pytest.mark.parametrize(
    ("line", "variable", "value"),
    [
        ("global.cert='/etc/company.pem'", "SSL_CERT_FILE", "/etc/company.pem"),
        ("global.client-cert='/etc/me.pem'", "SSL_CLIENT_CERT", "/etc/me.pem"),
        ("global.index-url='https://mirror.example/simple'", "UV_DEFAULT_INDEX", "https://mirror.example/simple"),
        ("global.trusted-host='a.example b.example'", "UV_INSECURE_HOST", "a.example b.example"),
        (":env:.default-timeout='180'", "UV_HTTP_TIMEOUT", "180"),
        ("install.timeout='60'", "UV_HTTP_TIMEOUT", "60"),
        ("global.proxy='http://proxy.example:3128'", "HTTPS_PROXY", "http://proxy.example:3128"),
        ("global.proxy='proxy.example:3128'", "HTTP_PROXY", "http://proxy.example:3128"),
    ],
)
def test_each_setting_has_its_variable(line: str, variable: str, value: str) -> None:
    assert configured(line)[variable] == value


def test_a_certificate_of_pip_is_not_joined_by_the_systems() -> None:
    assert translate("global.cert='/etc/company.pem'", {}).variables == {"SSL_CERT_FILE": "/etc/company.pem"}


def test_several_indexes_are_asked_as_pip_asks_them() -> None:
    # From a file with a value on several lines.
    line = r"global.extra-index-url='\nfile:///opt/one/simple\nhttps://two.example/simple'"
    assert configured(line) == {
        "UV_INDEX": "file:///opt/one/simple https://two.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_folders_of_files_that_are_there(tmp_path: Path) -> None:
    spaced = tmp_path / "two words"
    spaced.mkdir()
    url = spaced.as_uri()
    line = f"global.find-links='{tmp_path} {tmp_path / 'gone'} {url} file:///gone https://files.example/'"
    assert configured(line) == {"UV_FIND_LINKS": f"{tmp_path},{url},https://files.example/"}
    assert configured(f"global.find-links='{tmp_path / 'gone'}'") == {}


@pytest.mark.parametrize(
    ("value", "flags"), [("true", ("--no-index",)), ("1", ("--no-index",)), ("false", ()), ("0", ())]
)
def test_no_index_is_a_flag(value: str, flags: tuple[str, ...]) -> None:
    assert translate(f"global.no-index='{value}'", CERTIFIED).flags == flags


def test_the_environment_overrules_the_command_and_that_the_rest() -> None:
    everywhere, installing, here = (
        f"{s}.index-url='https://{s.strip(':')}.example'" for s in ("global", "install", ":env:")
    )
    assert configured(everywhere)["UV_DEFAULT_INDEX"] == "https://global.example"
    assert configured(installing, everywhere)["UV_DEFAULT_INDEX"] == "https://install.example"
    assert configured(here, installing, everywhere)["UV_DEFAULT_INDEX"] == "https://env.example"


def test_other_commands_and_other_settings_say_nothing() -> None:
    lines = ("download.index-url='https://x.example'", "global.constraint='/etc/constraints.txt'", "global.quiet='1'")
    assert configured(*lines, "WARNING: something else", "") == {}


def test_what_uv_was_told_itself_stays() -> None:
    lines = ("global.index-url='https://mirror.example'", "global.extra-index-url='https://more.example'")
    assert configured(*lines, UV_DEFAULT_INDEX="https://mine.example", UV_INDEX_STRATEGY="first-index") == {
        "UV_INDEX": "https://more.example"
    }


def test_a_lock_knows_nothing_of_what_one_machine_has_beside_the_index(tmp_path: Path) -> None:
    lines = (
        *("global.index-url='https://mirror.example'", "global.cert='/etc/company.pem'"),
        *("global.extra-index-url='file:///opt/pypi'", f"global.find-links='{tmp_path}'"),
    )
    found = translate("\n".join(lines), CERTIFIED, own_index_only=True).variables
    assert found == {"UV_DEFAULT_INDEX": "https://mirror.example", "SSL_CERT_FILE": "/etc/company.pem"}
