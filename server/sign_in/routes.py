"""The routes of signing in and out."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from orchestrator import OrchestratorError
from server.gate import OWN_SIGN_IN
from server.sign_in import pages
from server.sign_in.destination import destination
from server.sign_in.steps import Steps, WrongCredentials
from server.sign_in.unfinished import Unfinished, keep, take
from server.site import UNFINISHED_COOKIE, Site, browser_of, session_cookie
from store import InvalidInput, NotSignedIn, StoreError
from store.caller import COOKIE, who_is
from store.people import ROLES

Endpoint = Callable[[Request], Awaitable[Response]]

_STARTED_ELSEWHERE = "This sign-in was begun in another browser, or too long ago. Start again."
_CANCELLED = "Signing in was cancelled."
_PROVIDER_REFUSED = "The provider, or your account here, does not allow this sign-in; ask an admin."
_LINK_IS_NO_GOOD = "This link has expired or was used before. Ask for a new one."
_BLOCKED = 429

log = logging.getLogger(__name__)


def sign_in_routes(site: Site) -> list[Route]:
    """The routes of signing in and out; without sign-in, they lead to the console."""
    doors = SignIn(site)
    named: list[tuple[str, Endpoint, list[str]]] = [
        ("/sign-in", doors.sign_in, ["GET", "POST"]),
        ("/sign-in/{asset}", doors.asset, ["GET"]),
        ("/sign-out", doors.sign_out, ["GET", "POST"]),
        ("/auth/callback", doors.callback, ["GET"]),
        ("/auth/reset", doors.reset, ["GET", "POST"]),
        ("/auth/accept", doors.accept, ["GET", "POST"]),
    ]
    return [Route(f"{site.base}{path}", _guarded(site, endpoint), methods=methods) for path, endpoint, methods in named]


def _guarded(site: Site, endpoint: Endpoint) -> Endpoint:
    """The endpoint, with our own errors as pages; only for a site that signs people in."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        if not site.signs_in:
            return RedirectResponse(f"{site.base}/", 303)
        try:
            return await endpoint(request)
        except NotSignedIn as error:
            # Whose sign-in failed, the orchestrator's own, is not for visitors to know.
            log.warning("%s", error)
            complaint = OWN_SIGN_IN
        except (OrchestratorError, StoreError) as error:
            complaint = str(error)
        return pages.page(site, "trouble", 503, heading="That did not work", complaint=complaint)

    return answer


class SignIn:
    """The endpoints."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._steps = Steps(site)

    async def asset(self, request: Request) -> Response:
        """A file of these pages."""
        return pages.asset(request.path_params["asset"])

    async def sign_in(self, request: Request) -> Response:
        """The form; after it, a provider's page, the code of a second factor, or the page that was asked for."""
        if request.method != "POST":
            return await self._form_or_in(request)
        form = await _form(request)
        if _text(form, "provider"):
            return await self._to_provider(request, form)
        if "code" in form:
            return await self._with_code(request, _text(form, "code"))
        return await self._with_password(request, form)

    async def sign_out(self, request: Request) -> Response:
        """The question whether here or everywhere; then neither cookie nor session is left."""
        if request.method != "POST":
            return pages.page(self._site, "sign_out")
        form = await _form(request)
        if secret := session_cookie(request.scope):
            everywhere = bool(_text(form, "everywhere"))
            await run_in_threadpool(self._steps.leave, secret, everywhere, browser_of(request))
        response = RedirectResponse(f"{self._site.base}/sign-in", 303)
        self._site.drop(response, COOKIE, UNFINISHED_COOKIE)
        return response

    async def callback(self, request: Request) -> Response:
        """The way back from a provider's page."""
        begun = await self._begun(request)
        if begun is None or begun.verifier is None:
            return self._form(request, complaint=_STARTED_ELSEWHERE, status=400)
        code = request.query_params.get("code")
        try:
            if code:
                return await run_in_threadpool(self._steps.with_provider_code, request, begun, code)
        except NotSignedIn:
            return self._asking(begun.next, complaint=_STARTED_ELSEWHERE, status=400)
        complaint = _CANCELLED if request.query_params.get("error") == "access_denied" else _PROVIDER_REFUSED
        return self._asking(begun.next, complaint=complaint, status=400)

    async def reset(self, request: Request) -> Response:
        """Asks for an address and sends it a link, if it has an account; the answer is the same if not."""
        if request.method != "POST":
            return pages.page(self._site, "reset")
        form = await _form(request)
        await run_in_threadpool(self._steps.send_reset, request, _text(form, "email"))
        return pages.page(self._site, "sent")

    async def accept(self, request: Request) -> Response:
        """The page behind a link of a mail: an invitation, or a new password."""
        if request.method != "POST":
            return pages.page(self._site, "link")
        form = await _form(request)
        try:
            if refresh_token := _text(form, "refresh_token"):
                return await run_in_threadpool(self._steps.with_link, request, refresh_token, _text(form, "kind"))
            return await self._with_new_password(request, _text(form, "password"))
        except NotSignedIn:
            return self._form(request, complaint=_LINK_IS_NO_GOOD, status=400)

    async def _form_or_in(self, request: Request) -> Response:
        visitor = await run_in_threadpool(self._site.visitor, session_cookie(request.scope))
        if visitor is None:
            return self._form(request)
        asked = destination(request.query_params.get("next"))
        if visitor.role in ROLES:
            return RedirectResponse(f"{self._site.base}{asked}", 303)
        try:
            person = await run_in_threadpool(lambda: who_is(self._site.store().signed_in(visitor)))
        except NotSignedIn:
            return self._form(request)
        return pages.page(self._site, "waiting", 403, email=person.email, next=asked)

    def _form(self, request: Request, *, email: str = "", complaint: str | None = None, status: int = 200) -> Response:
        asked = destination(request.query_params.get("next"))
        return self._asking(asked, email=email, complaint=complaint, status=status)

    def _asking(self, asked: str, *, email: str = "", complaint: str | None = None, status: int = 200) -> Response:
        labels = [(name, name if "." in name else name.replace("_", " ").title()) for name in self._site.providers]
        return pages.page(self._site, "sign_in", status, email=email, next=asked, providers=labels, complaint=complaint)

    async def _with_password(self, request: Request, form: FormData) -> Response:
        asked, email = destination(_text(form, "next")), _text(form, "email").strip()
        try:
            return await run_in_threadpool(self._steps.with_password, request, email, _text(form, "password"), asked)
        except WrongCredentials as error:
            status = _BLOCKED if error.wait_s else 401
            return _after(self._asking(asked, email=email, complaint=str(error), status=status), error)

    async def _to_provider(self, request: Request, form: FormData) -> Response:
        provider = _text(form, "provider")
        if provider not in self._site.providers:
            return self._asking("/", complaint="This console does not offer that way to sign in.", status=400)
        return await run_in_threadpool(self._steps.to_provider, request, provider, destination(_text(form, "next")))

    async def _with_code(self, request: Request, code: str) -> Response:
        begun = await self._begun(request)
        if begun is None or begun.tokens is None:
            return self._form(request, complaint=_STARTED_ELSEWHERE, status=400)
        try:
            return await run_in_threadpool(self._steps.with_second_factor, request, begun, code)
        except WrongCredentials as error:
            page = pages.page(self._site, "second_factor", _BLOCKED if error.wait_s else 401, complaint=str(error))
            return await self._again(request, _after(page, error), begun)

    async def _with_new_password(self, request: Request, password: str) -> Response:
        begun = await self._begun(request)
        if begun is None or begun.tokens is None:
            return self._form(request, complaint=_STARTED_ELSEWHERE, status=400)
        if begun.tokens.factor_id:
            return await self._again(request, pages.page(self._site, "second_factor", 400), begun)
        try:
            return await run_in_threadpool(self._steps.with_new_password, request, begun, password)
        except InvalidInput as error:
            invited = begun.method == "invitation"
            page = pages.page(self._site, "new_password", 400, complaint=str(error), invited=invited)
            return await self._again(request, page, begun)

    async def _begun(self, request: Request) -> Unfinished | None:
        return await run_in_threadpool(take, self._site, request)

    async def _again(self, request: Request, response: Response, begun: Unfinished) -> Response:
        """The response, with which the same step can be tried once more."""
        await run_in_threadpool(keep, self._site, request, response, begun)
        return response


def _after(response: Response, error: WrongCredentials) -> Response:
    """The response, saying when to come back if it is too soon."""
    if error.wait_s:
        response.headers["retry-after"] = str(error.wait_s)
    return response


async def _form(request: Request) -> FormData:
    """What was typed; nothing if it is in no character set that there is."""
    try:
        return await request.form(max_files=0, max_fields=10)
    except (LookupError, UnicodeError):
        return FormData()


def _text(form: FormData, name: str) -> str:
    """A field of a form; empty if it is missing, or if it is no text that can be passed on."""
    value = form.get(name)
    if not isinstance(value, str):
        return ""
    return value if value.encode("utf-8", "ignore").decode() == value else ""
