"""References that people read aloud: ``ENQ-7K3M-Q9XT``.

They are random, so one never tells how many there are nor leads to the next. They are not secrets.

The alphabet has 23 characters: no vowels (no words come about by chance), no 0, 1, I, L, O, U, and only one
of each pair that is mixed up on paper or by ear (8 not B, 6 not G, 5 not S, 2 not Z, M not N). Seven random
ones give 3.4 thousand million references.

23 is prime, which makes the last character a good check: with eight different weights the weighted sum modulo
a prime changes whenever one character is replaced, and whenever any two different ones change places,
neighbours or not. Other mistakes slip through once in 23 times, and then meet a reference in use about as
often as those are among 3.4 thousand million.
"""

import re
import secrets

ALPHABET = "23456789CDFHJKMPQRTVWXY"
_SIZE = len(ALPHABET)
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 1)
# Not zero, so that 2222-2222 (what a stuck key types) fails; this very number, so that the example that
# everybody knows from the documents, ENQ-7K3M-Q9XT, is a good one.
_REMAINDER = 7
_BETWEEN = re.compile(r"[\s\-\u2010-\u2015\u2212]+")  # hyphens, as word processors change them, and spaces
_PREFIX = re.compile(r"[A-Z]{2,8}")
_LONGEST = 40


class MistypedReference(ValueError):
    """The reference cannot be one of ours: a character is wrong, missing, or has changed places."""


def _sum(body: str) -> int:
    return sum(weight * ALPHABET.index(character) for weight, character in zip(_WEIGHTS, body, strict=False))


def _written(prefix: str, body: str) -> str:
    return f"{prefix}-{body[:4]}-{body[4:]}"


def new_reference(prefix: str) -> str:
    """A new random reference, such as ``ENQ-7K3M-Q9XT``; that it is unused is for the database to say."""
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("a prefix is 2 to 8 capital letters")
    payload = "".join(secrets.choice(ALPHABET) for _ in _WEIGHTS[:-1])
    # The last weight is 1, so the check character is what is missing to the remainder.
    return _written(prefix, payload + ALPHABET[(_REMAINDER - _sum(payload)) % _SIZE])


def parse_reference(text: str, prefix: str | None = None) -> str:
    """The canonical form of what somebody typed: ``enq 7k3mq9xt`` → ``ENQ-7K3M-Q9XT``.

    With ``prefix`` the reference must be of that kind, and may be given without it, as callers do.
    Raises MistypedReference otherwise; the message never repeats the text.
    """
    typed = _BETWEEN.sub("", text).upper() if len(text) <= _LONGEST else ""
    head, body = typed[:-8], typed[-8:]
    head = head or prefix or ""
    if not _PREFIX.fullmatch(head) or (prefix is not None and head != prefix):
        raise MistypedReference(f"A reference here looks like {_written(prefix or 'ENQ', '7K3MQ9XT')}.")
    if len(body) != len(_WEIGHTS) or not set(body) <= set(ALPHABET):
        raise MistypedReference(f"A reference has eight characters of {ALPHABET} after its first hyphen.")
    if _sum(body) % _SIZE != _REMAINDER:
        raise MistypedReference("A character of the reference is wrong, or two changed places: read it again.")
    return _written(head, body)
