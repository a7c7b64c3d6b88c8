"""Every refusal is a problem document (RFC 9457); this room holds the base and the problems all slices share."""

from typing import Any, ClassVar

BASE = "/problems/"


class Problem(Exception):
    """A refusal that says what was wrong and what would be right.

    Subclasses set ``status``, ``slug`` and ``title``; their docstring is the page at ``/problems/<slug>``.
    ``extensions`` become members of the document beside ``type``, ``title``, ``status`` and ``detail``.
    """

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong on our side"
    registry: ClassVar[dict[str, type["Problem"]]] = {}

    def __init__(self, detail: str = "", *, headers: dict[str, str] | None = None, **extensions: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.headers = headers or {}
        self.extensions = extensions

    def __init_subclass__(cls) -> None:
        known = Problem.registry.setdefault(cls.slug, cls)
        if known is not cls and known.__qualname__ != cls.__qualname__:
            raise TypeError(f"two problems share the slug {cls.slug}: {known} and {cls}")

    def document(self) -> dict[str, Any]:
        """The RFC 9457 document: type, title, status, detail, and the problem's own members."""
        return {
            "type": BASE + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.extensions,
        }


class InternalError(Problem):
    """Our fault. Nothing was stored. Repeat the request with the same Idempotency-Key; tell us the request id."""


class BadRequest(Problem):
    """The request could not be read. Correct it and send it again."""

    status, slug, title = 400, "bad-request", "The request could not be read"


class InvalidJson(Problem):
    """The body is not JSON as RFC 8259 defines it: no trailing commas, comments, NaN or Infinity."""

    status, slug, title = 400, "invalid-json", "The body is not valid JSON"


class DuplicateKey(Problem):
    """An object in the body names the same member twice, so it is unclear which is meant."""

    status, slug, title = 400, "duplicate-key", "A member is named twice"


class InvalidEncoding(Problem):
    """The body is not UTF-8. Send UTF-8."""

    status, slug, title = 400, "invalid-encoding", "The body is not UTF-8"


class ControlCharacter(Problem):
    """A path, query or header holds a control character or broken percent-encoding."""

    status, slug, title = 400, "control-character", "A control character is not allowed here"


class InvalidCursor(Problem):
    """The cursor is not one that this list gave to you for these filters. Start again without a cursor."""

    status, slug, title = 400, "invalid-cursor", "The cursor does not belong to this list"


class UnknownParameter(Problem):
    """The operation has no query parameter of that name, so it would have been silently ignored."""

    status, slug, title = 400, "unknown-parameter", "There is no such query parameter"


class RepeatedParameter(Problem):
    """A query parameter that takes one value was given more than once."""

    status, slug, title = 400, "repeated-parameter", "A query parameter is given twice"


class TooManyParameters(Problem):
    """A URL may carry 64 query parameters at most."""

    status, slug, title = 400, "too-many-parameters", "Too many query parameters"


class BadHost(Problem):
    """A request names exactly one host in its Host header, and one that this service answers for."""

    status, slug, title = 400, "bad-host", "The Host header is missing, doubled or not ours"


class AmbiguousLength(Problem):
    """A request must not carry both Content-Length and Transfer-Encoding."""

    status, slug, title = 400, "ambiguous-length", "The length of the body is ambiguous"


class SecretInUrl(Problem):
    """Tokens and codes travel in the Authorization header or the body, never in a URL, where logs would keep them."""

    status, slug, title = 400, "secret-in-url", "A secret does not belong in a URL"


class IdempotencyKeyMissing(Problem):
    """This POST needs an Idempotency-Key header, so that a reply lost on the way can be asked for again."""

    status, slug, title = 400, "idempotency-key-missing", "An Idempotency-Key header is required"


class InvalidIdempotencyKey(Problem):
    """An Idempotency-Key is 1 to 255 visible ASCII characters; a random UUID is a good one."""

    status, slug, title = 400, "invalid-idempotency-key", "The Idempotency-Key is not well formed"


class Unauthenticated(Problem):
    """The request carries no bearer token, or one that is unknown, expired or revoked."""

    status, slug, title = 401, "unauthenticated", "Log in first"

    def __init__(self, detail: str = "", **extensions: Any) -> None:
        super().__init__(
            detail or "Send a current token: 'Authorization: Bearer …'.",
            headers={"WWW-Authenticate": "Bearer"},
            **extensions,
        )


class Forbidden(Problem):
    """None of your roles reaches this action here."""

    status, slug, title = 403, "forbidden", "Your role does not allow this"


class NotFound(Problem):
    """There is nothing at this address that you may see. Absent and hidden things answer alike."""

    status, slug, title = 404, "not-found", "Not found"


class MethodNotAllowed(Problem):
    """The address exists, but not with this method; the Allow header names the methods it has."""

    status, slug, title = 405, "method-not-allowed", "The method is not allowed here"


class NotAcceptable(Problem):
    """The operation cannot answer in any media type that the Accept header allows."""

    status, slug, title = 406, "not-acceptable", "No acceptable media type"


class RequestTimeout(Problem):
    """The request took too long to arrive."""

    status, slug, title = 408, "request-timeout", "The request arrived too slowly"


class Conflict(Problem):
    """The request is right in itself but contradicts what is stored."""

    status, slug, title = 409, "conflict", "In conflict with what is stored"


class AlreadyExists(Problem):
    """Something with this id or key exists already, with other content."""

    status, slug, title = 409, "already-exists", "It exists already"


class StateConflict(Problem):
    """The record's state does not allow this move; the document names the states that would."""

    status, slug, title = 409, "state-conflict", "Not possible in this state"


class RequestInProgress(Problem):
    """A request with this Idempotency-Key is being carried out right now. Ask again shortly."""

    status, slug, title = 409, "request-in-progress", "The same request is still running"


class TryAgain(Problem):
    """Another request held the same records. Nothing was stored; send it again."""

    status, slug, title = 409, "try-again", "Another request was in the way"


class PreconditionFailed(Problem):
    """The record changed since you read it. Read it again, and decide again."""

    status, slug, title = 412, "precondition-failed", "The record has changed since you read it"


class BodyTooLarge(Problem):
    """The body is larger than this operation takes."""

    status, slug, title = 413, "body-too-large", "The body is too large"


class UriTooLong(Problem):
    """A URL may have 8 KiB at most."""

    status, slug, title = 414, "uri-too-long", "The URL is too long"


class UnsupportedMediaType(Problem):
    """The body has the wrong Content-Type, or none; the Accept header of the answer names the right one."""

    status, slug, title = 415, "unsupported-media-type", "The media type of the body is not supported"


class UnsupportedEncoding(Problem):
    """Bodies are taken uncompressed: leave out Content-Encoding."""

    status, slug, title = 415, "unsupported-encoding", "Compressed bodies are not taken"


class ValidationFailed(Problem):
    """The request was read, but some of it is not right; ``errors`` says where (JSON pointer) and what would be."""

    status, slug, title = 422, "validation-failed", "Some of what was sent is not right"


class IdempotencyKeyReused(Problem):
    """This Idempotency-Key was used with another request. Use a new key for a new request."""

    status, slug, title = 422, "idempotency-key-reused", "The Idempotency-Key belongs to another request"


class LocalTimeDoesNotExist(Problem):
    """The clocks go forward over this time at the site: it does not exist that day."""

    status, slug, title = 422, "local-time-does-not-exist", "That local time does not exist"


class LocalTimeAmbiguous(Problem):
    """The clocks go back at the site: this time occurs twice that day. Send it with its UTC offset."""

    status, slug, title = 422, "local-time-ambiguous", "That local time occurs twice"


class PreconditionRequired(Problem):
    """Changing an existing record needs If-Match with the ETag that you read."""

    status, slug, title = 428, "precondition-required", "Say which version you are changing"


class TooManyRequests(Problem):
    """You have asked too often. Wait for the seconds named in Retry-After."""

    status, slug, title = 429, "too-many-requests", "Too many requests"


class HeadersTooLarge(Problem):
    """A request may carry 64 headers and 16 KiB of them at most."""

    status, slug, title = 431, "headers-too-large", "The headers are too large"


class Unavailable(Problem):
    """The service cannot answer just now. Nothing was stored. Try again after the seconds named in Retry-After."""

    status, slug, title = 503, "unavailable", "Not available just now"

    def __init__(self, detail: str = "", *, retry_after: int = 2, **extensions: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **extensions)


class StorageFull(Problem):
    """The service has no room to store this. Nothing was stored; operators have been told."""

    status, slug, title = 507, "storage-full", "No room to store this"
