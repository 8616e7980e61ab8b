"""Where configuration comes from: the process environment, then `.env`, then `.streamlit/secrets.toml`."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

from dotenv.parser import parse_stream

from store.errors import InvalidInput
from store.identity import PasswordLogin

OUTBOX = "outbox"
"""Name of the outbox folder next to the embedded database; a hosted project's has a suffix."""

_OURS = ("SUPABASE_", "ORCHESTRATOR_")
_AROUND = " \t\r\n\xa0\u200b\u2060\ufeff"
_KEY = re.compile(r"[!#-&(-;=-~][!-~]*")  # printable, and not starting with a quotation mark or a bracket

_LEAST_SECRET_CHARS = 32
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")

PROJECT = Path(__file__).resolve().parent.parent


def read_environment(project: Path = PROJECT, *, also: Collection[str] = ()) -> dict[str, str]:
    """Every variable as text; the process environment takes precedence over `.env`, and that over `secrets.toml`.

    Blank values count as not set. Missing files count as empty.

    Args:
        also: names of further variables that must not be inside a table of `secrets.toml`.

    Raises:
        InvalidInput: a file cannot be read or parsed, or has one of our variables inside a table.
    """
    layers = (_secrets(project / ".streamlit" / "secrets.toml", also), _dotenv(project / ".env"), os.environ)
    merged: dict[str, str] = {}
    for layer in layers:
        merged.update({key: value for key, value in layer.items() if value.strip()})
    return merged


def _text_of(path: Path, name: str) -> str:
    """The text of a file; empty if there is no such file."""
    try:
        # Some editors begin a file with a byte-order mark.
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The file {name} is not UTF-8; save it as UTF-8.") from error
    except OSError as error:
        raise InvalidInput(f"The file {name} cannot be read ({error.strerror}).") from error


def _dotenv(path: Path) -> dict[str, str]:
    """The variables of a `.env` file, as written: nothing is expanded."""
    values = {}
    for binding in parse_stream(StringIO(_text_of(path, path.name))):
        if binding.error or (binding.key is not None and binding.value is None):
            blank = binding.original.string[: -len(binding.original.string.lstrip())]
            line = binding.original.line + blank.count("\n")
            # Not quoted: it may contain a key.
            raise InvalidInput(f"Line {line} of {path.name} cannot be parsed; it should look like NAME=value.")
        if binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
    return values


def _secrets(path: Path, also: Collection[str]) -> dict[str, str]:
    name = f".streamlit/{path.name}"
    try:
        values = tomllib.loads(_text_of(path, name))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"The file {name} cannot be read as TOML.") from error
    for table, inside in values.items():
        for key in inside if isinstance(inside, dict) else ():
            if key.startswith(_OURS) or key in also:
                raise InvalidInput(f"{key} is in the table [{table}] of {name}; move it above the first table.")
    return {key: str(value) for key, value in values.items() if isinstance(value, str | int | float)}


def secret_key(environment: Mapping[str, str], name: str) -> str | None:
    """A key without the whitespace that copying adds around it; None for a blank one.

    Raises:
        InvalidInput: it contains a character that no key has.
    """
    key = environment.get(name, "").strip(_AROUND)
    if not key:
        return None
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            f"{name} contains a character that no key has (a quotation mark, a space, a line break or an invisible "
            "one); copy it again."
        )
    return key


def is_yes(environment: Mapping[str, str], name: str) -> bool:
    """Whether a variable says yes; a missing one says no.

    Raises:
        InvalidInput: it says neither yes nor no.
    """
    said = environment.get(name, "0").strip().lower()
    if said not in _YES + _NO:
        raise InvalidInput(f"{name} must be 1 or 0.")
    return said in _YES


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Which database to use, and as which user.

    Attributes:
        data_dir: folder of the embedded database and of the outbox; absolute.
        supabase_url, supabase_key: of a hosted project; both or neither.
        machine, person: hosted sign-ins; None if not configured.
        cookie_secret: what the sessions of browsers are sealed with; None if none is set.
    """

    data_dir: Path
    supabase_url: str | None = None
    supabase_key: str | None = field(default=None, repr=False)
    machine: PasswordLogin | None = None
    person: PasswordLogin | None = None
    cookie_secret: str | None = field(default=None, repr=False)

    @property
    def outbox(self) -> Path:
        """Folder for records that this database did not accept; they must never go to another one."""
        if self.supabase_url is None:
            return self.data_dir / OUTBOX
        return self.data_dir / f"{OUTBOX}-{hashlib.sha256(self.supabase_url.encode()).hexdigest()[:12]}"

    @property
    def hosted(self) -> bool:
        """Whether a Supabase project is configured."""
        return self.supabase_url is not None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], project: Path = PROJECT) -> StoreSettings:
        """The settings that `environment` describes; a relative data folder is relative to `project`.

        Raises:
            InvalidInput: a variable is malformed, or one of a pair is missing.
        """
        url, _ = _pair(environment, "SUPABASE_URL", "SUPABASE_KEY")
        return cls(
            data_dir=project / _folder(environment.get("ORCHESTRATOR_DATA_DIR", ".data")),
            supabase_url=_project_url(url) if url else None,
            supabase_key=secret_key(environment, "SUPABASE_KEY"),
            machine=_login(environment, "ORCHESTRATOR"),
            person=_login(environment, "SUPABASE"),
            cookie_secret=_cookie_secret(environment),
        )


def _cookie_secret(environment: Mapping[str, str]) -> str | None:
    secret = environment.get("ORCHESTRATOR_COOKIE_SECRET", "").strip()
    if secret and len(secret) < _LEAST_SECRET_CHARS:
        raise InvalidInput(f"ORCHESTRATOR_COOKIE_SECRET must be at least {_LEAST_SECRET_CHARS} characters long.")
    return secret or None


def _project_url(text: str) -> str:
    url = text.strip(_AROUND)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/") or parts.query:
        raise InvalidInput(
            "SUPABASE_URL must be a project's URL, such as https://abcdefgh.supabase.co, with nothing after it."
        )
    return url


def _folder(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise InvalidInput("ORCHESTRATOR_DATA_DIR refers to the home folder of a user that does not exist.") from error


def _pair(environment: Mapping[str, str], first: str, second: str) -> tuple[str | None, str | None]:
    values = environment.get(first), environment.get(second)
    if (values[0] is None) != (values[1] is None):
        missing = first if values[0] is None else second
        raise InvalidInput(f"{missing} is missing: {first} and {second} must be set together.")
    return values


def _login(environment: Mapping[str, str], prefix: str) -> PasswordLogin | None:
    email, password = _pair(environment, f"{prefix}_EMAIL", f"{prefix}_PASSWORD")
    return PasswordLogin(email, password) if email and password else None
