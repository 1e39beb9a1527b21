"""What went wrong, as problem details (RFC 9457): a sentence that says what to do, no stack trace, no secret."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from autolab.core.errors import (
    AutolabError,
    DeviceError,
    InputError,
    InterruptedByPerson,
    NotAuthorisedError,
    SafetyError,
    StorageError,
)
from autolab.server.once import ConflictError

__all__ = ["PROBLEMS", "NotFoundError", "NotSignedInError", "Problem", "TooOftenError", "explain", "problem_of"]

MEDIA = "application/problem+json"


class NotFoundError(InputError):
    """There is no such thing."""


class NotSignedInError(NotAuthorisedError):
    """Nobody has signed in, or the session is over."""


class TooOftenError(AutolabError):
    """Somebody knocks too often.

    Args:
        message: What it is about.
        wait_s: Seconds after which it may be tried again.
    """

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message, wait_s)
        self.message, self.wait_s = message, wait_s

    def __str__(self) -> str:
        return f"{self.message}: try again in {max(self.wait_s, 1.0):.0f} s"


class Problem(BaseModel):
    """Body of every error (RFC 9457)."""

    type: str = Field(examples=["urn:autolab:problem:refused"])
    title: str = Field(examples=["Refused"])
    status: int = Field(examples=[422])
    detail: str = Field(
        description="What is wrong, and what to do.",
        examples=["trial 7 of teal-1 waits for nobody; those that wait for approval: none"],
    )
    errors: list[str] = Field(default_factory=list, description="One sentence for each field that is refused.")


_KINDS: tuple[tuple[type[Exception], int, str, str], ...] = (
    (NotSignedInError, 401, "not-signed-in", "Not signed in"),
    (NotAuthorisedError, 403, "not-authorised", "Not authorised"),
    (NotFoundError, 404, "not-found", "Not found"),
    (ConflictError, 409, "conflict", "Conflict"),
    (TooOftenError, 429, "too-often", "Too often"),
    (InputError, 422, "refused", "Refused"),
    (SafetyError, 409, "stopped-by-safety", "Stopped by safety"),
    (InterruptedByPerson, 409, "interrupted", "Stopped by a person"),
    (DeviceError, 503, "device-failed", "A device failed"),
    (StorageError, 503, "no-record", "The record cannot be written or read"),
)
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {MEDIA: {}}, "description": HTTPStatus(status).phrase}
    for status in (401, 403, 404, 409, 413, 422, 429, 500, 503)
}
"""Errors that every door may answer with, for its description."""


def problem_of(error: Exception) -> Problem:
    """An error as its caller may see it."""
    for kind, status, name, title in _KINDS:
        if isinstance(error, kind):
            return Problem(type=f"urn:autolab:problem:{name}", title=title, status=status, detail=str(error))
    if isinstance(error, RequestValidationError):
        return _refused(error)
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.BAD_REQUEST:
        said = "the body cannot be read: send what the description of this door says, as JSON in UTF-8"
        return Problem(type="urn:autolab:problem:refused", title="Refused", status=422, detail=said)
    if isinstance(error, HTTPException):
        phrase = HTTPStatus(error.status_code).phrase
        return Problem(type="about:blank", title=phrase, status=error.status_code, detail=str(error.detail))
    said = "the server has an internal error; the details are in its log, 'logs/autolab.log' of the data folder"
    return Problem(type="urn:autolab:problem:internal", title="Internal error", status=500, detail=said)


def explain(app: FastAPI, render: Any) -> None:
    """Answer every error with problem details, or for a page with the same in words.

    Args:
        app: The application.
        render: Makes the page for a request and a problem.
    """

    def answer(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        if problem.status == 500:
            logging.getLogger(__name__).error("%s %s", request.method, request.url.path, exc_info=error)
        headers = dict(getattr(error, "headers", None) or {})
        if isinstance(error, TooOftenError):
            headers["Retry-After"] = f"{max(error.wait_s, 1.0):.0f}"
        if problem.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if request.url.path.startswith("/api/"):
            return JSONResponse(problem.model_dump(), problem.status, headers, MEDIA)
        return render(request, problem, headers)

    for kind in (AutolabError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)


def _refused(error: RequestValidationError) -> Problem:
    """What is wrong with the fields of a request, without the values: one of them may be a secret."""
    said = [f"{'.'.join(str(part) for part in each['loc'][1:]) or 'body'}: {each['msg']}" for each in error.errors()]
    return Problem(
        type="urn:autolab:problem:refused", title="Refused", status=422,
        detail="; ".join(said) or "the request cannot be read", errors=said,
    )  # fmt: skip
