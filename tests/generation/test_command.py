"""`python -m orchestrator` as its user runs it: in its own process, on an empty folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from genai_prices import Usage, calc_price

from orchestrator.__main__ import main
from store.embedded.cluster import Cluster
from tests.generation.conftest import Run


def one_line(text: str) -> bool:
    """Whether this is exactly one line and no traceback."""
    return text.count("\n") == 1 and "Traceback" not in text


def test_one_prompt_as_json(run: Run) -> None:
    """Exactly one line of JSON on stdout, everything else on stderr, exit code 0."""
    done = run("generate", "Alert the team", "--services", "Slack, Jira", "--agent-id", "agent-7", "--json")
    result = json.loads(done.stdout, parse_float=Decimal)

    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    assert (result["generator_used"], result["agent_id"]) == ("gpt-4o-mini", "agent-7")
    assert {step["service"] for step in result["pilot_steps"]} >= {"Slack", "Jira"}
    used = result["tokens_used"]
    listed = calc_price(
        Usage(input_tokens=used["input"], output_tokens=used["output"]), result["api_model"], provider_id="openai"
    )
    assert result["cost_usd"] == listed.total_price


def test_models_and_failure_for_one_prompt(run: Run) -> None:
    """The playground's options: other models, no fallback, and a failure of the simulated first model."""
    chosen = run("generate", "Alert", "--primary", "claude-sonnet-4", "--no-fallback", "--json")
    second = ["--primary", "claude-sonnet-4", "--fallback", "gpt-6-luna"]
    failing = run("generate", "Alert", *second, "--force-failure", "bad_step", "--json")
    nothing = run("generate", "Alert", "--no-fallback", "--force-failure", "bad_step", "--json")

    assert json.loads(chosen.stdout)["generator_used"] == "claude-sonnet-4"
    assert [attempt["model"] for attempt in json.loads(failing.stdout)["attempts"]] == ["claude-sonnet-4", "gpt-6-luna"]
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert run("generate", "Alert", "--fallback", "gpt-6-luna", "--no-fallback").returncode == 2


def test_one_prompt_for_people(run: Run) -> None:
    """Without --json the steps are listed, and the last line contains the cost and the generation id."""
    done = run("generate", "Alert the team", "--services", "Slack")

    assert done.returncode == 0
    assert "[Slack]" in done.stdout
    assert "simulated; generation " in done.stdout.splitlines()[-1]


def test_every_result_is_in_the_log(run: Run, data: Path) -> None:
    """What the command printed equals what the events say, to the last digit."""
    printed = json.loads(run("generate", "Alert the team", "--json").stdout, parse_float=Decimal)
    server = Cluster(data)
    server.attach()
    statement = "select (details->>'cost_usd')::numeric from public.audit_logs where details->>'generation_id' = %s"
    with psycopg.connect(server.dsn()) as owner:
        recorded = owner.execute(statement, [printed["generation_id"]]).fetchall()
    server.leave()

    assert recorded == [(printed["cost_usd"],)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["generate", ""], "empty"),
        (["generate", "x" * 100_000], "at most 20,000"),
        (["generate", "x", "--services", "a\x07b"], "control characters"),
        (["generate", "x", "--services", "s" * 101], "101 characters"),
        (["generate"], "either a prompt or --file"),
        (["generate", "x", "--file", "y"], "either a prompt or --file"),
        (["generate", "--file", "/does/not/exist"], "cannot be read"),
        (["generate", "--file", "y", "--services", "Gmail"], "go with a prompt"),
        (["generate", "--file", "y", "--agent-id", "a"], "go with a prompt"),
        (["settings", "--set", "orchestrator_primary_model=gpt-99"], "must be one of"),
        (["settings", "--set", "colour=red"], "no such setting"),
        (["settings", "--set", "colour"], "key=value"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_gets_one_line(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    """Exit code 2, nothing on stdout, one sentence on stderr."""
    monkeypatch.setenv("ORCHESTRATOR_DATA_DIR", str(data))
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # this process also runs the tests
    code = main(arguments)
    printed = capsys.readouterr()

    assert (code, printed.out) == (2, ""), printed.err
    assert one_line(printed.err)
    assert sentence in printed.err


def test_a_bad_variable_gets_one_line(run: Run) -> None:
    """A limit that is not a number and a primary model without a key are rejected before any model is asked."""
    for environment, sentence in (
        ({"ORCHESTRATOR_ATTEMPT_TIMEOUT_S": "soon"}, "ORCHESTRATOR_ATTEMPT_TIMEOUT_S"),
        ({"ANTHROPIC_API_KEY": "sk-secret"}, "OPENAI_API_KEY is not set"),
    ):
        done = run("generate", "x", **environment)
        assert (done.returncode, done.stdout, one_line(done.stderr)) == (1, "", True)
        assert sentence in done.stderr
        assert "sk-secret" not in done.stderr


def test_settings_are_shown_and_changed(run: Run) -> None:
    """One line of JSON with the three keys and the version."""
    before = json.loads(run("settings", "--json").stdout)
    changed = json.loads(run("settings", "--set", "orchestrator_enable_fallback=false", "--json").stdout)
    restored = json.loads(run("settings", "--set", "orchestrator_enable_fallback=true", "--json").stdout)

    assert before["orchestrator_primary_model"] == "gpt-4o-mini"
    assert changed["orchestrator_enable_fallback"] is False
    assert (changed["version"], restored["version"]) == (before["version"] + 1, before["version"] + 2)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_books_what_it_spent(data: Path, stop: signal.Signals) -> None:
    """Ctrl-C in the middle of an answer: one line, exit code 1, a CANCELLED event."""
    with subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "generate", "A long process"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"ORCHESTRATOR_DATA_DIR": str(data), "ORCHESTRATOR_OFFLINE_SPEED": "50"},
        # A background job of a shell ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Asking")
        process.send_signal(stop)
        _, rest = process.communicate(timeout=30)

    assert process.returncode == 1
    assert one_line(rest)
    assert newest_event(data)["cause"] == "cancelled"


def newest_event(data: Path) -> dict[str, Any]:
    server = Cluster(data)
    server.attach()
    with psycopg.connect(server.dsn()) as owner:
        row = owner.execute("select details from public.audit_logs order by timestamp desc limit 1").fetchone()
    server.leave()
    assert row is not None
    return dict(row[0])


def test_any_terminal_can_print_what_was_paid_for(run: Run) -> None:
    """The output is UTF-8 whatever the locale."""
    done = run("generate", "أرسل تقريرًا 🎉 then 日本語 to the team", "--json", PYTHONIOENCODING="ascii")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pilot_steps"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_gets_a_sentence(data: Path) -> None:
    """This also holds if the output goes to a file."""
    environment = os.environ | {"ORCHESTRATOR_DATA_DIR": str(data), "ORCHESTRATOR_OFFLINE_SPEED": "0"}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator", "generate", "Tell Slack", "--json"],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=90, check=False, env=environment,
        )  # fmt: skip

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "could not be written" in done.stderr


def test_whoever_ends_without_closing_has_booked_what_ran(data: Path) -> None:
    """A program exits in the middle of a generation: what the attempt spent is in the log."""
    program = """
from orchestrator import GenerationOptions, bootstrap
from orchestrator.request import checked_request
from threading import Event
begun, asked = Event(), {"agent_id": None, "user_id": "00000000-0000-4000-8000-000000000001", "origin": "api"}
request = checked_request(prompt="A long process", services=[], **asked)
bootstrap().orchestrator.start(request, GenerationOptions(), lambda event: begun.set())
assert begun.wait(60)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, timeout=90, check=False,
        env=os.environ | {"ORCHESTRATOR_DATA_DIR": str(data), "ORCHESTRATOR_OFFLINE_SPEED": "50"},
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert newest_event(data)["cause"] == "cancelled"
