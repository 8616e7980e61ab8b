"""The cost of model calls, from the dated list prices of genai-prices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache

from orchestrator.models.catalogue import BASELINE, CATALOGUE, Model, answering
from orchestrator.models.money import plain
from orchestrator.models.tokens import Tokens

TYPICAL = Tokens(input=2000, output=1500)
"""The tokens of a typical workflow."""


def price(model: Model, tokens: Tokens, at: datetime, service_tier: str | None = None) -> Decimal | None:
    """US dollars for the tokens of one call at the list price of its day, exact; None if the price is unknown.

    cost = (uncached input x input price + each cached part x its price + output x output price) / 1,000,000

    Retired models keep their price. Cached parts have their own price if the provider sets one.

    Args:
        model: the model that answers, not the one it replaces.
        at: when the request was sent; timezone-aware.
        service_tier: as named in the reply; a tier without its own prices costs the same as the standard tier.
    """
    usage = {
        "input_tokens": tokens.input,
        "cache_read_tokens": tokens.cached_input,
        "cache_write_tokens": tokens.cache_write_input,
        "cache_write_1h_tokens": tokens.cache_write_1h_input,
        "output_tokens": tokens.output,
    }
    return _price(model, usage, at, _context(service_tier))


def baseline(tokens: Tokens, at: datetime) -> Decimal | None:
    """US dollars for the same tokens at the baseline model's price of that day, all input at the full rate."""
    return _price(BASELINE, {"input_tokens": tokens.input, "output_tokens": tokens.output}, at)


def per_workflow(model: Model, at: datetime) -> Decimal | None:
    """US dollars for a typical workflow on the model that answers for this one at that time; None if unknown."""
    return price(answering(model, at.date()), TYPICAL, at)


def expensive_models(at: datetime) -> frozenset[str]:
    """Logical names of the models, baseline included, that cost at least as much as it for a typical workflow."""
    limit = baseline(TYPICAL, at)
    prices = {name: price(model, TYPICAL, at) for name, model in CATALOGUE.items()}
    expensive = {name for name, usd in prices.items() if usd is not None and limit is not None and usd >= limit}
    return frozenset(expensive | {BASELINE.name})


def _context(service_tier: str | None) -> dict[str, str] | None:
    """The price context for genai-prices, which does not treat batches as a tier."""
    if service_tier is None:
        return None
    return {"processing": "batch"} if service_tier == "batch" else {"service_tier": service_tier}


def _price(
    model: Model, usage: dict[str, int], at: datetime, context: Mapping[str, str] | None = None
) -> Decimal | None:
    from genai_prices import Usage, calc_price

    known = Usage(**{unit: count for unit, count in usage.items() if count})
    try:
        found = calc_price(
            known, model.api_model, provider_id=model.provider, genai_request_timestamp=at, price_context=context
        )
    except LookupError:
        return None
    return plain(found.total_price)


@cache
def warm() -> None:
    """Load the price list before an attempt's clock starts, since that takes a moment."""
    import genai_prices  # noqa: F401 - loading it is the point
