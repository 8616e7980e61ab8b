"""Access settings: the names under which the console is available, and who may connect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.middleware import Middleware

from server.door import LOCAL_NAMES, Door, host_of, is_loopback
from store import InvalidInput, StoreSettings


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """The access settings from the environment.

    Attributes:
        public_host: the public host name if there is a proxy in front; None otherwise.
        signs_in: whether people sign in; otherwise anyone who gets in is the admin of the embedded database.
    """

    public_host: str | None
    signs_in: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> DoorSettings:
        """The settings that `environment` describes.

        Raises:
            InvalidInput: the public URL is malformed.
        """
        public_url = environment.get("ORCHESTRATOR_PUBLIC_URL")
        public_host = host_of(public_url) if public_url and "://" in public_url else None
        if public_url and not public_host:
            raise InvalidInput("ORCHESTRATOR_PUBLIC_URL must be a URL such as https://console.example.com")
        return cls(public_host, StoreSettings.from_environment(environment).hosted)

    def check_address(self, address: str | None) -> None:
        """Refuse to listen where others could become the admin.

        Args:
            address: the address to listen on; None for all addresses of the machine.

        Raises:
            InvalidInput: there is no sign-in, and the address is not a loopback one.
        """
        if not self.signs_in and not is_loopback(address or ""):
            where = address or "every address of this machine"
            raise InvalidInput(
                f"The console would listen on {where}, and without sign-in anyone who reaches it is its admin. "
                "Make it listen on 127.0.0.1 (STREAMLIT_SERVER_ADDRESS), or connect it to a Supabase project."
            )

    def middleware(self, further_hosts: Iterable[str] = ()) -> Middleware:
        """The door for these settings.

        Args:
            further_hosts: the names listed in Streamlit's own `server.allowedHosts`.
        """
        names = {self.public_host} if self.public_host else set()
        local_only = not self.signs_in and not self.public_host
        return Middleware(Door, hosts={*LOCAL_NAMES, *names, *further_hosts}, local_only=local_only)
