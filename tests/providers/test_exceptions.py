"""The reason for every exception of both SDKs and their HTTP library; a new class fails here until it is classified."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from orchestrator.attempt import FallbackReason
from orchestrator.providers.failures import failure

MODULES = [
    *("openai", "openai._exceptions", "openai._streaming", "openai._response", "openai._legacy_response"),
    *("anthropic", "anthropic._exceptions", "anthropic._error_classes", "anthropic._streaming", "anthropic._response"),
    *("httpx2", "httpx2._exceptions", "httpx2._sse", "httpx2._client", "httpx2._models"),
]
HELPERS = (".lib.", "._extras.", "httpx2.websockets")
"""Parts of the SDKs that the providers never call; which of them are loaded depends on who ran before."""

TABLE: dict[str, dict[FallbackReason, str]] = {
    "openai": {
        "timeout": """
            APITimeoutError
        """,
        "rate_limit": """
            RateLimitError
        """,
        "validation_failed": """
            ContentFilterFinishReasonError LengthFinishReasonError
        """,
        "api_error": """
            APIConnectionError APIError APIResponseValidationError APIStatusError
            AuthenticationError BadRequestError ConflictError InternalServerError
            InvalidWebhookSignatureError MissingStreamClassError NotFoundError OAuthError
            OpenAIError PermissionDeniedError StreamAlreadyConsumed SubjectTokenProviderError
            UnprocessableEntityError WebSocketConnectionClosedError WebSocketQueueFullError
            _AmbiguousModuleClientUsageError
        """,
    },
    "anthropic": {
        "timeout": """
            APITimeoutError
        """,
        "rate_limit": """
            ContractSpendLimitReachedError EnforcedSpendLimitReachedError RampLimitExceededError
            RateLimitError
        """,
        "api_error": """
            APIConnectionError APIError APIResponseValidationError APIStatusError
            APIWebhookValidationError AlreadyMemberError AnthropicError AuthenticationError
            AvailableToolsLimitExceededError BadRequestError BetaAPIKeyScopeMissingError
            BetaBundleAttachmentNotSupportedError BetaBundleOnCallError
            BetaCMEKFeatureUnsupportedError BetaCannotSignOutManagedMemberError
            BetaCannotSignOutMembershipAdminError BetaCannotSignOutOwnerError
            BetaCannotSignOutPrimaryOwnerError BetaCannotSignOutPrivilegedMemberError
            BetaCannotSignOutSelfError BetaClaudeTagWritesNotEnabledError
            BetaComplianceConfigurationRestrictedError BetaEnvironmentArchivedError
            BetaEnvironmentCreateDisabledError BetaEnvironmentNotFoundError
            BetaEnvironmentUpdateDisabledError BetaHeartbeatPreconditionFailedError
            BetaInvalidConfigTypeChangeError BetaInvalidMetadataError
            BetaOrganizationLevelScopedAPIKeyRequiredError BetaOrganizationNotEnrolledInBetaError
            BetaPluginNameTakenError BetaRBACGroupManagedSettingsNotFoundError
            BetaRBACGroupNotFoundError BetaRBACGroupOrderLimitExceededError
            BetaRegistrationPendingError BetaRequestBodyTimeoutError BetaScanFailedError
            BetaScanPendingError BetaSettingsDocumentLimitExceededError
            BetaSettingsHistoryLimitExceededError BetaSkillNameTakenError
            BetaSlackChannelSetUpEnvironmentNotFoundError BetaSlackChannelSetUpSettingsConflictError
            BetaSlackChannelSetUpSettingsRefusedError BetaSpendLimitsAdminAPIWritesNotEnabledError
            BetaUnsupportedCharsetError CMEKContextUnavailableError CMEKKeyDisabledError
            CMEKKeyNetworkBlockedError CMEKKeyUnreachableError
            CannotInviteEmailsWithUnverifiedDomainsError CannotRemoveLastMemberError
            ClaudeCodeKeyCreatorNotMemberError ClaudeCodeVersionTooOldError ClientClosedRequestError
            CompactionBlockAmbiguousError CompactionBlockMisplacedError
            CompactionContentMismatchError CompactionIncompleteTurnError
            CompactionNothingToSummarizeError CompactionSignatureInvalidError
            CompactionTooManyToolReferencesError CompactionToolChangesMismatchError
            CompactionUnavailableError ConcurrentMembershipChangeError ConflictError
            ContentTooLargeError CredentialsError EmailDomainNotAllowedError ExternalKeyChangedError
            ExternalKeyInWorkspacePolicyError ExternalKeyValidationFailedError
            ExternalKeyValidationTimedOutError FileExpiredError FileNotDownloadableError
            GatewayTimeoutError HTTPNotImplementedError IdentityTokenFileError
            ImageDimensionsTooLargeError InternalServerError InviteAlreadyExistsError
            KeyProfileMismatchError LinkedOrganizationBillingUnavailableError
            LinkedOrganizationSpendLimitReachedError MissingStreamClassError NotFoundError
            OrgAPIKeyLimitExceededError OrgMemberLimitExceededError OrganizationOnHoldError
            OrganizationTypeNotSupportedError OverloadedError ParentOrganizationRequiredError
            PaymentRequiredError PermissionDeniedError PreconditionFailedError
            RBACGroupGrantsOwnerAccessError RBACGroupOwnerAccessUnconfirmedError
            RBACRoleNotFoundError RequestBodyEncodingInvalidError
            RequestBodyEncodingUnsupportedError RequestBodyTooLargeAfterDecodingError
            RequestHeaderFieldsTooLargeError RequestTimeoutError RetryableError
            SandboxEgressRestrictedError ServiceUnavailableError SkillReadBlockedUndecryptableError
            StorageQuotaExceededError StreamAlreadyConsumed ThreadAlreadyContinuedError
            ThreadContinueInFlightError ThreadFingerprintMismatchError ThreadNotFoundError
            ThreadUnsupportedRequestError ToolNameConflictError ToolReferenceUnresolvedError
            UnprocessableEntityError UserProfileBillingNotAuthorizedError
            UserProfileNotBillableError UserProfileNotFoundError UserProfileRequiredError
            WorkspaceAPIKeyLimitExceededError WorkspaceMemberLimitExceededError
            WorkspacePolicyViolationError
        """,
    },
    "httpx2": {
        "timeout": """
            ConnectTimeout PoolTimeout ReadTimeout TimeoutException WriteTimeout
        """,
        "api_error": """
            CloseError ConnectError CookieConflict DecodingError HTTPError HTTPStatusError
            HTTPXDeprecationWarning InvalidURL LocalProtocolError NetworkError ProtocolError
            ProxyError ReadError RemoteProtocolError RequestError RequestNotRead ResponseNotRead
            SSEError StreamClosed StreamConsumed StreamError TooManyRedirects TransportError
            UnsupportedProtocol WriteError
        """,
    },
}

REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1")


def below(base: type[Exception]) -> Iterator[type[Exception]]:
    """A class and all its subclasses."""
    yield base
    for subclass in base.__subclasses__():
        yield from below(subclass)


def exception_classes() -> list[type[Exception]]:
    """Every exception class of the three packages that a call can meet."""
    found: set[type[Exception]] = set()
    for module in map(importlib.import_module, MODULES):
        for value in list(vars(module).values()):
            if inspect.isclass(value) and issubclass(value, Exception) and _package(value) in TABLE:
                found.update(below(value))
    ours = (kind for kind in found if _package(kind) in TABLE)
    return sorted((kind for kind in ours if not _helper(kind)), key=_name)


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _helper(kind: type) -> bool:
    return any(part in kind.__module__ for part in HELPERS)


def _name(kind: type) -> str:
    return f"{_package(kind)}.{kind.__name__}"


def made(kind: type[Exception], **attributes: Any) -> Exception:
    """An instance with what such an error carries, whatever its constructor requires."""
    error = kind.__new__(kind)
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


def expected() -> dict[str, FallbackReason]:
    """The table with one line per class."""
    return {
        f"{package}.{name}": reason
        for package, reasons in TABLE.items()
        for reason, names in reasons.items()
        for name in names.split()
    }


def test_every_exception_class_has_its_reason() -> None:
    """Each class gets the reason in the table, and the table names each class."""
    landed = {_name(kind): failure(made(kind), answered=False, key="sk-test").reason for kind in exception_classes()}
    assert landed == expected()


@pytest.mark.parametrize("answered", [True, False])
def test_whether_a_response_had_begun_is_kept(answered: bool) -> None:
    """The cost of a failed call depends on whether a response had begun."""
    error = made(httpx2.ReadError)
    assert failure(error, answered=answered, key="sk-test").answered is answered


@pytest.mark.parametrize("package", ["openai", "anthropic"])
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 499, 500, 502, 503, 504, 529])
def test_status_decides(package: str, status: int) -> None:
    """Only 429 is a rate limit; 408, 504 and 529 are api_error like the rest, and the detail is the status."""
    kind = importlib.import_module(package).APIStatusError
    response = httpx2.Response(status, request=REQUEST)
    found = failure(kind("Failed.", response=response, body=None), answered=False, key="sk-test")
    assert (found.reason, found.detail) == ("rate_limit" if status == 429 else "api_error", f"HTTP {status}")


@pytest.mark.parametrize("package", ["openai", "anthropic"])
@pytest.mark.parametrize("status", [400, 403, 503])
def test_a_status_outweighs_what_the_body_says(package: str, status: int) -> None:
    """A body that speaks of a rate limit under another status is not a rate limit."""
    kind = importlib.import_module(package).APIStatusError
    response = httpx2.Response(status, request=REQUEST)
    body = {"type": "tokens", "code": "rate_limit_exceeded", "error": {"type": "rate_limit_error"}}
    found = failure(kind("Failed.", response=response, body=body), answered=False, key="sk-test")
    assert found.reason == "api_error"


@pytest.mark.parametrize("kind", [ValueError, KeyError, RecursionError, UnicodeDecodeError, OSError])
def test_any_other_exception_is_an_api_error(kind: type[Exception]) -> None:
    """Other exceptions that an SDK lets through count as the provider's failure too, named by their class."""
    found = failure(made(kind), answered=True, key="sk-test")
    assert (found.reason, found.detail) == ("api_error", kind.__name__)
