"""Key custody: signing keys live in files of their own, each with an id, made once and rotated by adding another."""

import hashlib
import hmac
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Any

PURPOSES = ("cursor", "secret")
"""What the service signs: the cursors of lists, and secrets that are shown once."""
SEAL = "seal"
"""What the worker alone signs: the heads of the processing log. The API has no use for it."""


class Keys:
    """The secret keys of one purpose, newest first. New things use the first; old things are checked with all."""

    def __init__(self, directory: Path, purpose: str) -> None:
        self.directory = directory
        self.purpose = purpose

    @cached_property
    def keys(self) -> list[tuple[str, bytes]]:
        """(id, 32 bytes) of each key, newest first; the first start makes one."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = sorted(self.directory.glob(f"{self.purpose}-*.key"), reverse=True)
        if not files:
            self._make(1)
            files = sorted(self.directory.glob(f"{self.purpose}-*.key"), reverse=True)
        return [(file.stem.rpartition("-")[2], bytes.fromhex(file.read_text().strip())) for file in files]

    def rotate(self) -> str:
        """Make a newer key and return its id; earlier ones stay good for what they signed."""
        newest = int(self.keys[0][0])
        self._make(newest + 1)
        del self.keys
        return self.keys[0][0]

    def _make(self, number: int) -> None:
        # Written whole under another name first: a process that starts meanwhile must not read half a key.
        target = self.directory / f"{self.purpose}-{number:04d}.key"
        half = self.directory / f".{self.purpose}-{secrets.token_hex(8)}"
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(half, target)
        except FileExistsError:
            pass
        finally:
            half.unlink()

    def seal(self, *parts: bytes) -> bytes:
        """A MAC by the newest key over the parts, each with its length."""
        return _mac(self.keys[0][1], parts)

    def seals(self, *parts: bytes) -> list[bytes]:
        """The MAC by each key, newest first: what was made before a key was rotated is found all the same."""
        return [_mac(key, parts) for _, key in self.keys]

    def holds(self, seal: bytes, *parts: bytes) -> bool:
        """Whether any key made this seal over these parts."""
        return any(hmac.compare_digest(_mac(key, parts), seal) for _, key in self.keys)


class Signer:
    """Signatures that others can check without our key: Ed25519, whose private keys are the bytes of a purpose's files.

    The library is loaded at the first signature: the API, which makes none, must not wait for it.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    @cached_property
    def public(self) -> list[bytes]:
        """The public keys, newest first."""
        return [_private(seed).public_key().public_bytes_raw() for _, seed in self._keys.keys]

    def sign(self, message: bytes) -> bytes:
        """The newest key's signature."""
        return bytes(_private(self._keys.keys[0][1]).sign(message))


def signed_by(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the holder of this public key signed the message."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _private(seed: bytes) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed)


def _mac(key: bytes, parts: tuple[bytes, ...]) -> bytes:
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        mac.update(len(part).to_bytes(8, "big"))
        mac.update(part)
    return mac.digest()
