"""The syntax trees of the whole product are many small objects: they go when these tests are done."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.architecture.source_tree import modules


@pytest.fixture(scope="package", autouse=True)
def _trees_are_dropped() -> Iterator[None]:
    yield
    modules.cache_clear()
