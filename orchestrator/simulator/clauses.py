"""Parses a goal written in English into clauses: what to do, and under which condition."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_LONGEST_OPERATION = 90
_LONGEST_SENTENCE = 600
_MOST_SENTENCES = 60

_ACTIONS = (
    "add|alert|analy[sz]e|apply|approve|ask|assign|attach|book|calculate|call|check|classify|collect|combine|compare|"
    "compile|convert|copy|create|delete|draft|download|email|enter|escalate|evaluate|export|extract|fetch|file|filter|"
    "find|format|generate|get|grade|identify|import|integrate|invite|invoke|list|log|login|look up|make|merge|message|"
    "move|notify|open|organi[sz]e|output|parse|post|prepare|process|publish|read|record|release|remove|remind|reply|"
    "summari[sz]e|request|retrieve|review|save|schedule|score|search|send|share|sort|split|start|store|submit|subscribe|"
    "sync|tag|text|track|transcribe|transform|translate|update|upload|validate|verify|write"
)
_SENTENCE = re.compile(r"(?<=[.!?;]) | ?\(?\b(?:[a-h]|\d{1,2})[.)] ")
# Within a sentence a clause ends at "then", and at "and" or a comma before another action.
_BOUNDARY = re.compile(
    r",?\s+(?:and\s+)?(?:then|next|finally|after that|afterwards)\b,?\s*"
    r"|,?\s+(?=(?:or\s+)?(?:else|otherwise|if not)\b)"
    rf"|(?:,\s*(?:and\s+)?|\s+and\s+)(?=(?:{_ACTIONS})\b)",
    re.IGNORECASE,
)
_TITLE = re.compile(r"^(?:create|build|design|make)\s+an?\b.*\bworkflow\b[^,]*$", re.IGNORECASE)
_LEAD_IN = re.compile(
    r"^(?:(?:and|also|so|please|first|second(?:ly)?|next|then|finally|before that|this part)\b[\s,:]*"
    r"|(?:the )?(?:task|workflow) (?:is|requires|needs)\b(?: to\b)?[:,]?(?: first\b)?[:,]?\s*"
    r"|i (?:want|need|would like) (?:you )?to )+",
    re.IGNORECASE,
)
_LONE_ACTION = re.compile(rf"(?:{_ACTIONS})", re.IGNORECASE)
_EACH = re.compile(r"^\s*for (?:each|every)\b[^,]*,", re.IGNORECASE)
_GIVEN = re.compile(
    r"^(?:the\s+)?users?\s+(?:will\s+)?provides?\s+(?P<what>.+?)(?:\s+as\s+(?:the\s+)?inputs?)?$",
    re.IGNORECASE,
)

_CONDITION = re.compile(
    r"\b(?:if|else|otherwise|unless|whether|depending on|in case (?:of|the|a|an|it|there)|provided that|as long as"
    r"|only (?:when|those|the ones)|based on whether)\b"
    r"|\bwhen(?:ever)?\s+(?:an?|the|any|it|there)?\b[^.,]*?"
    r"\b(?:is|are|has|have|exceeds?|fails?|contains?|arrives? with)\b"
    r"|\b(?:greater|less|fewer|higher|lower|older|newer) than\b|(?<!no )\bmore than \d|\bexceed(?:s|ing)?\b"
    # a subset of many: something must decide which
    r"|\b(?:all|every|each|any)\b[^.;]*?\b(?:that|which|who|whose|where)\s+(?!(?:i|we|you|they)\b)\w+",
    re.IGNORECASE,
)
_IF = re.compile(
    r"\b(?:if|when(?:ever)?|unless|in case(?: of)?)\s+(?P<when>[^,.;]+?)\s*(?:,|\bthen\b|$)", re.IGNORECASE
)
_ELSE = re.compile(r"^(?:or\s+)?(?:else|otherwise|if not)\b[\s,:]*", re.IGNORECASE)
_SUBSET = re.compile(r"\b(?:that|which|who|whose|where)\s+(?P<when>[^.,;]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing to do.

    Attributes:
        text: what to do, starting with a capital letter.
        condition: the condition, in the goal's own words; None if there is none.
        otherwise: whether the clause applies if the condition before it does not hold.
        continues: whether the condition of the clause before it, in the same sentence, also applies to it.
    """

    text: str
    condition: str | None = None
    otherwise: bool = False
    continues: bool = False


def read(goal: str) -> list[Clause]:
    """The clauses of a goal in order; empty for a goal without words."""
    clauses: list[Clause] = []
    for sentence in _sentences(goal):
        conditional = False
        for text in _parts(sentence):
            clause = _clause(text)
            if clause.condition and not clause.text:
                # "If it is late, tell the team": what to do is in the next part.
                clauses.append(clause)
            else:
                clauses.append(replace(clause, continues=conditional and not clause.otherwise))
            conditional = conditional or clause.condition is not None or clause.otherwise
    return [clause for clause in clauses if clause.text or clause.condition]


def _sentences(goal: str) -> list[str]:
    """The sentences of a goal, limited in length and number so that parsing stays fast."""
    lines = (" ".join(line.split()) for line in goal.splitlines())
    sentences = (sentence for line in lines for sentence in _SENTENCE.split(line) if sentence)
    return [sentence[:_LONGEST_SENTENCE] for sentence in sentences][:_MOST_SENTENCES]


def _parts(sentence: str) -> list[str]:
    parts: list[str] = []
    verb = ""
    for part in _BOUNDARY.split(sentence):
        text = _LEAD_IN.sub("", (part or "").strip(" \t.,;:!?")).strip()
        if len(text) < 3 or _TITLE.match(text):
            continue
        if _LONE_ACTION.fullmatch(text):
            # "Find and delete the files": the first action shares the second one's object.
            verb = f"{verb}{text} and "
            continue
        parts.append(verb + text)
        verb = ""
    return parts


def _clause(text: str) -> Clause:
    if given := _GIVEN.match(text):
        return Clause(_operation("take in " + given["what"]))
    if otherwise := _ELSE.match(text):
        return Clause(_operation(text[otherwise.end() :] or "stop here"), otherwise=True)
    if not _CONDITION.search(text):
        return Clause(_operation(text))
    if found := _IF.search(text):
        action = _EACH.sub("", text[: found.start()] + " " + text[found.end() :]).strip(" ,")
        return Clause(_operation(action), condition=found["when"].strip())
    subset = _SUBSET.search(text)
    return Clause(_operation(text), condition=subset["when"].strip() if subset else "the limit in the request is met")


def _operation(text: str) -> str:
    text = " ".join(text.split()).strip(" ,.;:")
    if len(text) > _LONGEST_OPERATION:
        text = text[:_LONGEST_OPERATION].rsplit(" ", 1)[0] + "..."
    return text[:1].upper() + text[1:]
