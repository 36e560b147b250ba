"""From other programs' axes, poses and distances to the studio's.

Inside: OpenCV camera axes (x right, y down, z forward), planar z, pixel centres at +0.5, right-handed worlds, mm.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studio.vocabulary.lenses import Lens, slopes

_FLIP_YZ = np.array([1.0, -1.0, -1.0])
_FLIP_Y = np.array([1.0, -1.0, 1.0])


def normals_from_opengl(normals_HW3: np.ndarray) -> np.ndarray:
    """float32; OpenGL and Blender camera axes are x right, y up, z back."""
    return normals_HW3 * _FLIP_YZ.astype(np.float32)


def pose_from_opengl(camera_to_world: np.ndarray, *, mm_per_unit: float) -> np.ndarray:
    """4x4 camera-to-world of an OpenGL camera as that of an OpenCV one, its position in mm."""
    pose = np.array(camera_to_world, np.float64)
    pose[:3, :3] *= _FLIP_YZ
    pose[:3, 3] *= mm_per_unit
    return pose


def pose_from_unity(position: Sequence[float], xyzw: Sequence[float], *, mm_per_unit: float) -> np.ndarray:
    """4x4 camera-to-world; Unity's camera and world are left-handed (x right, y up, z forward).

    Turning y over on both sides makes both right-handed: the rotation R becomes S R S with S = diag(1, -1, 1).
    """
    pose = np.eye(4)
    pose[:3, :3] = rotation_of(xyzw) * _FLIP_Y[:, None] * _FLIP_Y
    pose[:3, 3] = np.asarray(position, np.float64) * _FLIP_Y * mm_per_unit
    return pose


def rotation_of(xyzw: Sequence[float]) -> np.ndarray:
    """3x3 rotation of a quaternion, which is made unit length. Raise ValueError for one of length 0."""
    values = np.asarray(xyzw, np.float64)
    length = float(np.linalg.norm(values))
    if values.shape != (4,) or not np.isfinite(length) or length < 1e-9:
        raise ValueError("a quaternion needs four numbers that are not all 0")
    x, y, z, w = values / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def rigid(R: Sequence[float], t: Sequence[float], *, mm_per_unit: float = 1.0) -> np.ndarray:
    """4x4 of a rotation (9 numbers by row) and a translation. Raise ValueError when R is no rotation."""
    pose = np.eye(4)
    pose[:3, :3] = np.asarray(R, np.float64).reshape(3, 3)
    pose[:3, 3] = np.asarray(t, np.float64).reshape(3) * mm_per_unit
    return checked_pose(pose)


def checked_pose(pose: np.ndarray) -> np.ndarray:
    """The same 4x4. Raise ValueError unless it is a rotation and a translation in finite numbers."""
    R = pose[:3, :3]
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise ValueError("a pose is 4x4 of finite numbers")
    if abs(R @ R.T - np.eye(3)).max() > 1e-2 or np.linalg.det(R) < 0:
        raise ValueError("the 3x3 part is no rotation")
    return pose


def inverse(pose: np.ndarray) -> np.ndarray:
    """The inverse of a rotation and translation."""
    back = np.eye(4)
    back[:3, :3] = pose[:3, :3].T
    back[:3, 3] = -pose[:3, :3].T @ pose[:3, 3]
    return back


def intrinsics(fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    """3x3 K in px. Raise ValueError unless focal lengths are above 0 and all is finite."""
    K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)
    if not np.isfinite(K).all() or fx <= 0 or fy <= 0:
        raise ValueError("focal lengths must be above 0")
    return K


def ray_lengths(size: tuple[int, int], K: np.ndarray, lens: Lens | None = None) -> np.ndarray:
    """float64 HxW: distance along each pixel's ray by planar z; ``size`` is (width, height). Infinite where a lens
    shows no ray."""
    x_HW, y_HW = slopes(size, K, lens)
    lengths: np.ndarray = np.sqrt(1 + x_HW**2 + y_HW**2)
    return lengths if lens is None else np.nan_to_num(lengths, nan=np.inf)


def planar_from_ray(distance_HW: np.ndarray, K: np.ndarray, lens: Lens | None = None) -> np.ndarray:
    """float32 planar z of distances along the rays; 0 stays 0."""
    height, width = distance_HW.shape
    planar_HW: np.ndarray = (distance_HW / ray_lengths((width, height), K, lens)).astype(np.float32)
    return planar_HW
