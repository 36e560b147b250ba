"""Lists and tables that lie in a temporary database on disk, so that a folder's size costs no memory.

All of a process share one unnamed SQLite database: SQLite keeps a few megabytes of it in memory, writes the rest to the
folder for temporary files, and removes it when the process ends, however it ends.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar, overload

from studio.vocabulary.errors import DiskFull

T = TypeVar("T")
_PAGE_ROWS = 512
_CACHE_KIB = 4096


class _Store:
    """The process's database: rows of a collection by position, and by key where they have one."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._process = 0
        self._next = 0
        self.dead: deque[int] = deque()

    def _connected(self) -> sqlite3.Connection:
        if self._db is None or self._process != os.getpid():
            self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self._process = os.getpid()
            for words in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
                self._db.execute(f"PRAGMA {words}")
            self._db.execute(
                "CREATE TABLE rows (owner INTEGER, position INTEGER, key BLOB, value BLOB NOT NULL,"
                " PRIMARY KEY (owner, position)) WITHOUT ROWID"
            )
            self._db.execute("CREATE UNIQUE INDEX by_key ON rows (owner, key) WHERE key IS NOT NULL")
            # Never ended: nothing in here is to outlive the process, and every statement is spared its own transaction.
            self._db.execute("BEGIN")
        return self._db

    def filled(
        self, rows: Iterable[tuple[bytes | None, bytes]], *, last: bool = False
    ) -> tuple[int, int, bytes | None]:
        """Keep rows as a new collection: its number, how many there are, and the first key that came twice."""
        with self._lock:
            owner, self._next = self._next, self._next + 1
        count = 0
        try:
            # Rows may come out of other collections: the lock is not held while the next one is made.
            for key, value in rows:
                if not self.run("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?)", (owner, count, key, value)).rowcount:
                    if not last:
                        return owner, count, key
                    self.run("UPDATE rows SET value = ? WHERE owner = ? AND key = ?", (value, owner, key))
                    continue
                count += 1
        except BaseException:
            self.dead.append(owner)
            raise
        self._forget()
        return owner, count, None

    def in_order(self, owner: int) -> int:
        """A collection of the same values by their keys' order; the old one is given up."""
        with self._lock:
            fresh, self._next = self._next, self._next + 1
            self.run(
                "INSERT INTO rows SELECT ?, row_number() OVER (ORDER BY key) - 1, NULL, value"
                " FROM rows WHERE owner = ?",
                (fresh, owner),
            )
            self.dead.append(owner)
            self._forget()
        return fresh

    def _forget(self) -> None:
        """Give the room of collections that nobody holds any more to those to come."""
        while self.dead:
            self.run("DELETE FROM rows WHERE owner = ?", (self.dead.popleft(),))

    def run(self, words: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        try:
            with self._lock:
                return self._connected().execute(words, values)
        except sqlite3.OperationalError as error:
            if "full" not in str(error):
                raise
            raise DiskFull(
                "the disk for temporary files is full", where=tempfile.gettempdir(),
                remedy="Free some space there, or set TMPDIR to another folder, then run the same again.",
            ) from error  # fmt: skip

    def value(self, where: str, values: tuple[object, ...]) -> bytes | None:
        with self._lock:
            row = self.run(f"SELECT value FROM rows WHERE {where}", values).fetchone()
        return None if row is None else bytes(row[0])

    def page_by_key(self, owner: int, after: bytes) -> list[tuple[bytes, bytes]]:
        with self._lock:
            return self.run(
                "SELECT key, value FROM rows WHERE owner = ? AND key > ? ORDER BY key LIMIT ?",
                (owner, after, _PAGE_ROWS),
            ).fetchall()

    def page(self, owner: int, start: int) -> list[tuple[bytes | None, bytes]]:
        with self._lock:
            return self.run(
                "SELECT key, value FROM rows WHERE owner = ? AND position >= ? ORDER BY position LIMIT ?",
                (owner, start, _PAGE_ROWS),
            ).fetchall()


_STORE = _Store()


class _Owned:
    """Rows that are given up with the object that holds them."""

    def __init__(self, owner: int, count: int) -> None:
        self._owner, self._count = owner, count
        # Rows are deleted later: this may run in the middle of anything.
        weakref.finalize(self, _STORE.dead.append, owner)

    def __len__(self) -> int:
        return self._count

    def _pages(self) -> Iterator[tuple[bytes | None, bytes]]:
        start = 0
        while start < self._count:
            page = _STORE.page(self._owner, start)
            yield from page
            start += len(page)


class SpilledList(_Owned, Sequence[T], Generic[T]):
    """Items on disk, decoded anew each time they are asked for; never changed."""

    def __init__(self, owner: int, count: int, decode: Callable[[bytes, int], T]) -> None:
        super().__init__(owner, count)
        self._decode = decode

    @staticmethod
    def of(values: Iterable[bytes], decode: Callable[[bytes, int], T]) -> SpilledList[T]:
        """Keep values; ``decode`` makes an item of one and its position."""
        owner, count, _ = _STORE.filled((None, value) for value in values)
        return SpilledList(owner, count, decode)

    @staticmethod
    def sorted_by(pairs: Iterable[tuple[bytes, bytes]], decode: Callable[[bytes, int], T]) -> SpilledList[T]:
        """Keep the values of (key, value) pairs in the keys' order; keys differ."""
        owner, count, _ = _STORE.filled(pairs)
        return SpilledList(_STORE.in_order(owner), count, decode)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        position = index + len(self) if index < 0 else index
        value = _STORE.value("owner = ? AND position = ?", (self._owner, position))
        if value is None:
            raise IndexError(index)
        return self._decode(value, position)

    def __iter__(self) -> Iterator[T]:
        return (self._decode(value, position) for position, (_, value) in enumerate(self._pages()))

    def __eq__(self, other: object) -> bool:
        """Item by item, also against lists and tuples."""
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


class SpilledTable(_Owned, Mapping[str, T], Generic[T]):
    """Values on disk by key, in the order in which they came; never changed."""

    def __init__(self, owner: int, count: int, decode: Callable[[bytes], T]) -> None:
        super().__init__(owner, count)
        self._decode = decode
        self.repeated: str | None = None
        """The key at which filling ended because it had come before; None when all are in."""

    @staticmethod
    def of(pairs: Iterable[tuple[str, bytes]], decode: Callable[[bytes], T], *, last: bool = False) -> SpilledTable[T]:
        """Keep values by key; with ``last``, the last of several values of one key."""
        owner, count, repeated = _STORE.filled(((_packed(key), value) for key, value in pairs), last=last)
        table = SpilledTable(owner, count, decode)
        table.repeated = None if repeated is None else _unpacked(repeated)
        return table

    def __getitem__(self, key: str) -> T:
        value = _STORE.value("owner = ? AND key = ?", (self._owner, _packed(key)))
        if value is None:
            raise KeyError(key)
        return self._decode(value)

    def __contains__(self, key: object) -> bool:
        found = isinstance(key, str) and _STORE.value("owner = ? AND key = ?", (self._owner, _packed(key)))
        return found is not False and found is not None

    def __iter__(self) -> Iterator[str]:
        return (_unpacked(key) for key, _ in self._pages() if key is not None)

    def by_key(self) -> Iterator[tuple[str, T]]:
        """Keys, none of them empty, and values in the order of the keys' bytes."""
        after = b""
        while page := _STORE.page_by_key(self._owner, after):
            yield from ((_unpacked(key), self._decode(value)) for key, value in page)
            after = page[-1][0]


def _packed(key: str) -> bytes:
    """Names of files may hold bytes that are no text."""
    return key.encode("utf-8", "surrogateescape")


def _unpacked(key: bytes) -> str:
    return key.decode("utf-8", "surrogateescape")


class Few(Generic[T]):
    """The first few items of many, and how many there were."""

    def __init__(self, items: Iterable[T], *, kept: int = 3) -> None:
        self.first: list[T] = []
        self.count = 0
        for item in items:
            if self.count < kept:
                self.first.append(item)
            self.count += 1

    def __len__(self) -> int:
        return self.count
