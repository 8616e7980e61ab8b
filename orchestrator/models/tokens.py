"""Token counts, as reported by a provider or estimated."""

from __future__ import annotations

from dataclasses import dataclass

# Both providers' tokenizers take about four bytes of English or JSON, and about one letter of other scripts.
_BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one or more model calls.

    Attributes:
        input: everything the model read, including the two cached parts.
        cached_input: the part of `input` read from the provider's prompt cache.
        cache_write_input: the part of `input` written to that cache.
        cache_write_1h_input: the part of `cache_write_input` written for an hour, which costs more.
        output: everything the model wrote.
    """

    input: int = 0
    cached_input: int = 0
    cache_write_input: int = 0
    output: int = 0
    cache_write_1h_input: int = 0

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input + self.output

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.input + other.input,
            self.cached_input + other.cached_input,
            self.cache_write_input + other.cache_write_input,
            self.output + other.output,
            self.cache_write_1h_input + other.cache_write_1h_input,
        )

    def as_used(self) -> dict[str, int]:
        """The short form of results and events: input, output and total."""
        return {"input": self.input, "output": self.output, "total": self.total}

    def as_detail(self) -> dict[str, int]:
        """The detailed form of an attempt; the part written for an hour only if there is one."""
        parts = {
            "input": self.input,
            "cached_input": self.cached_input,
            "cache_write_input": self.cache_write_input,
            "output": self.output,
            "total": self.total,
        }
        return parts | ({"cache_write_1h_input": self.cache_write_1h_input} if self.cache_write_1h_input else {})


def estimate_bytes(count: int) -> int:
    """The approximate number of tokens in this many bytes; 0 for 0."""
    return -(-count // _BYTES_PER_TOKEN)


def estimate(text: str) -> int:
    """The approximate number of tokens in a text, 0 if it is empty; within a third for English, without a tokenizer."""
    return estimate_bytes(len(text.encode("utf-8", "replace")))
