"""What happened to each request? Every finished generation, filtered, each a click away."""

from __future__ import annotations

from dataclasses import replace

from pages.parts import states
from pages.parts.filters import bar_with, reset_filters
from pages.parts.frame.header import header
from pages.parts.generations.filters import own_filters
from pages.parts.generations.pages import pages

top = header()
person = top.application.person()
chosen, which = bar_with(top.controls, own_filters)
if not pages(person, chosen, replace(which, generator=chosen.model)):
    states.empty(person, sentence="No generation matches these filters in this period.", reset=reset_filters())
