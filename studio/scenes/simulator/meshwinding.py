"""Which faces meet at an edge, and which of them to turn over so that neighbours are wound alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Edges:
    """A mesh's edges: least and greatest vertex (E, 2), how many faces meet there (E,), and each face's own (F, 3).

    Side k of a face runs from its vertex k to the next; ``along_F3``: from the lesser to the greater vertex.
    """

    vertices_E2: np.ndarray
    count_E: np.ndarray
    of_face_F3: np.ndarray
    along_F3: np.ndarray

    @property
    def border_F3(self) -> np.ndarray:
        """bool: no other face meets this one there."""
        return np.asarray(self.count_E[self.of_face_F3] == 1)


def edges_of(faces_F3: np.ndarray) -> Edges:
    """All edges of a mesh, each once."""
    faces = faces_F3.astype(np.int64)
    ends = np.roll(faces, -1, axis=1)
    low, high = np.minimum(faces, ends), np.maximum(faces, ends)
    side = int(faces.max(initial=0)) + 1
    keys, of_face, count = np.unique(low * side + high, return_inverse=True, return_counts=True)
    return Edges(np.stack([keys // side, keys % side], axis=1), count, of_face.reshape(faces.shape), faces < ends)


def wound_alike(faces_F3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(bool (F,): faces to turn over, piece of each (F,)): within a piece, joined by edges of two faces, all agree."""
    from scipy.sparse import coo_matrix  # late: the window starts without it
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    count = len(faces_F3)
    pairs_K2, odd_K = _neighbours(edges_of(faces_F3))
    shape = (count + 1, count + 1)
    graph = coo_matrix((np.ones(len(pairs_K2)), pairs_K2.T), shape=shape)
    piece = connected_components(graph, directed=False)[1][:count]
    roots = np.unique(piece, return_index=True)[1]
    # One more node, tied to every piece's root, makes a single tree of all.
    rows, columns = np.concatenate([pairs_K2, np.stack([np.full(len(roots), count), roots], 1)]).T
    joined = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()
    parent = breadth_first_order(joined, count, directed=False)[1].astype(np.int64)
    parent[count] = count
    odd = _odd_on_the_way(parent, pairs_K2[odd_K], count)
    # Pointer doubling: after k rounds each face knows the parity of its 2^k nearest ancestors.
    while (parent != count).any():
        odd = odd ^ odd[parent]
        parent = parent[parent]
    return odd[:count], piece


def _neighbours(edges: Edges) -> tuple[np.ndarray, np.ndarray]:
    """Faces that meet at edges of two, (K, 2), and whether both run along that edge the same way, as they must not."""
    flat = edges.of_face_F3.ravel()
    sides = np.flatnonzero(edges.count_E[flat] == 2)
    pairs = sides[np.argsort(flat[sides], kind="stable")].reshape(-1, 2)
    along = edges.along_F3.ravel()[pairs]
    return pairs // 3, along[:, 0] == along[:, 1]


def _odd_on_the_way(parent: np.ndarray, disagreeing_K2: np.ndarray, count: int) -> np.ndarray:
    """bool (F + 1,): the face and its parent disagree."""
    node = np.arange(count + 1)
    key = np.minimum(node, parent) * (count + 1) + np.maximum(node, parent)
    low, high = disagreeing_K2.min(axis=1), disagreeing_K2.max(axis=1)
    return np.isin(key, low.astype(np.int64) * (count + 1) + high)
