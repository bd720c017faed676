"""GraphiQL, a page to try the schema in, and one that follows changes: the files that Vite has built from `web/`.

Nothing comes from another host.
"""

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

BUNDLE = Path(__file__).parent / "bundle"
"""Built by `make run` and `make test`. It is not in version control; a wheel holds it when it was there."""

_WELCOME = """Omniloket

GraphQL: POST /graphql, and graphql-transport-ws at the same address.
Browser: /graphiql, and /live for changes as they happen
Health:  /healthz (the process), /readyz (its sources).
"""

_NOT_BUILT = """GraphiQL is not built yet. In a clone of Omniloket, with make:

    make graphiql

Then load this page again. GraphQL itself is served at /graphql.
"""

_POLICY = {
    "default-src": "'none'",
    "connect-src": "'self'",
    "script-src": "'self'",
    "worker-src": "'self'",
    # The editor writes its colours and positions into the page, and brings small fonts and pictures in its CSS.
    "style-src": "'self' 'unsafe-inline'",
    "font-src": "'self' data:",
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
_HEADERS = {
    "content-security-policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_PAGE_HEADERS = {**_HEADERS, "cache-control": "no-cache", "vary": "Accept"}
# The name of an asset holds a hash of what is in it.
_ASSET_HEADERS = {**_HEADERS, "cache-control": "public, max-age=31536000, immutable"}


def routes(bundle: Path = BUNDLE) -> list[BaseRoute]:
    """GraphiQL at `/`, for a browser, and at `/graphiql`; the live page at `/live`; and their assets."""

    async def welcome(request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return await graphiql(request)
        return PlainTextResponse(_WELCOME, headers=_PAGE_HEADERS)

    async def graphiql(_request: Request) -> Response:
        return page("index.html")

    async def live(_request: Request) -> Response:
        return page("live.html")

    def page(name: str) -> Response:
        if not (bundle / name).is_file():
            return PlainTextResponse(_NOT_BUILT, 503, headers=_PAGE_HEADERS)
        return FileResponse(bundle / name, headers=_PAGE_HEADERS)

    return [
        Route("/", welcome),
        Route("/graphiql", graphiql),
        Route("/live", live),
        Mount("/graphiql/assets", _Assets(directory=bundle / "assets", check_dir=False)),
    ]


class _Assets(StaticFiles):
    """The files beside the page. The folder may be built while the server runs."""

    async def check_config(self) -> None:
        """A folder that is not there holds no file: 404, where Starlette would fail."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(_ASSET_HEADERS)
        return response
