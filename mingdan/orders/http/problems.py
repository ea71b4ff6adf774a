"""What the service answers when it does not do what was asked.

Here: the one form of every error, and which refusal is which HTTP status
(`reference/http_status.csv`). Not here: the refusals themselves. No answer
repeats what was sent, which may be personal data.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from mingdan.orders.access.rates import TooMany
from mingdan.orders.refusals import Refused
from mingdan.reference import load

_REFUSED = 422
"""Any refusal without a status of its own: the request is understood and not carried out."""


class Problem(BaseModel):
    """A refusal: `code` is for programs, the reasons for people (TMF630 Error)."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)

    code: Annotated[str, Field(examples=["number_in_use"])]
    reason: str
    reason_zh: str
    status: Annotated[str, Field(pattern="^[45][0-9]{2}$", examples=["409"])]


def status_of(code: str) -> int:
    """The HTTP status of a refusal."""
    row = load.by("http_status", "code").get(code)
    return _REFUSED if row is None else int(row["status"])


def answer(refused: Refused) -> JSONResponse:
    """The answer to a refused request."""
    status = status_of(refused.code)
    problem = Problem(
        code=refused.code,
        reason=refused.reason,
        reason_zh=refused.reason_zh,
        status=str(status),
    )
    headers = {}
    if isinstance(refused, TooMany):
        headers["Retry-After"] = str(refused.seconds)
    if refused.code == "store_busy":
        headers["Retry-After"] = "5"
    if refused.code == "unauthenticated":
        headers["WWW-Authenticate"] = "ApiKey"
    return JSONResponse(problem.model_dump(by_alias=True), status_code=status, headers=headers)


def invalid(error: RequestValidationError) -> Refused:
    """The refusal of a request that is not of the documented form: where, not what."""
    found = error.errors()
    first = found[0]
    place = [str(part) for part in first["loc"]]
    kind = str(first["type"])
    if kind == "extra_forbidden":
        # its last part is a name the sender made up
        place.pop()
    problem = kind.replace("_", " ")
    if kind.startswith("union_tag"):
        place.append(str(first["ctx"]["discriminator"]).strip("'"))
        problem = "missing"
        if kind == "union_tag_invalid":
            problem = f"is none of {first['ctx']['expected_tags']}".replace("'", "")
    return Refused("invalid_value", field=".".join(place), problem=problem)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of a path for its OpenAPI document."""
    return {status: {"model": Problem, "description": _MEANING[status]} for status in statuses}


def every_path(*more: int) -> dict[int | str, dict[str, Any]]:
    """Those any path may give, and `more`."""
    both: Iterable[int] = sorted({401, 403, 413, 422, 429, 503, *more})
    return documented(*both)


_MEANING = {
    400: "Not JSON",
    401: "No valid API key",
    403: "This interface may not do this business now",
    404: "Nothing of that id that this interface may see",
    409: "In conflict with what is on record",
    413: "Too large",
    422: "Not carried out: not of the documented form, or refused by a check",
    429: "Too many requests",
    503: "Busy; try again",
}
