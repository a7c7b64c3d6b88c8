"""In which encoding a file is written: told by its mark, else by all of its bytes, never by the first thousand."""

import codecs
import hashlib
import re
from dataclasses import dataclass
from typing import BinaryIO

CHUNK = 1 << 18
_MARKS = (
    # Longest first: UTF-32's mark begins with UTF-16's.
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF32_BE, ""),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NAMES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
_KINDS = (
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"%PDF", "a PDF"),
)
_UNASSIGNED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
"""Bytes that stand for nothing in Windows-1252."""
_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
"""What is a character outside ASCII in UTF-8, and hardly ever text in Windows-1252."""


class FileFault(ValueError):
    """Why a file cannot be taken: the cause, where it stands, and what would be right. Never what stands there."""


@dataclass(frozen=True)
class Encoding:
    """How a file is written, and its digest: known when all of it has been read."""

    codec: str
    mark: int
    """How many bytes the mark at its beginning has."""
    digest: bytes
    foreign: int | None = None
    """Where Windows-1252 showed itself: the offset of the first byte that is not UTF-8."""


def look_through(file: BinaryIO, name: str) -> Encoding:
    """Read a file to its end; raises ``FileFault`` with the offset of the byte (the first is 0) that cannot be read."""
    file.seek(0)
    head = file.read(8)
    for sign, kind in _KINDS:
        if head.startswith(sign):
            raise FileFault(f"{name} is {kind}. Save it as CSV, in UTF-8.")
    codec, mark = next(((codec, len(sign)) for sign, codec in _MARKS if head.startswith(sign)), ("utf-8", 0))
    if not codec:
        raise FileFault(f"{name} is written in UTF-32. Save it as UTF-8.")
    return _Look(file, name, codec, mark).encoding()


@dataclass
class _Look:
    file: BinaryIO
    name: str
    codec: str
    mark: int

    def encoding(self) -> Encoding:
        digest = hashlib.sha256()
        decoder = codecs.getincrementaldecoder(self.codec)()
        self.file.seek(0)
        digest.update(self.file.read(self.mark))
        at, foreign = self.mark, None
        while True:
            chunk = self.file.read(CHUNK)
            digest.update(chunk)
            pending = len(decoder.getstate()[0])
            if foreign is None and (pending or not chunk.isascii() or self.codec != "utf-8"):
                try:
                    text = decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError as fault:
                    foreign = self._foreign(at - pending + fault.start)
                else:
                    if self.codec != "utf-8" and (null := text.find("\0")) >= 0:
                        where = at - pending + len(text[:null].encode(self.codec))
                        raise self._nul(where, "Save it anew, as CSV in UTF-8.")
            if self.codec == "utf-8" and (null := chunk.find(b"\0")) >= 0:
                raise self._nul(at + null, "It is no text, or UTF-16 without its mark: save it as CSV in UTF-8.")
            if not chunk:
                break
            at += len(chunk)
        if foreign is not None:
            self._judge(foreign)
        return Encoding(self.codec if foreign is None else "windows-1252", self.mark, digest.digest(), foreign)

    def _nul(self, at: int, advice: str) -> FileFault:
        return FileFault(f"{self.name} holds a NUL at byte offset {at} ({self._line(at)}). {advice}")

    def _foreign(self, at: int) -> int:
        if self.mark:
            marked = (
                f"{self.name} begins with the mark of {_NAMES[self.codec]}, but byte offset {at} ({self._line(at)})"
            )
            raise FileFault(f"{marked} is not {_NAMES[self.codec]}. Save the whole file as UTF-8.")
        return at

    def _judge(self, foreign: int) -> None:
        """Whether a file that is not UTF-8 is Windows-1252 from end to end."""
        self.file.seek(0)
        at, before = 0, b""
        while chunk := self.file.read(CHUNK):
            if unassigned := _UNASSIGNED.search(chunk):
                offset = at + unassigned.start()
                raise FileFault(
                    f"{self.name}: byte offset {foreign} ({self._line(foreign)}) is not UTF-8, and byte offset {offset}"
                    f" ({self._line(offset)}) is not Windows-1252. Save the file as UTF-8."
                )
            if not chunk.isascii() and _SEQUENCE.search(before + chunk):
                raise FileFault(
                    f"{self.name}: byte offset {foreign} ({self._line(foreign)}) is not UTF-8, though other places are:"
                    " it was put together from files of two encodings. Save all of it as UTF-8."
                )
            at, before = at + len(chunk), chunk[-3:]

    def _line(self, offset: int) -> str:
        """The line of a byte, as an editor counts."""
        self.file.seek(self.mark)
        lines, left, last = 1, offset - self.mark, b""
        while left > 0 and (chunk := self.file.read(min(CHUNK, left))):
            left -= len(chunk)
            chunk = chunk if self.codec == "utf-8" else chunk.replace(b"\0", b"")
            lines += chunk.count(b"\n") + chunk.count(b"\r") - (last + chunk).count(b"\r\n")
            last = chunk[-1:]
        return f"line {lines}"
