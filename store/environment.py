"""Where configuration comes from: the process environment, then `.env`, then `.streamlit/secrets.toml`."""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

from store.errors import InvalidInput
from store.identity import PasswordLogin

OUTBOX = "outbox"
"""Name of a folder beside the embedded database, for what waits for that; a hosted project's has a suffix."""

MODEL_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
"""The variables without any of which models are simulated."""

_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")

PROJECT = Path(__file__).resolve().parent.parent


def read_environment(project: Path = PROJECT) -> dict[str, str]:
    """Every variable as text; the process environment wins over `.env`, and that over `secrets.toml`.

    Blank values count as not given. Missing files are empty.

    Raises:
        InvalidInput: a file that is there cannot be read or is not in its format.
    """
    layers = (_secrets(project / ".streamlit" / "secrets.toml"), _dotenv(project / ".env"), os.environ)
    merged: dict[str, str] = {}
    for layer in layers:
        merged.update({key: value for key, value in layer.items() if value.strip()})
    return merged


def _dotenv(path: Path) -> dict[str, str]:
    try:
        return {key: value for key, value in dotenv_values(path).items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The file {path.name} cannot be read.") from error


def _secrets(path: Path) -> dict[str, str]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"The file .streamlit/{path.name} cannot be read as TOML.") from error
    return {key: str(value) for key, value in values.items() if isinstance(value, str | int | float)}


def model_key(environment: Mapping[str, str], name: str) -> str | None:
    """A provider's key without the blanks and line ends that come with copying; None for a blank one."""
    return environment.get(name, "").strip() or None


def is_simulated(environment: Mapping[str, str]) -> bool:
    """Whether models are simulated: on request, or since there is no key at all.

    Raises:
        InvalidInput: the variable that asks for it says neither yes nor no.
    """
    said = environment.get("ORCHESTRATOR_OFFLINE", "0").strip().lower()
    if said not in _YES + _NO:
        raise InvalidInput("ORCHESTRATOR_OFFLINE must be 1 or 0.")
    return said in _YES or not any(model_key(environment, name) for name in MODEL_KEYS)


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Which database, and as whom.

    Attributes:
        data_dir: folder of the embedded database and of the outbox; absolute.
        supabase_url, supabase_key: of a hosted project; both or neither.
        machine, person: hosted sign-ins; None where not configured.
    """

    data_dir: Path
    supabase_url: str | None = None
    supabase_key: str | None = field(default=None, repr=False)
    machine: PasswordLogin | None = None
    person: PasswordLogin | None = None

    @property
    def outbox(self) -> Path:
        """Folder of outcomes that this very database would not take: another one must never be given them."""
        if self.supabase_url is None:
            return self.data_dir / OUTBOX
        return self.data_dir / f"{OUTBOX}-{hashlib.sha256(self.supabase_url.encode()).hexdigest()[:12]}"

    @property
    def hosted(self) -> bool:
        """Whether a Supabase project is configured."""
        return self.supabase_url is not None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], project: Path = PROJECT) -> StoreSettings:
        """The settings that `environment` describes; a relative data folder starts at `project`.

        Raises:
            InvalidInput: one half of a pair of variables is missing.
        """
        url, key = _pair(environment, "SUPABASE_URL", "SUPABASE_KEY")
        return cls(
            data_dir=project / _folder(environment.get("ORCHESTRATOR_DATA_DIR", ".data")),
            supabase_url=url,
            supabase_key=key,
            machine=_login(environment, "ORCHESTRATOR"),
            person=_login(environment, "SUPABASE"),
        )


def _folder(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise InvalidInput("ORCHESTRATOR_DATA_DIR names the home of a user that does not exist.") from error


def _pair(environment: Mapping[str, str], first: str, second: str) -> tuple[str | None, str | None]:
    values = environment.get(first), environment.get(second)
    if (values[0] is None) != (values[1] is None):
        missing = first if values[0] is None else second
        raise InvalidInput(f"{missing} is missing: {first} and {second} are needed together.")
    return values


def _login(environment: Mapping[str, str], prefix: str) -> PasswordLogin | None:
    email, password = _pair(environment, f"{prefix}_EMAIL", f"{prefix}_PASSWORD")
    return PasswordLogin(email, password) if email and password else None
