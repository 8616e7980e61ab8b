"""Where the configuration comes from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator import bootstrap
from orchestrator.environment import ModelConfiguration, read_environment
from orchestrator.errors import InvalidEnvironment
from orchestrator.providers.anthropic import Anthropic
from orchestrator.providers.http import check_network
from orchestrator.providers.openai import OpenAI
from store import InvalidInput, StoreSettings, connect
from store.__main__ import main


def test_the_nearer_source_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process environment takes precedence over .env, and that over secrets.toml; blank values count as not set."""
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(
        'A = "toml"\nB = "toml"\nC = "toml"\nD = 1.5\n[section]\nx = 1\n'
    )
    (tmp_path / ".env").write_text("A=env\nB=env\nE=\n")
    monkeypatch.setenv("A", "process")

    found = read_environment(tmp_path)

    assert (found["A"], found["B"], found["C"], found["D"]) == ("process", "env", "toml", "1.5")
    assert "E" not in found


def test_a_broken_file_gets_a_sentence(tmp_path: Path) -> None:
    """The message names the file, but not its content."""
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text("OPENAI_API_KEY = sk-secret")

    with pytest.raises(InvalidInput, match=r"secrets\.toml") as caught:
        read_environment(tmp_path)
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["http://me:s3cret@proxy:PORT", "proxy", "ftp://proxy", "https://"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    """The value is not quoted: it may contain a password."""
    with pytest.raises(InvalidEnvironment, match="OPENAI_BASE_URL") as caught:
        ModelConfiguration.from_environment({"OPENAI_BASE_URL": address})
    assert "s3cret" not in str(caught.value)


def test_a_blank_address_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDKs, which also read the environment, get the public URL."""
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "")

    assert OpenAI("key")._made().base_url.host == "api.openai.com"
    assert Anthropic("key")._made().base_url.host == "api.anthropic.com"


def test_each_database_has_an_outbox_of_its_own(tmp_path: Path) -> None:
    """Records for one database are never given to another, nor removed with it."""
    folders = {
        StoreSettings(tmp_path, url, url and "key").outbox for url in (None, "https://a.example", "https://b.example")
    }

    assert len(folders) == 3
    assert {folder.parent for folder in folders} == {tmp_path}


def test_half_a_pair_is_refused() -> None:
    """For a URL without its key, or an e-mail address without its password, the missing variable is named."""
    with pytest.raises(InvalidInput, match="SUPABASE_KEY is missing"):
        StoreSettings.from_environment({"SUPABASE_URL": "https://x"})
    with pytest.raises(InvalidInput, match="ORCHESTRATOR_EMAIL is missing"):
        StoreSettings.from_environment({"ORCHESTRATOR_PASSWORD": "x"})


@pytest.mark.parametrize(
    ("environment", "offline"),
    [
        ({}, True),
        ({"OPENAI_API_KEY": "k"}, False),
        ({"ANTHROPIC_API_KEY": "k"}, False),
        ({"OPENAI_API_KEY": "k", "ORCHESTRATOR_OFFLINE": "1"}, True),
        ({"OPENAI_API_KEY": "k", "ORCHESTRATOR_OFFLINE": "0"}, False),
        ({"OPENAI_API_KEY": "k", "ORCHESTRATOR_OFFLINE": "Off"}, False),
        ({"OPENAI_API_KEY": "k", "ORCHESTRATOR_OFFLINE": "yes"}, True),
    ],
)
def test_when_models_are_simulated(environment: dict[str, str], offline: bool) -> None:
    """Models are simulated without any key, or on request."""
    assert ModelConfiguration.from_environment(environment).offline is offline


def test_offline_is_said_or_not() -> None:
    """A value that is neither yes nor no is rejected: guessing could spend money, or fail to."""
    with pytest.raises(InvalidInput, match="ORCHESTRATOR_OFFLINE"):
        ModelConfiguration.from_environment({"ORCHESTRATOR_OFFLINE": "maybe"})


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf", "1e9"])
def test_a_limit_must_be_a_number(value: str) -> None:
    """The message names the variable."""
    with pytest.raises(InvalidEnvironment, match="ORCHESTRATOR_ATTEMPT_TIMEOUT_S"):
        ModelConfiguration.from_environment({"ORCHESTRATOR_ATTEMPT_TIMEOUT_S": value})


def test_secrets_do_not_show() -> None:
    """Neither configuration prints a key."""
    shown = repr(ModelConfiguration.from_environment({"OPENAI_API_KEY": "sk-1", "ANTHROPIC_API_KEY": "sk-2"}))
    shown += repr(
        StoreSettings.from_environment(
            {
                "SUPABASE_URL": "https://a.supabase.co",
                "SUPABASE_KEY": "sk-3",
                "SUPABASE_EMAIL": "e",
                "SUPABASE_PASSWORD": "sk-4",
            }
        )
    )

    assert "sk-" not in shown


@pytest.mark.parametrize("address", [" ", "postgresql://\udcff"])
@pytest.mark.parametrize("command", [["migrate"], ["grant", "a@example.com", "admin"], ["recount"]])
def test_an_address_that_cannot_be_one(command: list[str], address: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever bytes come from the command line, the answer is a sentence."""
    assert main([*command, "--url", address]) != 0
    assert "--url is blank" in (told := capsys.readouterr().err) or "is malformed" in told


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"])
@pytest.mark.parametrize(
    "key", ["“sk-1”", "sk 1", "sk-1\nsk-2", "sk-\u200b1", "sk-\xa01", '"sk-1"', "<sk-1>", "clé", "a\tb"]
)
def test_a_key_that_is_none_is_named(name: str, key: str) -> None:
    """A malformed key is reported at start by its variable, without quoting it; no model is blamed."""
    with pytest.raises(InvalidInput, match=f"{name} contains a character that no key has") as caught:
        ModelConfiguration.from_environment({name: key})
    assert "sk" not in str(caught.value)


@pytest.mark.parametrize("key", [" sk-1\n", "\ufeffsk-1", "sk-1\u200b", "\xa0sk-1"])
def test_what_copying_brings_along_is_no_part_of_a_key(key: str) -> None:
    """Whitespace, line breaks and invisible characters around a key are removed."""
    assert ModelConfiguration.from_environment({"OPENAI_API_KEY": key}).keys["openai"] == "sk-1"
    settings = StoreSettings.from_environment({"SUPABASE_URL": " https://a.supabase.co\n", "SUPABASE_KEY": key})
    assert (settings.supabase_url, settings.supabase_key) == ("https://a.supabase.co", "sk-1")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        *(("OPENAI_BASE_URL", f"https://x.example{end}") for end in (
            "/v1/v1", "/v1/chat/completions", "/v1/chat", "/chat/completions/", "/v1/responses", "/v1//", "/v1?a=b",
            "/v1#a",
        )),
        *(("OPENAI_BASE_URL", url) for url in (
            "https://api.openai.com", "https://me:pw@x.example/v1", "https://x.example:99999/v1", "https://x.exa\u200bmple",
        )),
        *(("ANTHROPIC_BASE_URL", f"https://x.example{end}") for end in ("/v1", "/v1/", "/v1/messages", "/v1/v1", "//")),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_right_is_said(name: str, address: str) -> None:
    """The SDK appends its own path; a base URL that already ends in it, or in something else, would never work."""
    with pytest.raises(InvalidEnvironment, match=name):
        ModelConfiguration.from_environment({name: address})


@pytest.mark.parametrize("address", ["https://x.example/v1", "https://x.example/v1/ ", "http://127.0.0.1:1/openai/v1"])
def test_an_address_that_can_be_right_is_taken(address: str) -> None:
    """Gateways may have their own paths."""
    assert ModelConfiguration.from_environment({"OPENAI_BASE_URL": address}).base_urls["openai"] == address.strip()


@pytest.mark.parametrize(
    "url", ["https://a.supabase.co/rest/v1", "https://supabase.com/dashboard/project/a", "a.supabase.co", "https://"]
)
def test_a_project_that_is_none_is_said(url: str) -> None:
    """A URL with a path is not that of a project."""
    with pytest.raises(InvalidInput, match="SUPABASE_URL"):
        StoreSettings.from_environment({"SUPABASE_URL": url, "SUPABASE_KEY": "k"})


def test_nothing_in_a_file_is_expanded(tmp_path: Path) -> None:
    """A password may contain any character; a byte-order mark and Windows line endings are dropped."""
    (tmp_path / ".env").write_bytes("\ufeffA='a${HOME}b'\r\nB=\"pa$$word\"\r\nexport C=c\r\n# D=${x}\r\n".encode())
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_bytes('\ufeffE = "e"\n'.encode())
    found = read_environment(tmp_path)

    assert (found["A"], found["B"], found["C"], found["E"]) == ("a${HOME}b", "pa$$word", "c", "e")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"A=1\nOPENAI API KEY=sk-1\n", "Line 2 of .env"),
        (b"just sk-1 text", "Line 1 of .env"),
        (b"\n\nOPENAI_API_KEY: sk-1", "Line 3 of .env"),
        (b'A="sk-1\nB=2', "Line 1 of .env"),
        (b"export sk-1", "Line 1 of .env"),
        ("A=clé".encode("latin-1"), "not UTF-8"),
        ("A=1".encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_line_that_is_not_understood_is_named(tmp_path: Path, text: bytes, sentence: str) -> None:
    """The message does not quote the line; ignoring it silently would leave the models simulated."""
    (tmp_path / ".env").write_bytes(text)
    with pytest.raises(InvalidInput, match=sentence) as caught:
        read_environment(tmp_path)
    assert "sk-1" not in str(caught.value)


def test_a_variable_in_a_table_is_named(tmp_path: Path) -> None:
    """Inside a table, the variable would be ignored."""
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text('[models]\nOPENAI_API_KEY = "sk-1"\n')
    with pytest.raises(InvalidInput, match=r"OPENAI_API_KEY is in the table \[models\]"):
        read_environment(tmp_path)


NETWORKS = [
    ("ALL_PROXY", "socks4://127.0.0.1:9", "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"),
    ("HTTPS_PROXY", "http://me:pw@proxy:80x", "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"),
    ("SSL_CERT_FILE", "/does/not/exist", "SSL_CERT_FILE"),
]


@pytest.mark.parametrize(("name", "value", "named"), NETWORKS)
def test_a_network_that_cannot_be_used_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, named: str
) -> None:
    """Unusable proxies and certificates are reported at start, for models and Supabase, by the variables' names."""
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidEnvironment, match=named) as caught:
        bootstrap({"OPENAI_API_KEY": "sk-1", "ORCHESTRATOR_DATA_DIR": str(tmp_path)})
    with pytest.raises(InvalidInput, match=named):
        connect(StoreSettings(tmp_path, "https://a.supabase.co", "k"))
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("value", ["::1", "[::1]", "[::1]:8080", "fe80::/10", "a, b:80x,*"])
def test_exceptions_to_a_proxy_may_be_of_any_form(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str) -> None:
    """A SOCKS proxy works too."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", value)
    check_network()
    connect(StoreSettings(tmp_path, "https://a.supabase.co", "k")).close()


def test_sentences_stay_where_docstrings_go() -> None:
    """PYTHONOPTIMIZE=2 strips docstrings, but not the messages."""
    script = (
        "from store import errors as e; print([str(kind()) for kind in (e.StoreError, *e.StoreError.__subclasses__())])"
    )
    done = subprocess.run([sys.executable, "-OO", "-c", script], capture_output=True, text=True, check=True)

    assert "''" not in done.stdout
    assert "did not answer" in done.stdout
