"""What does the orchestrator make of these words? Describe a process, get its workflow, its price and its attempts."""

from __future__ import annotations

import streamlit as st

from orchestrator import InvalidRequest, OrchestratorError, WorkflowGenerationResult
from orchestrator.models import named
from orchestrator.services import COMMON_SERVICES
from pages.parts import console
from pages.parts.run import Run
from pages.parts.words import NONE, money, seconds
from store import StoreError

RUN = "playground_run"
EXAMPLE = "When a Zendesk ticket is urgent, alert the team on Slack, otherwise create a Jira issue."


def begin() -> None:
    """Start a run from what stands in the form, unless one is under way."""
    running: Run | None = st.session_state.get(RUN)
    if running and running.running:
        return
    prompt, services = st.session_state["playground_prompt"], st.session_state["playground_services"]
    try:
        st.session_state[RUN] = Run.begin(console.application(), prompt, services)
        st.session_state.pop("playground_refused", None)
    except (InvalidRequest, StoreError) as error:
        st.session_state["playground_refused"] = str(error)


def show_result(result: WorkflowGenerationResult) -> None:
    """The figures, the steps, the attempts."""
    with st.grid(4, min_column_width=150):
        st.metric("Answered by", named(result.generator_used).label, border=True)
        st.metric("Cost of all attempts", money(result.cost_usd), border=True)
        st.metric("Saved", money(result.savings_usd), border=True, help="Against Claude Sonnet 4 for the same tokens.")
        st.metric("Time", seconds(result.generation_time_ms), border=True)
    for finding in result.findings:
        st.warning(finding.message, icon=":material/warning:")
    st.dataframe(steps_table(result), hide_index=True, alt="The steps of the workflow in order")
    st.subheader("What it took", anchor=False)
    st.dataframe(attempts_table(result), hide_index=True, alt="The attempts: outcome, tokens, cost and time")
    st.download_button(
        "Download as JSON", Run.document(result), f"workflow-{result.generation_id}.json", "application/json"
    )
    st.caption(f"Generation {result.generation_id}")


def steps_table(result: WorkflowGenerationResult) -> list[dict[str, object]]:
    """One row per step, the columns that matter first."""
    return [
        {
            "Step": step["id"],
            "What it does": step["operation"],
            "Service": step.get("service") or NONE,
            "Kind": step["step_type"].replace("_", " "),
            "After": ", ".join(map(str, step.get("depends_on") or ())) or NONE,
        }
        for step in result.pilot_steps
    ]


def attempts_table(result: WorkflowGenerationResult) -> list[dict[str, object]]:
    """One row per attempt."""
    return [
        {
            "Model": named(attempt.model).label,
            "Outcome": " ".join(filter(None, (attempt.outcome.replace("_", " "), attempt.detail))),
            "Tokens": attempt.tokens.total,
            "Cost": money(attempt.cost_usd),
            "Time": seconds(attempt.duration_ms),
            "Answered as": attempt.api_model,
        }
        for attempt in result.attempts
    ]


@st.fragment(run_every=0.5)
def watch(run: Run) -> None:
    """What is happening now, until it has ended."""
    if not run.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/progress_activity: {run.sentence()}")
        st.button("Cancel", on_click=run.cancel)
    for step in run.steps():
        st.markdown(f"- {step['operation']}")


st.title("Playground", anchor=False)
st.markdown("What does the orchestrator make of a process described in words, and what does that cost?")
application = console.at_hand()
if application.simulated:
    st.caption("The models are simulated: nothing leaves this machine, and every figure here is simulated too.")

current: Run | None = st.session_state.get(RUN)
running = current is not None and current.running
with st.form("playground_form"):
    st.text_area("Describe the process", key="playground_prompt", placeholder=EXAMPLE, height=110)
    st.multiselect(
        "Connected services",
        sorted(COMMON_SERVICES),
        key="playground_services",
        accept_new_options=True,
        placeholder="Choose, or type a name and press Enter",
    )
    st.form_submit_button("Generate", type="primary", on_click=begin, disabled=running)

if refused := st.session_state.get("playground_refused"):
    st.warning(refused, icon=":material/edit:")
if current and running:
    watch(current)
elif current:
    try:
        show_result(current.result())
    except (OrchestratorError, StoreError) as error:
        console.problem(error)
elif not refused:
    st.info(
        "Nothing generated yet. Describe a process above, for example: " + EXAMPLE,
        icon=":material/lightbulb:",
    )
