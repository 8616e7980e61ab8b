"""Which services a description names."""

from __future__ import annotations

import pytest

from orchestrator.workflow.services import mentioned


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("When a zendesk ticket is urgent, tell the team on SLACK.", ["Slack", "Zendesk"]),
        ("Add a row to Google Sheets and to Google  Calendar", ["Google Calendar", "Google Sheets"]),
        ("Open a github issue, then a GitHub pull request", ["GitHub"]),
        ("Put it in a box, with a notion of an outlook", []),
        ("Upload it to Box and to Notion", ["Box", "Notion"]),
        ("slackers and jirafications", []),
        ("毎朝Slackに送る", ["Slack"]),
    ],
)
def test_named_services(text: str, names: list[str]) -> None:
    """Whole words in any case; a name that is also a word only with its capital letter."""
    assert mentioned(text) == names
