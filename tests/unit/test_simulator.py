"""The plans of the simulated models."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.simulator.planner import plan
from orchestrator.workflow.validation import accepted, validate_workflow


@dataclass(frozen=True)
class Goal:
    text: str
    has_condition: bool
    services: list[str] = field(default_factory=list)


GOALS = [
    Goal("Open a Jira issue and then start a GitHub repository.", False, ["Jira", "GitHub"]),
    Goal("If the incident is severe, call the manager, otherwise send a Slack message.", True, ["Slack", "Twilio"]),
    Goal("Every Monday, read all deals from HubSpot and mail me a summary.", False, ["HubSpot", "Gmail"]),
    Goal("Delete all files in Box that are older than a year.", True, ["Box"]),
    Goal("Read the invoice. When its amount exceeds 1,000 dollars, ask for approval first.", True, ["Stripe"]),
    Goal("Translate the document to German and save it in Drive.", False, ["Google_Drive_File"]),
    Goal("Get the customers, sort them by revenue, and post the top ten to Teams.", False, ["Microsoft_Teams"]),
    Goal("Unless the order was paid, remind the customer by e-mail.", True, ["Shopify", "Gmail"]),
    Goal("Depending on the language of the ticket, forward it to the right team.", True, ["Zendesk"]),
    Goal("For each new lead, create a card and assign it to the owner.", False, ["Salesforce_Lead", "Trello_Card"]),
    Goal("Check whether the build passed; if it did not, open an issue.", True, ["GitHub_Issue"]),
    Goal("(a) make a contract (b) send it (c) store the signed copy", False, ["Dropbox"]),
    Goal("Summarise the meeting and share the minutes", False, ["Slack"]),
    Goal("Send a survey to every customer who bought something last week", True, ["Mail"]),
    Goal("Attach the incident report to a new ticket", False, ["ServiceNow_incident", "Zendesk_Ticket"]),
]


def test_conditionals_agree_with_people() -> None:
    """At least nine in ten goals get a conditional exactly when a person would say they need one."""
    agreed = [
        any(step["step_type"] == "conditional" for step in plan(goal.text, goal.services)["pilot_steps"])
        == goal.has_condition
        for goal in GOALS
    ]

    assert sum(agreed) >= 0.9 * len(GOALS)


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.text[:30])
def test_a_plan_is_sound(goal: Goal) -> None:
    """There are no findings, every service is used, and the length is what the prompt asks for."""
    steps = plan(goal.text, goal.services)["pilot_steps"]

    assert validate_workflow({"pilot_steps": steps}, goal.services) == ()
    assert set(goal.services) <= {step["service"] for step in steps}
    assert 3 <= len(steps) <= 15


def test_both_ways_of_a_condition_are_planned() -> None:
    """The branches for "if" and "otherwise" start from the same conditional."""
    goal = "If the ticket is urgent, tell Slack and create a Jira issue, otherwise send a mail."
    steps = plan(goal, ["Slack", "Jira", "Mail"])["pilot_steps"]
    condition = next(step for step in steps if step["step_type"] == "conditional")
    by_id = {step["id"]: step for step in steps}

    assert [branch["when"] for branch in condition["branches"]] == ["the ticket is urgent", "otherwise"]
    assert [by_id[branch["next"]]["service"] for branch in condition["branches"]] == ["Slack", "Mail"]


@settings(max_examples=150)
@given(
    st.text(alphabet=st.sampled_from("abc ,.;:!?()\n1\u05d0\U0001f389" + "if and then else each that"), max_size=300),
    st.lists(st.text(min_size=1, max_size=20), max_size=6, unique=True),
)
def test_any_goal_gets_an_accepted_plan(goal: str, services: list[str]) -> None:
    """Whatever the words, the answer is a valid workflow."""
    answer = plan(goal, services)

    assert accepted(validate_workflow(answer, services))
    assert plan(goal, services) == answer
