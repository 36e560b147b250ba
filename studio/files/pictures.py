"""Reading pictures of every common kind into one form, and writing ours.

Colour is 8-bit RGB everywhere. Sides are limited to 8 ... 8192 px, so that a hostile or mistaken file costs a line,
not the memory.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from studio.files.atomic import write_bytes, write_with
from studio.files.containers import is_container, picture_size, read_picture
from studio.vocabulary.errors import InputError

MIN_SIDE, MAX_SIDE = 8, 8192
_END_BYTES = 4096
# Sides are checked from the header, before anything is decoded, and the message names them; Pillow's own limit
# on the number of pixels would get there first and say less.
Image.MAX_IMAGE_PIXELS = None

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
_DARKEST, _FLATTEST = 24, 2.0
"""Grey levels: of the brightest hundredth, and the deviation of the most varied channel."""


def read_size(path: Path) -> tuple[int, int]:
    """(width, height), from the header and the end alone, without decoding what is whole.

    Raise InputError when it is no picture, of an unusable size or cut short.
    """
    if is_container(path):
        return _usable(picture_size(path), path)
    with _opened(path) as picture:
        size = picture.size
        if not _has_its_end(path, picture.format):
            _decoded(picture, path)  # decides: what can be decoded all the same is used
        return size


def read_rgb(path: Path) -> np.ndarray:
    """uint8 HxWx3 RGB of any 8- or 16-bit grey, colour, alpha (over black), palette or CMYK picture.

    Of an HDF5 file it is the dataset ``colors``, so that frames in containers need no case of their own anywhere.
    Raise InputError for a missing, truncated or unreadable file and for sides outside 8 ... 8192 px.
    """
    if is_container(path):
        return read_picture(path)
    with _opened(path) as picture:
        if picture.mode in ("RGB", "L", "P", "CMYK", "1", "YCbCr"):
            return np.asarray(_decoded(picture, path).convert("RGB"))
        if picture.mode in ("RGBA", "LA", "PA"):
            rgba_HW4 = np.asarray(_decoded(picture, path).convert("RGBA")).astype(np.uint16)
            return ((rgba_HW4[..., :3] * rgba_HW4[..., 3:] + 127) // 255).astype(np.uint8)
    return _read_deep(path)


def read_reference(path: Path) -> np.ndarray:
    """A picture like read_rgb's whose style is wanted. Raise InputError, too, where it shows nothing: a black, blank or
    evenly coloured picture has no style, though an encoder gives numbers for it.
    """
    picture_HW3 = read_rgb(path)
    level_HW = picture_HW3.max(axis=2)
    if np.percentile(level_HW, 99) < _DARKEST or picture_HW3.std(axis=(0, 1)).max() < _FLATTEST:
        raise InputError("the picture is black or blank and has no style", where=path, remedy="Choose another one.")
    return picture_HW3


def read_grey_levels(path: Path) -> np.ndarray:
    """uint8 HxW or HxWx3 exactly as stored (label pictures): no scaling, palettes give their indices' own colours.

    A grey picture stored in three equal channels stays HxWx3. 16-bit pictures pass when every value is below 256.
    """
    with _opened(path) as picture:
        if picture.mode in ("L", "RGB"):
            return np.asarray(_decoded(picture, path))
        if picture.mode in ("P", "1"):
            return np.asarray(_decoded(picture, path).convert("RGB" if picture.mode == "P" else "L"))
        if picture.mode in ("RGBA", "LA"):
            return np.asarray(_decoded(picture, path).convert("RGB" if picture.mode == "RGBA" else "L"))
        values = np.asarray(_decoded(picture, path))
    if values.ndim == 2 and values.min() >= 0 and values.max() < 256:
        return values.astype(np.uint8)
    raise InputError("a label picture with values of 256 or more", where=path, remedy="Save labels as 8-bit pictures.")


def _opened(path: Path) -> Image.Image:
    if not path.is_file():
        raise InputError("there is no such file", where=path, remedy="Check the path.")
    try:
        picture = Image.open(path)
    except PermissionError as error:
        raise InputError("may not be read", where=path, remedy="Change its permissions.") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError("not a readable picture", where=path, remedy="Save it again or leave it out.") from error
    try:
        _usable(picture.size, path)
    except InputError:
        picture.close()
        raise
    return picture


def _usable(size: tuple[int, int], path: Path) -> tuple[int, int]:
    width, height = size
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        raise InputError(
            f"the picture has {width}x{height} px; sides of {MIN_SIDE} to {MAX_SIDE} can be used",
            where=path,
            remedy="Resize it or leave it out.",
        )
    return size


def _has_its_end(path: Path, kind: str | None) -> bool:
    """Whether a PNG or JPEG file ends as one, give or take what programs append; True for other kinds."""
    end = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}.get(kind or "")
    if end is None:
        return True
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _END_BYTES))
        return end in stream.read()


def _decoded(picture: Image.Image, path: Path) -> Image.Image:
    try:
        picture.load()
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise InputError(
            "the picture is damaged or cut short", where=path, remedy="Copy it again or leave it out."
        ) from error
    return picture


def _read_deep(path: Path) -> np.ndarray:
    """16-bit and float pictures, scaled from their type's full range to 8 bits."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    values = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if values is None:
        raise InputError("the picture is damaged or of an unknown kind", where=path, remedy="Save it as 8-bit PNG.")
    scale = 255.0 / 65535.0 if values.dtype == np.uint16 else 255.0 if values.dtype.kind == "f" else 1.0
    eight_bit = np.clip(np.rint(np.nan_to_num(values.astype(np.float32)) * scale), 0, 255).astype(np.uint8)
    if eight_bit.ndim == 2:
        return np.repeat(eight_bit[..., None], 3, axis=2)
    return np.ascontiguousarray(eight_bit[..., 2::-1])


def encode_png(array: np.ndarray, *, compression: int = 1) -> bytes:
    """PNG of uint8/uint16 HxW or uint8 HxWx3 RGB. The same array gives the same bytes."""
    bgr = np.ascontiguousarray(array[..., ::-1]) if array.ndim == 3 else np.ascontiguousarray(array)
    good, data = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, compression])
    if not good:
        raise ValueError(f"cannot encode {array.dtype} {array.shape} as PNG")
    return bytes(data.tobytes())


def write_png(path: Path, array: np.ndarray, *, compression: int = 1) -> None:
    """encode_png into a file, atomically."""
    write_bytes(path, encode_png(array, compression=compression))


def encode_jpeg(rgb_HW3: np.ndarray, *, quality: int = 92) -> bytes:
    """JPEG bytes of uint8 RGB."""
    good, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb_HW3[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not good:
        raise ValueError(f"cannot encode {rgb_HW3.dtype} {rgb_HW3.shape} as JPEG")
    return bytes(data.tobytes())


def write_jpeg(path: Path, rgb_HW3: np.ndarray, quality: int = 92) -> None:
    """JPEG of uint8 RGB into a file, atomically."""
    write_bytes(path, encode_jpeg(rgb_HW3, quality=quality))


def read_exr(path: Path) -> np.ndarray:
    """float32 HxW (one channel, or the first of equal ones stored as R/Y/Z), HxWx2 (R and G) or HxWx3 of an EXR file.

    Raise InputError when it is missing, unreadable or of sides outside 8 ... 8192 px.
    """
    channels = _exr_channels(path)
    for names in ("RGB", "XYZ", "xyz"):
        if all(n in channels for n in names):
            return np.stack([channels[n] for n in names], axis=2)
    if set(channels) == {"R", "G"}:
        return np.stack([channels["R"], channels["G"]], axis=2)
    if len(channels) == 1:
        return next(iter(channels.values()))
    for name in ("Z", "Y", "V", "R", "depth.Z"):
        if name in channels:
            return channels[name]
    raise InputError(
        f"channels {', '.join(sorted(channels))} are not understood", where=path, remedy="Store Y or R, G, B."
    )


def _exr_channels(path: Path) -> dict[str, np.ndarray]:
    """Channels by name, without what all names have in common ("ViewLayer.Normal.X" and so on)."""
    import OpenEXR  # late: only some layouts need it, and it takes a moment to load

    _usable(exr_size(path), path)  # the header first: what it claims is made room for
    try:
        # Opened here: the library takes no names that are not UTF-8.
        with path.open("rb") as stream, OpenEXR.File(stream, separate_channels=True) as file:
            channels = {name: np.asarray(c.pixels, np.float32) for name, c in file.channels().items()}
    except (RuntimeError, OSError, ValueError, TypeError, KeyError, IndexError, MemoryError) as error:
        raise InputError("not a readable EXR picture", where=path, remedy="Write it again or leave it out.") from error
    layers = {name.rpartition(".")[0] for name in channels}
    return {name.rpartition(".")[2]: values for name, values in channels.items()} if len(layers) == 1 else channels


def exr_size(path: Path) -> tuple[int, int]:
    """(width, height) of an EXR picture, from its header alone. Raise InputError when it is none."""
    import OpenEXR

    if not path.is_file():
        raise InputError("there is no such file", where=path, remedy="Check the path.")
    try:
        with path.open("rb") as stream, OpenEXR.File(stream, header_only=True) as file:
            low, high = file.header()["dataWindow"]
            return int(high[0]) - int(low[0]) + 1, int(high[1]) - int(low[1]) + 1
    except (RuntimeError, OSError, ValueError, TypeError, KeyError, IndexError, MemoryError) as error:
        raise InputError("not a readable EXR picture", where=path, remedy="Write it again or leave it out.") from error


def write_exr(path: Path, array: np.ndarray, *, few_bits: bool = False) -> None:
    """float32 HxW as channel Y, HxWx2 as R and G, HxWx3 as R, G, B; atomically.

    ZIP compression, or with ``few_bits`` PXR24, which takes half the time and room, and keeps 16 significant bits.
    """
    import OpenEXR

    values = np.ascontiguousarray(array, np.float32)
    if values.ndim == 3 and values.shape[2] == 2:
        channels = {name: np.ascontiguousarray(values[..., i]) for i, name in enumerate("RG")}
    else:
        channels = {"Y": values} if values.ndim == 2 else {"RGB": values}
    compression = OpenEXR.PXR24_COMPRESSION if few_bits else OpenEXR.ZIP_COMPRESSION
    header = {"compression": compression, "type": OpenEXR.scanlineimage}

    def write(temporary: Path) -> None:
        try:
            OpenEXR.File(header, channels).write(str(temporary))
        except RuntimeError as error:  # what the system said stands in the text alone
            said = next((n for n in errno.errorcode if f"{os.strerror(n)}." in f"{error}."), errno.EIO)
            raise OSError(said, os.strerror(said)) from error

    write_with(path, write)
