"""The public API: sorted, complete, importable without connecting to anything."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["orchestrator", "store", "orchestrator.providers", "orchestrator.simulator"])
def test_the_face_is_sorted_and_complete(name: str) -> None:
    """Every name in __all__ exists, in order."""
    package = importlib.import_module(name)

    assert sorted(package.__all__) == list(package.__all__)
    assert all(hasattr(package, member) for member in package.__all__)


def test_importing_loads_no_sdk() -> None:
    """The heavy libraries are loaded on first use, not on import."""
    code = (
        "import sys, orchestrator, store, store.hosted.supabase;"
        "print(sorted({'openai', 'anthropic', 'supabase', 'genai_prices', 'pandas', 'streamlit'} & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == "[]"
