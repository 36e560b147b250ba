"""A mesh parted by a plane across its z axis, faces that cross the plane cut through."""

from __future__ import annotations

import numpy as np

from studio.scenes.simulator.fields import Mesh


def cut_across(mesh: Mesh, z: float) -> tuple[Mesh, Mesh]:
    """(what lies above z, what lies below), open where they were parted. Vertices lie in both."""
    above_V = mesh.vertices_V3[:, 2] > z
    count_F = above_V[mesh.faces_F3].sum(axis=1)
    vertices, normals = [mesh.vertices_V3], [mesh.normals_V3]
    made: dict[bool, list[np.ndarray]] = {True: [], False: []}
    before = len(mesh.vertices_V3)
    for alone_above in (True, False):
        faces = mesh.faces_F3[count_F == (1 if alone_above else 2)]
        if not len(faces):
            continue
        # Turned round so that the corner alone on its side comes first.
        first = (above_V[faces] == alone_above).argmax(axis=1)
        a, b, c = np.stack([np.take_along_axis(faces, ((first + k) % 3)[:, None], 1)[:, 0] for k in range(3)])
        for end in (b, c):
            point, normal = _between(mesh, a, end, z)
            vertices.append(point)
            normals.append(normal)
        ab, ac = before + np.arange(len(a)), before + len(a) + np.arange(len(a))
        before += 2 * len(a)
        made[alone_above].append(np.stack([a, ab, ac], axis=1))
        made[not alone_above] += [np.stack([ab, b, c], axis=1), np.stack([ab, c, ac], axis=1)]
    made[True].append(mesh.faces_F3[count_F == 3])
    made[False].append(mesh.faces_F3[count_F == 0])
    points, across = np.concatenate(vertices).astype(np.float32), np.concatenate(normals).astype(np.float32)
    upper, lower = (Mesh(points, np.concatenate(made[side]).astype(np.int32), across) for side in (True, False))
    return upper, lower


def _between(mesh: Mesh, a_N: np.ndarray, b_N: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
    """Points on the edges from a to b at height z, and their normals."""
    start, end = mesh.vertices_V3[a_N].astype(float), mesh.vertices_V3[b_N].astype(float)
    share = ((z - start[:, 2]) / (end[:, 2] - start[:, 2]))[:, None]
    normal = mesh.normals_V3[a_N] * (1 - share) + mesh.normals_V3[b_N] * share
    return start + share * (end - start), normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
