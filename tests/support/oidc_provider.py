"""An OpenID Connect provider on loopback: discovery, keys, and tokens with whatever claims a test wants.

Run as a program it listens on the port that its argument says, 0 for a free one.
"""

import base64
import json
import sys
import time
from typing import Any
from urllib.parse import parse_qs

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

AUDIENCE = "omniloket"
CLIENT = ("omniloket", "geheim")
"""Id and secret of who may introspect."""

_BASIC = "Basic " + base64.b64encode(":".join(CLIENT).encode()).decode()


class Signer:
    """A private key, and the JWK of its public half."""

    def __init__(self, key_id: str, algorithm: str) -> None:
        self.key_id, self.algorithm = key_id, algorithm
        self.key: Any
        if algorithm == "ES256":
            self.key, to_jwk = ec.generate_private_key(ec.SECP256R1()), ECAlgorithm.to_jwk
        elif algorithm == "EdDSA":
            self.key, to_jwk = ed25519.Ed25519PrivateKey.generate(), OKPAlgorithm.to_jwk
        else:
            self.key, to_jwk = rsa.generate_private_key(65537, 2048), RSAAlgorithm.to_jwk
        self.jwk: dict[str, Any] = {**json.loads(to_jwk(self.key.public_key())), "kid": key_id, "use": "sig"}

    def token(self, issuer: str, **claims: Any) -> str:
        """A token; a claim that is None is left out."""
        given = {"iss": issuer, "aud": AUDIENCE, "sub": "somebody", "exp": int(time.time()) + 600, **claims}
        kept = {name: value for name, value in given.items() if value is not None}
        return jwt.encode(kept, self.key, self.algorithm, headers={"kid": self.key_id})


def provider() -> Starlette:
    """The provider; `/rotate` gives it another key instead of its own, `/seen` tells how often it was asked.

    `/revoke` ends a token, which `/introspect` tells to whom it knows as CLIENT.
    """
    signers, seen = [Signer("1", "ES256")], [0]
    revoked: set[str] = set()

    async def discovery(request: Request) -> Response:
        seen[0] += 1
        issuer = str(request.base_url).rstrip("/")
        return JSONResponse({"issuer": issuer, "jwks_uri": f"{issuer}/keys"})

    async def keys(_request: Request) -> Response:
        seen[0] += 1
        return JSONResponse({"keys": [signers[-1].jwk]})

    async def token(request: Request) -> Response:
        return PlainTextResponse(signers[-1].token(str(request.base_url).rstrip("/"), **await request.json()))

    async def rotate(_request: Request) -> Response:
        signers.append(Signer(str(len(signers) + 1), "ES256"))
        return PlainTextResponse("")

    async def revoke(request: Request) -> Response:
        revoked.add((await request.body()).decode())
        return PlainTextResponse("")

    async def introspect(request: Request) -> Response:
        if request.headers.get("authorization") != _BASIC:
            return Response(status_code=401)
        (token,) = parse_qs((await request.body()).decode())["token"]
        return JSONResponse({"active": token.count(".") == 2 and token not in revoked})

    async def asked(_request: Request) -> Response:
        return JSONResponse(seen[0])

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", discovery),
            Route("/keys", keys),
            Route("/token", token, methods=["POST"]),
            Route("/rotate", rotate, methods=["POST"]),
            Route("/revoke", revoke, methods=["POST"]),
            Route("/introspect", introspect, methods=["POST"]),
            Route("/seen", asked),
        ]
    )


if __name__ == "__main__":
    uvicorn.run(provider(), host="127.0.0.1", port=int(sys.argv[1]))
