"""A newcomer's first minutes."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser.conftest import Visit

PROMPT = "When a Zendesk ticket is urgent, alert the team on Slack, otherwise create a Jira issue."


def test_a_workflow_from_words(visit: Visit, console: str) -> None:
    """Describe, generate, read steps and price; nothing scrolls sideways, nothing foreign is asked for."""
    page = visit.page
    page.get_by_label("Describe the process").fill(PROMPT)
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("What it took")).to_be_visible(timeout=60_000)

    expect(page.get_by_text("Cost of all attempts")).to_be_visible()
    expect(page.get_by_role("button", name="Download as JSON")).to_be_visible()
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert {urlsplit(url).netloc for url in visit.requests if url.startswith("http")} == {urlsplit(console).netloc}


def test_by_keyboard_alone(phone: Visit) -> None:
    """Type, leave the field with Tab, reach the button, press it."""
    page = phone.page
    page.get_by_label("Describe the process").focus()
    page.keyboard.type("Read the mail and summarise it")
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == "Generate":
            break
    page.keyboard.press("Enter")

    expect(page.get_by_text("What it took")).to_be_visible(timeout=60_000)


def test_cancel(phone: Visit) -> None:
    """A running generation stops on request and says so."""
    page = phone.page
    page.get_by_label("Describe the process").fill(PROMPT)
    page.get_by_role("button", name="Generate").click()
    page.get_by_role("button", name="Cancel").click(timeout=20_000)

    expect(page.get_by_text("The generation was cancelled")).to_be_visible(timeout=20_000)


def test_bad_input(phone: Visit) -> None:
    """An empty description gets a sentence, no traceback."""
    page = phone.page
    page.get_by_role("button", name="Generate").click(timeout=20_000)

    expect(page.get_by_text("The description is empty")).to_be_visible(timeout=20_000)
