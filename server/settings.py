"""The server's settings from the environment: who may connect, under which names, and how people sign in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from server.body_limit import BodyLimit
from server.door import LOCAL_NAMES, Door, host_of, is_loopback
from server.gate import Gate
from server.site import MakeApplication, Site
from store import InvalidInput, StoreSettings

_PROVIDER = re.compile(r"[a-z0-9_]+|[a-z0-9-]+(\.[a-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the environment says about the server.

    Attributes:
        public_url: what people type if there is a proxy in front, without a path; None otherwise.
        signs_in: whether people sign in; otherwise anyone who gets in is the admin of the embedded database.
        providers: the OAuth providers and SSO domains that people may sign in with.
        trusted_proxies: addresses whose word on a request's origin is believed.
    """

    public_url: str | None = None
    signs_in: bool = False
    providers: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ServerSettings:
        """The settings that `environment` describes.

        Raises:
            InvalidInput: a variable is malformed, or a Supabase project is configured without what signing in needs.
        """
        store = StoreSettings.from_environment(environment)
        if store.hosted and store.cookie_secret is None:
            raise InvalidInput(
                "ORCHESTRATOR_COOKIE_SECRET is missing: signing in needs a random text of 32 characters or more, the "
                "same on every host."
            )
        if store.hosted and store.machine is None:
            raise InvalidInput(
                "ORCHESTRATOR_EMAIL and ORCHESTRATOR_PASSWORD are missing: the orchestrator records, and keeps "
                "sessions, as a user of its own."
            )
        return cls(
            public_url=_public_url(environment),
            signs_in=store.hosted,
            providers=_providers(environment),
            trusted_proxies=_listed(environment, "ORCHESTRATOR_TRUSTED_PROXIES"),
        )

    @property
    def public_host(self) -> str | None:
        """The host of the public URL; None if there is none."""
        return host_of(self.public_url) if self.public_url else None

    def check_address(self, address: str | None, variable: str = "STREAMLIT_SERVER_ADDRESS") -> None:
        """Refuse to listen where others could become the admin.

        Args:
            address: the address to listen on; None for all addresses of the machine.
            variable: where it is set.

        Raises:
            InvalidInput: there is no sign-in, and the address is not a loopback one.
        """
        if not self.signs_in and not is_loopback(address or ""):
            where = address or "every address of this machine"
            raise InvalidInput(
                f"The console would listen on {where}, and without sign-in anyone who reaches it is its admin. "
                f"Make it listen on 127.0.0.1 ({variable}), or connect it to a Supabase project."
            )

    def site(self, application: MakeApplication, base: str = "") -> Site:
        """The site for these settings.

        Args:
            base: the path below which the console is served, such as `console`; empty for none.
        """
        folder = base.strip("/")
        return Site(application, f"/{folder}" if folder else "", self.public_url, self.signs_in, self.providers)

    def door(self, further_hosts: Iterable[str] = ()) -> Middleware:
        """What checks the name and the origin of each request.

        Args:
            further_hosts: the names listed in Streamlit's own `server.allowedHosts`.
        """
        names = {self.public_host} if self.public_host else set()
        local_only = not self.signs_in and not self.public_host
        https = (self.public_url or "").startswith("https:")
        return Middleware(Door, hosts={*LOCAL_NAMES, *names, *further_hosts}, local_only=local_only, https=https)

    def middleware(self, site: Site, further_hosts: Iterable[str] = ()) -> list[Middleware]:
        """What stands in front of every page and route, the outermost first; see `door`."""
        proxies = [Middleware(ProxyHeadersMiddleware, trusted_hosts=list(self.trusted_proxies))]
        return [
            *(proxies if self.trusted_proxies else ()),
            self.door(further_hosts),
            *([Middleware(Gate, site=site)] if self.signs_in else ()),
            Middleware(BodyLimit, site=site),
        ]


def _public_url(environment: Mapping[str, str]) -> str | None:
    url = environment.get("ORCHESTRATOR_PUBLIC_URL", "").strip().rstrip("/")
    if not url:
        return None
    if "://" not in url or not host_of(url) or not url.startswith(("http://", "https://")):
        raise InvalidInput("ORCHESTRATOR_PUBLIC_URL must be a URL such as https://console.example.com")
    return url


def _providers(environment: Mapping[str, str]) -> tuple[str, ...]:
    providers = _listed(environment, "ORCHESTRATOR_SIGN_IN_PROVIDERS")
    if not all(_PROVIDER.fullmatch(provider) for provider in providers):
        raise InvalidInput(
            "ORCHESTRATOR_SIGN_IN_PROVIDERS must list providers as Supabase names them, such as google,azure, or "
            "domains for single sign-on."
        )
    return providers


def _listed(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in environment.get(name, "").split(","))))
