"""Services that people commonly connect, and what each can do. Any other name is accepted too."""

from __future__ import annotations

import re
import unicodedata

COMMON_SERVICES: dict[str, str] = {
    "Airtable": "list, create and update records",
    "Asana": "list, create and update tasks",
    "Box": "list, upload, download and delete files",
    "Calendly": "list events, create scheduling links",
    "Confluence": "search, create and update pages",
    "Dropbox": "list, upload and download files",
    "GitHub": "list and create repositories, branches, issues, pull requests",
    "GitLab": "list and create projects, pipelines, releases",
    "Gmail": "search, read and send e-mail",
    "Google Calendar": "list, create and update events",
    "Google Drive": "list, upload and download files",
    "Google Sheets": "read, append and update rows",
    "HubSpot": "list, create and update contacts and deals",
    "Jira": "search, create and update issues",
    "Microsoft Teams": "read and send messages",
    "Notion": "search, create and update pages",
    "Outlook": "search, read and send e-mail, manage events",
    "PostgreSQL": "query, insert and update rows",
    "Salesforce": "query, create and update leads, contacts, contracts",
    "ServiceNow": "list, create and update incidents, tickets, users",
    "Shopify": "list orders, products and customers",
    "Slack": "read and send messages",
    "Stripe": "list and create customers, invoices, payments",
    "Trello": "list and create boards, cards, members",
    "Twilio": "send text and voice messages",
    "Zendesk": "list, create and update tickets",
}

_BETWEEN_WORDS = frozenset(["Zs", "Zl", "Zp", "Cc", "Cf", "Pd", "Pc"])
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# Every common name is of these letters; other scripts need no space around one.
_TOKEN = re.compile(r"[A-Za-z0-9]+")
_LONGEST = max(len(name.split()) for name in COMMON_SERVICES)
_ALSO_WORDS = frozenset(["box", "notion", "outlook", "stripe"])
_BY_WORDS = {" ".join(_WORD.findall(name)).casefold(): text for name, text in COMMON_SERVICES.items()}


def same(name: str) -> str:
    """The normalized form of a service's name: `Google Mail`, `google-mail` and `GOOGLE_MAIL` are the same.

    Composed characters in lower case, without spaces, dashes, underscores, dots and invisible characters.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    kept = "".join(letter for letter in text if letter != "." and unicodedata.category(letter) not in _BETWEEN_WORDS)
    return kept or text


def words(name: str) -> list[str]:
    """The words of a service's name in lower case, the same for `Microsoft_To_Do` and `microsoftToDo`."""
    return [word.casefold() for word in _WORD.findall(name)]


def mentioned(text: str) -> list[str]:
    """The common services that a text names, in the order of their names.

    A name that is also an English word, such as Box, must begin with a capital letter.
    """
    found = _TOKEN.findall(text)
    spans = (found[begin : begin + length] for length in range(1, _LONGEST + 1) for begin in range(len(found)))
    named = {same("".join(span)) for span in spans if not (len(span) == 1 and span[0] in _ALSO_WORDS)}
    return [name for name in COMMON_SERVICES if same(name) in named]


def abilities(name: str) -> str:
    """What a service can do; empty if it is not a common one."""
    text = " ".join(words(name))
    matches = [known for known in _BY_WORDS if text == known or text.startswith(known + " ")]
    return _BY_WORDS[max(matches, key=len)] if matches else ""
