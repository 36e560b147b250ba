"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.vocabulary.errors import DiskFull, InputError, TrocarError

_CHUNK_BYTES = 1 << 20
_END_BYTES = 1 << 16


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file in one step. Raise DiskFull or InputError (read-only) with nothing half-written left."""
    _replaced(path, lambda temporary: temporary.write_bytes(data))


def write_text(path: Path, text: str) -> None:
    """write_bytes of UTF-8 with line feeds as they are."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Indented JSON, keys in the order given, a line feed at the end."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_json_rows(path: Path, rows: Iterable[Any]) -> None:
    """The bytes of write_json of a list, written row by row."""

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            between = "[\n"
            for row in rows:
                text = json.dumps(row, indent=1, ensure_ascii=False).replace("\n", "\n ")
                file.write(f"{between} {text}")
                between = ",\n"
            file.write("[]\n" if between[0] == "[" else "\n]\n")

    _replaced(path, write)


def write_with(path: Path, writer: Callable[[Path], object]) -> None:
    """Replace a file by what ``writer`` puts at the path it is given (same folder, same ending)."""
    _replaced(path, writer)


def _replaced(path: Path, writer: Callable[[Path], object]) -> None:
    with disk_errors_named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        try:
            writer(temporary)
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def disk_errors_named(path: Path) -> Iterator[None]:
    """Turn the operating system's write errors into one line that helps."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"the disk is full{_room(path)}", where=path, remedy="Free some space, then run the same again."
            ) from error
        if error.errno == errno.EFBIG:
            raise DiskFull(
                "files of this size are not allowed here", where=path,
                remedy="Raise the limit (ulimit -f), then run the same again.",
            ) from error  # fmt: skip
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise InputError(
                "may not be written", where=path, remedy="Choose another place or change its permissions."
            ) from error
        if error.errno in (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG):
            raise InputError(
                f"cannot be written ({error.strerror})", where=path, remedy="Choose another path."
            ) from error
        raise TrocarError(f"{path}: could not be written ({error.strerror or error})") from error


def _room(path: Path) -> str:
    existing = next((p for p in path.parents if p.exists()), None)
    return "" if existing is None else f" ({shutil.disk_usage(existing).free / 1e6:.1f} MB are free)"


@contextmanager
def folder_in_place(dest: Path) -> Iterator[Path]:
    """Give a fresh folder beside ``dest``; move it there when all went well, remove it otherwise.

    Raise InputError when ``dest`` exists and is not an empty folder.
    """
    if dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
        raise InputError("exists already", where=dest, remedy="Choose another place or remove it first.")
    with disk_errors_named(dest):
        dest.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=dest.parent, prefix=f".{dest.name}-"))
        try:
            temporary.chmod(0o755)
            yield temporary
            if dest.exists():
                dest.rmdir()
            temporary.replace(dest)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def small_text(path: Path, *, most_bytes: int = 20_000_000) -> str:
    """A text file that someone wrote, without a byte-order mark.

    Raise InputError for what is no file, may not be read, or is far too large; UnicodeDecodeError for what is no UTF-8.
    """
    try:
        if not path.exists():
            raise InputError("cannot be read: there is no such file", where=path, remedy="Check the path.")
        if not path.is_file() or path.stat().st_size > most_bytes:
            what = "is no file" if not path.is_file() else f"is larger than {size_in_words(most_bytes)}"
            raise InputError(f"cannot be read: it {what}", where=path, remedy="Check the path.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path, remedy="Check the path.") from error


def hash_file(path: Path) -> str:
    """BLAKE2b-128 of a file's bytes, 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def hash_ends(path: Path) -> str:
    """BLAKE2b-128 of a file's size and of 64 KiB at either end: enough to know one of many large files again."""
    digest = hashlib.blake2b(digest_size=16)
    size = path.stat().st_size
    with path.open("rb") as file:
        digest.update(f"{size}".encode() + file.read(_END_BYTES))
        file.seek(max(0, size - _END_BYTES))
        digest.update(file.read(_END_BYTES))
    return digest.hexdigest()


def hash_bytes(data: bytes) -> str:
    """BLAKE2b-128, 32 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def size_in_words(count: int) -> str:
    """Such as "3.1 MB" or "12.0 GB"."""
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"


def space_checked(folder: Path, needed_bytes: int) -> None:
    """Raise DiskFull when ``folder``'s file system has not that much room."""
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(existing).free
    if free < needed_bytes:
        raise DiskFull(
            f"needs about {size_in_words(needed_bytes)}, {size_in_words(free)} are free",
            where=folder,
            remedy="Free some space or choose another disk.",
        )
