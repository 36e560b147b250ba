"""Independent random streams, named: the same seed and names give the same numbers whatever ran before."""

from __future__ import annotations

import hashlib

import numpy as np


def derived_seed(seed: int, *names: object) -> int:
    """A 63-bit seed from a seed and names, by BLAKE2b."""
    text = "\x1f".join([str(seed), *(str(n) for n in names)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def stream(seed: int, *names: object) -> np.random.Generator:
    """A generator that nothing else draws from."""
    return np.random.default_rng(derived_seed(seed, *names))
