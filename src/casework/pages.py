"""The few pages for people: the docs of the API, without a CDN, and a page for each problem."""

import html
import inspect
import json
from functools import lru_cache
from importlib import resources

from fastapi import APIRouter, FastAPI, Request, Response

from casework import contract
from casework.kernel.problems import NotFound, Problem

problem_pages = APIRouter(include_in_schema=False)
docs_pages = APIRouter(include_in_schema=False)

MEDIA = {"/docs": ("text/html", "text/css", "text/javascript", "image/png"), "/problems": ("text/html",)}
"""Which paths answer in other media than JSON, for the boundary."""

_STYLE = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_DOCS = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - CTSA Casework</title></head>
<body><main><h1>{title}</h1><p>Status {status}. Type <code>/problems/{slug}</code>.</p><p>{text}</p>
<p>Is it an emergency? Dial 999. Something suspicious: 0800 789 321.</p></main></body></html>
"""
_SWAGGER = """<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>CTSA Casework API</title><link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon.png"></head>
<body><div id="ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
"""
_START = """SwaggerUIBundle({url: "/openapi.json", dom_id: "#ui", deepLinking: true, docExpansion: "none",
  defaultModelsExpandDepth: -1, tryItOutEnabled: true, persistAuthorization: false, filter: true});
"""
_ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript", "favicon.png": "image/png"}


@problem_pages.get("/problems/{slug}")
async def problem_page(slug: str) -> Response:
    """What a problem means and what would be right."""
    problem = Problem.registry.get(slug)
    if problem is None:
        raise NotFound
    page = _PAGE.format(
        title=html.escape(problem.title),
        status=problem.status,
        slug=slug,
        text=html.escape(inspect.getdoc(problem) or ""),
    )
    return Response(page, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _STYLE})


@docs_pages.get("/openapi.json")
async def contract_document(request: Request) -> Response:
    """The contract, as this process serves it."""
    return Response(_contract(request.app), media_type="application/json")


@lru_cache(maxsize=1)
def _contract(app: FastAPI) -> str:
    return json.dumps(contract.generate(app))


@docs_pages.get("/docs")
async def docs_page() -> Response:
    """The docs page: every operation, to read and to try."""
    return Response(_SWAGGER, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _DOCS})


@docs_pages.get("/docs/{name}")
async def docs_asset(name: str) -> Response:
    """A file of the docs page."""
    if name == "start.js":
        return Response(_START, media_type="text/javascript")
    if name not in _ASSETS:
        raise NotFound
    content = resources.files("fastapi_offline").joinpath("static").joinpath(name).read_bytes()
    return Response(content, media_type=_ASSETS[name], headers={"Cache-Control": "max-age=86400"})
