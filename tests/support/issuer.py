"""An identity provider of its own process on loopback: discovery, keys, rotation, and being away. And what it signs.

``python -m tests.support.issuer`` is the provider: it serves what the test process tells it to over its standard input.
The private keys stay with the tests, which sign by them, rightly and wrongly.
"""

import base64
import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

AUDIENCE = "https://casework.example/api"
Key = RSAKey | ECKey | OKPKey
ROOT = Path(__file__).parents[2]


def new_key(algorithm: str) -> Key:
    """A fresh key that signs so."""
    if algorithm.startswith(("RS", "PS")):
        return RSAKey.generate_key(2048)
    if algorithm.startswith("ES"):
        return ECKey.generate_key("P-256")
    return OKPKey.generate_key("Ed25519")


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: dict[str, Any] | bytes, claims: dict[str, Any] | bytes, key: Key, algorithm: str) -> str:
    """A token of exactly this header and these claims, with a right signature whatever they say."""
    head = b64(header if isinstance(header, bytes) else json.dumps(header).encode())
    body = b64(claims if isinstance(claims, bytes) else json.dumps(claims).encode())
    content = f"{head}.{body}"
    model = jws.JWSRegistry.algorithms[algorithm]
    return f"{content}.{b64(model.sign(content.encode(), key))}"


class Issuer:
    """The running provider, and its keys by name."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[Key, str]] = {"first": (new_key("RS256"), "RS256")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.issuer"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self._talking = threading.Lock()
        self.publish()

    def tell(self, **what: Any) -> dict[str, Any]:
        """Change what the process serves; returns how often it was asked for what."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._talking:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def publish(self, **instead: Any) -> None:
        """Serve the keys as they are now; ``instead`` replaces a document."""
        public = [
            key.as_dict(private=False) | {"kid": kid, "alg": algorithm, "use": "sig"}
            for kid, (key, algorithm) in self.keys.items()
        ]
        discovery = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        self.tell(**{"away": False, "discovery": discovery, "keys": {"keys": public}, **instead})

    def add_key(self, kid: str, algorithm: str = "RS256") -> None:
        """A further key, published at once."""
        self.keys[kid] = (new_key(algorithm), algorithm)
        self.publish()

    def asked(self) -> int:
        """How often the keys were asked for."""
        return int(self.tell()["asked"])

    @staticmethod
    def public(algorithm: str, kid: str, *, bits: int = 2048) -> dict[str, Any]:
        """A key as a JWK set would hold it; RSA of as many bits."""
        if not algorithm.startswith("RS"):
            return {**new_key(algorithm).as_dict(private=False), "kid": kid, "alg": algorithm, "use": "sig"}
        numbers = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key().public_numbers()
        modulus = b64(numbers.n.to_bytes(bits // 8, "big"))
        return {"kty": "RSA", "n": modulus, "e": "AQAB", "kid": kid, "alg": algorithm, "use": "sig"}

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def header(self, kid: str = "first", **more: Any) -> dict[str, Any]:
        return {"alg": self.keys[kid][1], "typ": "at+jwt", "kid": kid, **more}

    def claims(self, subject: str, **more: Any) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "exp": now + 600,
            "jti": f"{subject}-{time.perf_counter_ns()}",
            "client_id": "frontend",
            **more,
        }

    def token(self, subject: str, *, kid: str = "first", **claims: Any) -> str:
        """A right access token, but for the claims given."""
        key, algorithm = self.keys[kid]
        return signed(self.header(kid), self.claims(subject, **claims), key, algorithm)


def main() -> None:
    """Serve on a free port; each line of standard input changes what is served."""
    served: dict[str, Any] = {"away": False}
    asked = {"asked": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if served["away"] == "slow":
                time.sleep(8)
            name = {"/.well-known/openid-configuration": "discovery", "/keys": "keys"}.get(self.path)
            asked["asked"] += name == "keys"
            document = served.get(name or "")
            status = 404 if document is None else 503 if served["away"] else served.get("status", 200)
            body = json.dumps(document).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", served["location"])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    for line in sys.stdin:
        served.update(json.loads(line))
        print(json.dumps(asked), flush=True)


if __name__ == "__main__":
    main()
