"""`python -m server`: the routes alone, without the screen, in any number of processes."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette

from orchestrator import Application, OrchestratorError, bootstrap
from orchestrator.readiness import trouble
from server.routes import routes
from server.settings import ServerSettings
from store import InvalidInput, StoreError, command_line, read_environment

log = logging.getLogger(__name__)

_PORT = 8502
_LONGEST_GRACE_S = 20
_AGAIN_S = 1.0
_ADDRESS = "ORCHESTRATOR_SERVER_ADDRESS"


def application() -> Starlette:
    """The ASGI application of one process, as the environment describes it.

    Raises:
        InvalidInput: the environment is invalid.
    """
    settings = ServerSettings.from_environment(read_environment())
    own = _Own()
    site = settings.site(own.application)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        threading.Thread(target=own.warm, name="warming", daemon=True).start()
        yield
        own.close()

    return Starlette(
        routes=routes(site, lambda: trouble(own.application)), middleware=settings.middleware(site), lifespan=lifespan
    )


class _Own:
    """This process's application, created on first use."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._made: Application | None = None
        self._failed: tuple[Exception, float] | None = None

    def application(self) -> Application:
        """See `server.site.MakeApplication`."""
        with self._guard:
            if self._failed and time.monotonic() < self._failed[1]:
                raise self._failed[0]
            if self._made is None:
                try:
                    self._made = bootstrap()
                except (OrchestratorError, StoreError) as error:
                    # Those who wait for the same attempt need not each make it again.
                    self._failed = error, time.monotonic() + _AGAIN_S
                    raise
            return self._made

    def warm(self) -> None:
        """Import the SDKs before the first request, and begin what is due every hour."""
        try:
            self.application().store.check()
        except (OrchestratorError, StoreError) as error:
            log.warning("%s", error)
        else:
            self.application().housekeeping.start()
            self.application().orchestrator.warm()

    def close(self) -> None:
        """Record what is still running, and close models and database."""
        if self._made is not None:
            self._made.close()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m server", description="The HTTP routes, without the screen.")
    top.add_argument("--port", type=int, default=_PORT, help=f"{_PORT} by default")
    top.add_argument("--workers", type=int, default=1, help="number of processes; 1 by default")
    top.set_defaults(run=_serve)
    return top


def _serve(arguments: argparse.Namespace) -> int:
    environment = read_environment()
    address = environment.get(_ADDRESS, "127.0.0.1")
    if not 1 <= arguments.workers <= 64 or not 0 <= arguments.port <= 65535:
        raise InvalidInput("There are 1 to 64 workers, and ports up to 65535.")
    ServerSettings.from_environment(environment).check_address(address, _ADDRESS)
    uvicorn.run(
        "server.__main__:application",
        factory=True,
        host=address,
        port=arguments.port,
        workers=arguments.workers,
        log_level="warning",
        server_header=False,
        # Door and ProxyHeadersMiddleware decide themselves whose word is believed.
        proxy_headers=False,
        timeout_graceful_shutdown=_LONGEST_GRACE_S,
    )
    return command_line.DONE


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return command_line.run(parser(), arguments, failures=(StoreError, OrchestratorError), wrong_usage=(InvalidInput,))


if __name__ == "__main__":
    sys.exit(main())
