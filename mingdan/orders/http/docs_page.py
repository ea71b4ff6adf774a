"""The page that documents the service to people: Swagger UI from our own disk.

Here: the page, its script and the files of the package that brings Swagger UI
along. Not here: the document it shows (FastAPI's `/openapi.json`).

Nothing on the page comes from elsewhere, and the browser is told to ask nobody
else: the service runs on machines without a way out, and what is looked at
there is nobody else's business.
"""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

PAGE = "/docs"
_FILES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
"""What the page needs of the package `fastapi-offline`."""
_START = "start.js"
PATHS = frozenset({PAGE, *(f"{PAGE}/{name}" for name in (*_FILES, _START))})
"""Every path of the page; none needs a key."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"}
_HTML = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
# without a validator, which would be asked over the network
_SCRIPT = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
"""

router = APIRouter(include_in_schema=False)


@router.get(PAGE)
def page(request: Request) -> Response:
    """The page; its links are relative, so it works behind any prefix."""
    return HTMLResponse(_HTML.format(title=escape(request.app.title)), headers=_HEADERS)


@router.get(f"{PAGE}/{_START}")
def start() -> Response:
    """What the page does once Swagger UI is there."""
    return Response(_SCRIPT, media_type="text/javascript; charset=utf-8", headers=_HEADERS)


@router.get(f"{PAGE}/swagger-ui-bundle.js")
def bundle() -> Response:
    """Swagger UI."""
    return _file("swagger-ui-bundle.js")


@router.get(f"{PAGE}/swagger-ui.css")
def style() -> Response:
    """Its looks."""
    return _file("swagger-ui.css")


def _file(name: str) -> Response:
    return Response(_read(name), media_type=_FILES[name], headers=_HEADERS)


@cache
def _read(name: str) -> bytes:
    return (files("fastapi_offline") / "static" / name).read_bytes()
