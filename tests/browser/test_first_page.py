"""A newcomer's first minutes."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit, every_way
from tests.browser.hands import Hand

PROMPT = "When a Zendesk ticket is urgent, alert the team on Slack, otherwise create a Jira issue."


@every_way("1440-light-pointer", "390-dark-keyboard")
def test_from_the_first_visit_to_a_workflow(visit: Visit, hand: Hand) -> None:
    """The overview leads to the playground; describe a process, generate, read steps and cost, rate it."""
    page = visit.open()
    hand.press(page, "Describe a process", "Playground")
    expect(page.get_by_role("heading", name="Playground", level=1)).to_be_visible(timeout=20_000)
    hand.write(page, "Describe the process", PROMPT)
    hand.press(page, "Generate")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("What it took")).to_be_visible(timeout=60_000)

    expect(page.get_by_text("Cost of all attempts")).to_be_visible()
    expect(page.get_by_role("button", name="Download as JSON")).to_be_visible()
    page.get_by_role("tab", name="Graph").click()
    expect(page.locator("[data-testid=stGraphVizChart] svg")).to_be_visible(timeout=20_000)
    hand.press(page, "Thumbs up")
    expect(page.get_by_text("You rated this workflow good")).to_be_visible(timeout=20_000)
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert visit.foreign_hosts() == set()


@every_way("390-light-pointer")
def test_cancel(visit: Visit, hand: Hand) -> None:
    """A running generation stops on request and says so."""
    page = visit.open("/playground")
    hand.write(page, "Describe the process", PROMPT)
    hand.press(page, "Generate")
    hand.press(page, "Cancel")

    expect(page.get_by_text("The generation was cancelled")).to_be_visible(timeout=20_000)


def test_bad_input(phone: Visit) -> None:
    """An empty description gets a message, no traceback."""
    page = phone.open("/playground")
    page.get_by_role("button", name=re.compile("^Generate(?! again)")).click(timeout=20_000)

    expect(page.get_by_text("The description is empty")).to_be_visible(timeout=20_000)


def test_what_people_type_is_shown_as_typed(phone: Visit) -> None:
    """A picture in a description is neither drawn nor fetched, and a link stays plain text."""
    page = phone.open("/playground")
    prompt = "Send ![x](http://foreign.example/x.png) and [y](http://foreign.example/) to **Slack** <img src=x>"
    page.get_by_label("Describe the process").fill(prompt)
    page.get_by_role("button", name=re.compile("^Generate(?! again)")).click()
    expect(page.get_by_text("What it took")).to_be_visible(timeout=60_000)

    # An invisible character keeps Markdown from linking bare addresses.
    assert page.get_by_role("blockquote").inner_text().replace("\u2060", "").strip() == prompt
    assert phone.foreign_hosts() == set()
    assert page.locator("[data-testid=stMain] img").count() == 0
    assert page.locator("[data-testid=stMain] a[href*=foreign]").count() == 0


@every_way("1440-dark-keyboard")
def test_a_fallback_survives_a_reload_and_is_opened_elsewhere(visit: Visit, hand: Hand) -> None:
    """Watch the fallback, reload in the middle, open the same generation in a second tab, generate again."""
    page = visit.open("/playground")
    hand.write(page, "Describe the process", PROMPT)
    hand.press(page, "For this generation only")
    hand.choose(page, "Force the primary to fail with", "Bad step")
    hand.press(page, "Generate")
    expect(page.get_by_text("GPT-4o mini: validation failed. Asking Claude Sonnet 4")).to_be_visible(timeout=60_000)
    page.reload()
    expect(page.get_by_text("What it took")).to_be_visible(timeout=60_000)

    expect(page.get_by_text("What it answered, and why that was rejected")).to_be_visible()
    second = visit.another(page.url.removeprefix(visit.address))
    expect(second.get_by_text("What it took")).to_be_visible(timeout=60_000)
    hand.press(second, "Generate again")
    expect(second.get_by_text("It replaces an earlier generation")).to_be_visible(timeout=60_000)
    expect(second).not_to_have_url(page.url)
