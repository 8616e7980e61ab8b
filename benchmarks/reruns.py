"""How long a page's script runs when a control changes, compared with a bare page."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from streamlit.testing.v1 import AppTest

from benchmarks.measure import Comparison, compare
from pages.parts import console
from pages.parts.frame import menu
from store.sample import add_sample_data

_SHELL = Path(__file__).parents[1] / "pages" / "shell.py"
_BARE = Path(__file__).parent / "bare_page.py"


def measure() -> Iterator[Comparison]:
    """Every page over 30 days of sample data."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # Postgres runs as another user where root runs this
        os.environ |= {"ORCHESTRATOR_DATA_DIR": f"{folder}/data", "ORCHESTRATOR_OFFLINE": "1"}
        try:
            for _ in add_sample_data(console.application().person(), days=30, per_day=100):
                pass
            bare = AppTest.from_file(str(_BARE), default_timeout=60).run()
            for name in (entry.file for entry in menu.PAGES):
                page = AppTest.from_file(str(_SHELL), default_timeout=60).run().switch_page(name)
                yield compare(f"Rerun of {name}", page.run, "a bare Streamlit page", bare.run)
        finally:
            console.close()
