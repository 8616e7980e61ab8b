"""Lines to copy, for a terminal and for programs."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from pages.parts.states import EXAMPLE

_ROUTES = (
    ("POST", "generate-agent-v2", "Generate a workflow; `Accept: text/event-stream` gives its progress", "generate"),
    ("GET", "generations/{id}", "Read a generation again", "generate"),
    ("GET", "report", "The figures of a period", "report"),
    ("GET", "settings", "The system keys", "report"),
    ("POST", "audit-events", "Record runs of agents", "events"),
    ("GET", "openapi.json", "All of this for programs", "report"),
    ("GET", "health", "Whether the console works", "open"),
)  # fmt: skip


def lines(url: str) -> None:
    """How to call each route.

    Args:
        url: of this page, from which the routes' own follows.
    """
    root = _root(url)
    st.subheader("Generate a workflow", anchor=False)
    # Without a language: the colours of code are too pale to read on white.
    terminal, python, javascript = st.tabs(["Terminal", "Python", "JavaScript"])
    terminal.code(_curl(root), None, wrap_lines=True)
    python.code(_python(root), None, wrap_lines=True)
    javascript.code(_javascript(root), None, wrap_lines=True)
    st.caption(
        "The same request with the same Idempotency-Key is generated and paid once, and gets the same answer. Without "
        "a key, closing the connection cancels the generation. Errors are problem documents (RFC 9457) with a stable "
        "code."
    )
    st.subheader("Routes", anchor=False)
    st.caption("Below /api, each with the scope that an API token needs for it.")
    st.markdown("\n".join(f"- `{method} /{path}` · {scope}  \n  {words}" for method, path, words, scope in _ROUTES))


def _root(url: str) -> str:
    parts = urlsplit(url)
    folder = parts.path.rpartition("/")[0]
    return f"{parts.scheme}://{parts.netloc}{folder}/api" if parts.netloc else "http://localhost:8501/api"


def _curl(root: str) -> str:
    return f"""\
curl {root}/generate-agent-v2 \\
  --header "Authorization: Bearer $CONSOLE_TOKEN" \\
  --header "Idempotency-Key: $(uuidgen)" \\
  --json '{{"prompt": "{EXAMPLE}", "services": ["Zendesk", "Slack", "Jira"]}}'
"""


def _python(root: str) -> str:
    return f"""\
import os
import uuid

import httpx

answer = httpx.post(
    "{root}/generate-agent-v2",
    headers={{
        "Authorization": f"Bearer {{os.environ['CONSOLE_TOKEN']}}",
        "Idempotency-Key": str(uuid.uuid4()),
    }},
    json={{
        "prompt": "{EXAMPLE}",
        "services": ["Zendesk", "Slack", "Jira"],
    }},
    timeout=150,
)
answer.raise_for_status()
for step in answer.json()["pilot_steps"]:
    print(step["operation"])
"""


def _javascript(root: str) -> str:
    return f"""\
const answer = await fetch("{root}/generate-agent-v2", {{
  method: "POST",
  headers: {{
    "Authorization": `Bearer ${{process.env.CONSOLE_TOKEN}}`,
    "Content-Type": "application/json",
    "Idempotency-Key": crypto.randomUUID(),
  }},
  body: JSON.stringify({{
    prompt: "{EXAMPLE}",
    services: ["Zendesk", "Slack", "Jira"],
  }}),
}});
if (!answer.ok) throw new Error((await answer.json()).detail);
for (const step of (await answer.json()).pilot_steps) console.log(step.operation);
"""
