"""The course of a figure over the days, as a line without axes."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from pages.parts.palette import FALLBACK_COLOUR

_WIDTH, _HEIGHT = 200, 36
_EDGE = 2


def sparkline(values: Sequence[float], alt: str) -> str:
    """The line as a picture in HTML; at least two values.

    Streamlit removes SVG from HTML, but not from the address of a picture.

    Args:
        alt: the line in words, without markup.
    """
    lowest, highest = min(values), max(values)
    across = (_WIDTH - 2 * _EDGE) / (len(values) - 1)
    up = (_HEIGHT - 2 * _EDGE) / ((highest - lowest) or 1)
    points = " ".join(
        f"{_EDGE + place * across:.1f},{_HEIGHT - _EDGE - (value - lowest) * up:.1f}"
        for place, value in enumerate(values)
    )
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none">'
        f'<polyline points="{points}" fill="none" stroke="{FALLBACK_COLOUR}" stroke-width="1.5" '
        f'vector-effect="non-scaling-stroke"/></svg>'
    )
    return f'<img class="sparkline" alt="{alt}" src="data:image/svg+xml;base64,{b64encode(picture.encode()).decode()}">'
