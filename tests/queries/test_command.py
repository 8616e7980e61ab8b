"""`python -m queries report` and `python -m store recount`, run from a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from orchestrator.environment import is_simulated
from queries.__main__ import main
from queries.filters import default_source
from store.environment import PROJECT
from tests.conftest import open_folder


@pytest.fixture(name="data_dir", scope="module")
def data_dir_fixture() -> Iterator[Path]:
    """A data folder with a week of sample data, its server left running for these tests."""
    for folder in open_folder():
        assert run(folder, "store", "dsn").returncode == 0
        assert run(folder, "store", "sample-data", "--days", "7", "--per-day", "20").returncode == 0
        yield folder
        run(folder, "store", "stop")


def run(
    data_dir: Path, module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command and return it once it has finished."""
    variables = os.environ | {"ORCHESTRATOR_DATA_DIR": str(data_dir / "data")} | dict(environment or {})
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_json_is_one_line_and_nothing_else(data_dir: Path) -> None:
    """It has the keys that other programs rely on; without a model key, simulated events and so the sample count."""
    outcome = run(data_dir, "queries", "report", "--json")
    report = json.loads(outcome.stdout)

    assert (outcome.returncode, outcome.stderr, outcome.stdout.count("\n")) == (0, "", 1)
    assert report["source"] == "simulated"
    assert report["generations"] > 50
    assert set(report) >= {
        "generations", "failed", "success_rate_pct", "fallback_rate_pct", "fallback_reasons", "cost_usd",
        "cost_failed_usd", "wasted_cost_usd", "baseline_cost_usd", "savings_usd", "savings_pct",
        "cost_per_workflow_usd", "by_generator", "latency_ms", "regeneration_rate_pct",
    }  # fmt: skip
    assert set(report["by_generator"]["gpt-4o-mini"]) == {
        "generations", "cost_usd", "cost_per_workflow_usd", "latency_ms", "validation_success_pct",
        "api_error_rate_pct", "execution_success_pct", "satisfaction_pct",
    }  # fmt: skip


def test_a_period_without_data_is_done(data_dir: Path) -> None:
    """Exit code 0 and null for every rate; with a model key, real events count, and there are none."""
    key = {"OPENAI_API_KEY": "k"}
    outcome = run(data_dir, "queries", "report", "--json", environment=key)
    report = json.loads(outcome.stdout)

    assert outcome.returncode == 0
    assert (report["source"], report["generations"], report["fallback_rate_pct"]) == ("real", 0, None)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--from", "2026-11-02", "--to", "2026-11-01"], "before it begins"),
        (["--from", "yesterday"], "is not a date"),
        (["--to", "0001-01-05"], "must lie between"),
        (["--time-zone", "Mars/Olympus"], "no time zone"),
        (["--source", "imagined"], "invalid choice"),
    ],
)
def test_wrong_usage(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and one sentence, before a store is opened."""
    try:
        code: object = main(["report", *arguments])
    except SystemExit as left:  # argparse exits by itself
        code = left.code
    printed = capsys.readouterr()

    assert (code, printed.out) == (2, "")
    assert sentence in printed.err


def test_people_get_a_table(data_dir: Path) -> None:
    """One figure per line, aligned in one column, "-" for unknown."""
    lines = run(data_dir, "queries", "report", "--source", "all").stdout.splitlines()
    figures = [line for line in lines if len(line.split()) > 1]

    assert ["without_cost", "0"] in [line.split() for line in figures]
    assert len({line.rindex(" ") for line in figures}) == 1
    unknown = run(data_dir, "queries", "report", "--source", "real").stdout.splitlines()
    assert [line.split() for line in unknown if line.startswith("fallback_rate_pct")] == [["fallback_rate_pct", "-"]]


def test_a_recount_agrees(data_dir: Path) -> None:
    """It also prints the number of events."""
    outcome = run(data_dir, "store", "recount")

    assert outcome.returncode == 0
    assert "All counts agree with the" in outcome.stderr


@pytest.mark.parametrize(
    ("environment", "source"),
    [
        ({}, "simulated"),
        ({"OPENAI_API_KEY": " "}, "simulated"),
        ({"ANTHROPIC_API_KEY": "k"}, "real"),
        ({"ANTHROPIC_API_KEY": "k", "ORCHESTRATOR_OFFLINE": "1"}, "simulated"),
    ],
)
def test_the_default_source(environment: dict[str, str], source: str) -> None:
    """Real if real models are asked."""
    assert default_source(simulated=is_simulated(environment)) == source
