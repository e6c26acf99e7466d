"""From a landed file to plain bytes that an engine can open: compression, encoding, and what the bytes really are."""

import gzip
import hashlib
import zlib
from pathlib import Path

import pyarrow as pa

from streaming_assets.sources.errors import FileError
from streaming_assets.sources.landing import LandedFile

CHUNK = 1 << 20

_MAGIC = {
    b"PAR1": "Parquet",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\x03\x04": "a zip archive or spreadsheet",
    b"%PDF": "PDF",
}
_PACKED = {".gz": "gzip", ".zst": "Zstandard"}


def sha256(path: Path) -> str:
    """Hex digest of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def plain(file: LandedFile, folder: Path) -> Path:
    """A path in `folder`, free of any character of the landed name, behind which the file's bytes lie unpacked.

    Unpacked here and not by the engine, which takes a torn Zstandard file and a wrong gzip checksum without a word.
    Raises FileError when the container cannot be decoded or holds something else than the extension says.
    """
    link = folder / f"landed{file.extension}"
    link.symlink_to(file.absolute.resolve())
    packing = Path(file.extension).suffix
    if packing in _PACKED:
        _expect_content(link, _PACKED[packing])
        unpacked = link.with_suffix("")
        _unpack(link, packing, unpacked)
        link.unlink()
        link = unpacked
    _expect_content(link, "Parquet" if file.extension == ".parquet" else None)
    return link


def transcoded(path: Path, encoding: str) -> Path:
    """A UTF-8 copy of a text in another encoding, beside it. Raises FileError where the bytes are not that encoding."""
    copy = path.with_suffix(f".{encoding}{path.suffix}")
    with path.open(encoding=encoding, newline="") as text, copy.open("w", encoding="utf-8", newline="") as out:
        try:
            while chunk := text.read(CHUNK):
                out.write(chunk)
        except UnicodeError as error:
            raise FileError(f"found bytes that are not {encoding}: {error}") from error
    return copy


def _expect_content(path: Path, name: str | None) -> None:
    """Refuses what is not the named binary format, or, without a name, what is one."""
    found = _found(path)
    if found != name:
        raise FileError(f"found {found or 'something else'}, expected {name or 'text'}")


def _found(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(8)
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def _unpack(packed: Path, packing: str, out: Path) -> None:
    with _opened(packed, packing) as stream, out.open("wb") as unpacked:
        while chunk := _decoded(stream, packing):
            unpacked.write(chunk)


def _opened(packed: Path, packing: str) -> gzip.GzipFile | pa.CompressedInputStream:
    return gzip.open(packed) if packing == ".gz" else pa.CompressedInputStream(pa.OSFile(str(packed)), "zstd")


def _decoded(stream: gzip.GzipFile | pa.CompressedInputStream, packing: str) -> bytes:
    try:
        return stream.read(CHUNK)
    except (EOFError, OSError, zlib.error) as error:
        raise FileError(f"the {packing} container cannot be decoded: {error}") from error
