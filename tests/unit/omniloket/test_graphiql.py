"""The routes of GraphiQL, over a made-up bundle and over none."""

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from omniloket import graphiql

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SCRIPT = "/graphiql/assets/index-a1b2c3.js"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle, beside a file that is not for clients."""
    assets = tmp_path / "bundle" / "assets"
    assets.mkdir(parents=True)
    (assets / "index-a1b2c3.js").write_text("export {}")
    (assets.parent / "index.html").write_text("<!doctype html>")
    (assets.parent / "live.html").write_text("<!doctype html><title>live")
    (tmp_path / "secret.txt").write_text("secret")
    return assets.parent


def client(bundle: Path) -> httpx.AsyncClient:
    app = Starlette(routes=graphiql.routes(bundle))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


async def test_a_browser_gets_the_page_and_other_clients_a_word_of_welcome(bundle: Path) -> None:
    async with client(bundle) as asking:
        for path in ("/", "/graphiql"):
            page = await asking.get(path, headers=BROWSER)
            assert (page.status_code, page.text) == (200, "<!doctype html>")
            assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert (await asking.get("/live", headers=BROWSER)).text == "<!doctype html><title>live"
        welcome = await asking.get("/")
        assert welcome.headers["content-type"] == "text/plain; charset=utf-8"
        assert welcome.headers["vary"] == "Accept"
        assert "POST /graphql" in welcome.text


async def test_the_page_is_asked_for_anew_and_its_assets_never(bundle: Path) -> None:
    async with client(bundle) as asking:
        assert (await asking.get("/graphiql")).headers["cache-control"] == "no-cache"
        asset = await asking.get(SCRIPT)
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        again = await asking.get(SCRIPT, headers={"if-none-match": asset.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        absent = await asking.get("/graphiql/assets/index-0.js")
        assert (absent.status_code, absent.headers.get("cache-control")) == (404, None)


@pytest.mark.parametrize("path", ["/", "/graphiql", "/live", SCRIPT])
async def test_nothing_from_elsewhere_runs_in_the_page(bundle: Path, path: str) -> None:
    async with client(bundle) as asking:
        headers = (await asking.get(path, headers=BROWSER)).headers
    policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["worker-src"] == "'self'"
    assert not any("*" in each or "http" in each or "unsafe-eval" in each for each in policy.values())
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    ["../../secret.txt", "..%2f..%2fsecret.txt", "%2e%2e/%2e%2e/secret.txt", "//secret.txt", "", "..%5csecret.txt"],
)
async def test_no_path_leads_out_of_the_assets(bundle: Path, path: str) -> None:
    async with client(bundle) as asking:
        response = await asking.get(httpx.URL("http://127.0.0.1", raw_path=b"/graphiql/assets/" + path.encode()))
    assert response.status_code == 404
    assert "secret" not in response.text


async def test_a_server_without_the_bundle_says_how_to_build_it_and_serves_it_once_it_is_there(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    async with client(bundle) as asking:
        for path in ("/", "/graphiql", "/live"):
            page = await asking.get(path, headers=BROWSER)
            assert page.status_code == 503
            assert page.headers["content-type"] == "text/plain; charset=utf-8"
            assert "make graphiql" in page.text
        assert (await asking.get("/")).status_code == 200
        assert (await asking.get(SCRIPT)).status_code == 404
        (bundle / "assets").mkdir(parents=True)
        (bundle / "assets" / "index-a1b2c3.js").write_text("export {}")
        (bundle / "index.html").write_text("<!doctype html>")
        assert (await asking.get("/", headers=BROWSER)).text == "<!doctype html>"
        assert (await asking.get(SCRIPT)).status_code == 200
