"""Where configuration comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.configuration import ModelConfiguration
from orchestrator.errors import InvalidSettings
from orchestrator.providers.anthropic import Anthropic
from orchestrator.providers.openai import OpenAI
from store import InvalidInput, StoreSettings, read_environment
from store.__main__ import main


def test_the_nearer_source_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process environment beats .env, which beats secrets.toml; a blank value is none."""
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
    """The file is named, its content is not."""
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text("OPENAI_API_KEY = sk-secret")

    with pytest.raises(InvalidInput, match=r"secrets\.toml") as caught:
        read_environment(tmp_path)
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["http://me:s3cret@proxy:PORT", "proxy", "ftp://proxy", "https://"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    """And not repeated: it may hold a password."""
    with pytest.raises(InvalidSettings, match="OPENAI_BASE_URL") as caught:
        ModelConfiguration.from_environment({"OPENAI_BASE_URL": address})
    assert "s3cret" not in str(caught.value)


def test_a_blank_address_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDKs, which read the environment too, are told the public one."""
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "")

    assert OpenAI("key")._made().base_url.host == "api.openai.com"
    assert Anthropic("key")._made().base_url.host == "api.anthropic.com"


def test_each_database_has_an_outbox_of_its_own(tmp_path: Path) -> None:
    """What one would not take is never given to another, nor removed with it."""
    folders = {
        StoreSettings(tmp_path, url, url and "key").outbox for url in (None, "https://a.example", "https://b.example")
    }

    assert len(folders) == 3
    assert {folder.parent for folder in folders} == {tmp_path}


def test_half_a_pair_is_refused() -> None:
    """An address without its key, or an e-mail without its password, is named."""
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
    """Without any key, or on request."""
    assert ModelConfiguration.from_environment(environment).offline is offline


def test_offline_is_said_or_not() -> None:
    """What is neither yes nor no is refused: a guess would spend money, or would not."""
    with pytest.raises(InvalidInput, match="ORCHESTRATOR_OFFLINE"):
        ModelConfiguration.from_environment({"ORCHESTRATOR_OFFLINE": "maybe"})


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf", "1e9"])
def test_a_limit_must_be_a_number(value: str) -> None:
    """The variable is named."""
    with pytest.raises(InvalidSettings, match="ORCHESTRATOR_ATTEMPT_TIMEOUT_S"):
        ModelConfiguration.from_environment({"ORCHESTRATOR_ATTEMPT_TIMEOUT_S": value})


def test_secrets_do_not_show() -> None:
    """Neither configuration prints a key."""
    shown = repr(ModelConfiguration.from_environment({"OPENAI_API_KEY": "sk-1", "ANTHROPIC_API_KEY": "sk-2"}))
    shown += repr(
        StoreSettings.from_environment(
            {"SUPABASE_URL": "u", "SUPABASE_KEY": "sk-3", "SUPABASE_EMAIL": "e", "SUPABASE_PASSWORD": "sk-4"}
        )
    )

    assert "sk-" not in shown


@pytest.mark.parametrize("address", [" ", "postgresql://\udcff"])
@pytest.mark.parametrize("command", [["migrate"], ["grant", "a@example.com", "admin"], ["recount"]])
def test_an_address_that_cannot_be_one(command: list[str], address: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence, whatever bytes came from the command line."""
    assert main([*command, "--url", address]) != 0
    assert "--url is blank" in (told := capsys.readouterr().err) or "is not understood" in told
