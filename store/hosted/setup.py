"""Whether a hosted project is ready for the console; what is missing is said in one sentence, with what to do."""

from __future__ import annotations

from dataclasses import dataclass

from store.answer import understood
from store.database import Database
from store.errors import SetupIncomplete
from store.migrate import migrations

_NO_ROLE = (
    "The user in ORCHESTRATOR_EMAIL does not have the role orchestrator; run: python -m store grant EMAIL orchestrator"
)
_NO_ADMIN = "Nobody is an admin yet; run: python -m store grant EMAIL admin"
_OLDER = "The project's schema is older than this program; run: python -m store migrate"


@dataclass(frozen=True, slots=True)
class _Setup:
    role: str | None
    versions: tuple[str, ...] | None
    has_admin: bool | None


def check_setup(machine: Database) -> None:
    """Do nothing for a project that is ready.

    Args:
        machine: the database as the orchestrator sees it.

    Raises:
        SetupIncomplete: a migration, the orchestrator's role or an admin is missing.
        NotSignedIn, Unavailable: the orchestrator's user cannot sign in, or the project does not answer.
    """
    setup = understood(_Setup, machine.call("check_setup"))
    if setup.role != "orchestrator":
        raise SetupIncomplete(_NO_ROLE)
    known = {migration.version for migration in migrations()}
    if setup.versions is not None and known - set(setup.versions):
        raise SetupIncomplete(_OLDER)
    if not setup.has_admin:
        raise SetupIncomplete(_NO_ADMIN)
