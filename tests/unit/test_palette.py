"""The colours of models."""

from __future__ import annotations

from orchestrator.models.catalogue import CATALOGUE
from pages.parts.palette import GREY, MODEL_COLOURS, REASON_COLOURS, colour


def test_each_model_of_the_catalogue_has_a_colour_of_its_own() -> None:
    """Grey would hide a model among the unknown ones."""
    colours = [colour(name) for name in CATALOGUE]

    assert len(set(colours)) == len(CATALOGUE) <= len(MODEL_COLOURS)
    assert GREY not in colours


def test_colours_mean_one_thing() -> None:
    """A model's colour is no other model's and no reason's."""
    assert len(set(MODEL_COLOURS)) == len(MODEL_COLOURS)
    assert set(MODEL_COLOURS).isdisjoint({GREY, *REASON_COLOURS.values()})


def test_a_model_from_elsewhere_is_grey() -> None:
    """The catalogue does not know it."""
    assert colour("llama-9") == colour(None) == GREY
