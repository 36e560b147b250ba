"""Frames of a video by time, with PyAV; what a truncated video still holds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from studio.vocabulary.errors import InputError

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".mov", ".mpg", ".mpeg", ".webm", ".m4v"})
_CUT_SHORT_SECONDS = 2.0
_SEEK_AHEAD_SECONDS = 8.0
_SEEK_BACK_SECONDS = 10.0
_BACK_STEPS = (0.0, 0.5, 2.0, 5.0, 15.0)


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """``seconds`` that can be decoded, ``declared`` by the file's header, (width, height) in pixels."""

    seconds: float
    declared: float
    size: tuple[int, int]

    @property
    def cut_short(self) -> bool:
        return self.declared - self.seconds > _CUT_SHORT_SECONDS


def video_facts(path: Path) -> VideoFacts:
    """How much of a video can be had. Raise InputError when nothing of it can be decoded."""
    with Video(path) as video:
        declared = video.declared_seconds()
        last = video.last_packet_seconds(declared)
        first = video.at(0.0)
        size = first.shape[1], first.shape[0]
        for back in _BACK_STEPS:
            try:
                video.at(max(0.0, last - back))
            except InputError:
                continue
            return VideoFacts(max(0.0, last - back), declared, size)
        return VideoFacts(0.0, declared, size)


class Video:
    """An open video. ``at`` is quickest when asked for rising times; it may be called from several threads."""

    def __init__(self, path: Path) -> None:
        import av  # late: it loads the codecs of a whole media library

        self.path = path
        self._lock = threading.Lock()
        self._frames: Iterator[Any] | None = None
        self._position = -1.0
        if not path.is_file():
            raise InputError("there is no such file", where=path, remedy="Check the path.")
        try:
            self._container: Any = av.open(str(path))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self._unreadable(error) from error
        if not self._container.streams.video:
            self._container.close()
            raise InputError("holds no pictures", where=path, remedy="Name a video file.")
        self._stream: Any = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        start = self._stream.start_time
        self._start = float(start * self._stream.time_base) if start is not None else 0.0

    def __enter__(self) -> Video:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._frames = None
        self._container.close()

    def declared_seconds(self) -> float:
        """Length by the header; 0 when it says none."""
        if self._stream.duration is not None:
            return float(self._stream.duration * self._stream.time_base)
        return float(self._container.duration or 0) / 1e6

    def last_packet_seconds(self, declared: float) -> float:
        """Time of the last packet that is in the file: near the declared end if it is there, else by reading all."""
        if declared > 0:
            last = self._last_packet(after=max(0.0, declared - _CUT_SHORT_SECONDS))
            if last is not None and declared - last <= _CUT_SHORT_SECONDS:
                return last
        return self._last_packet(after=0.0) or 0.0

    def at(self, seconds: float) -> np.ndarray:
        """uint8 HxWx3 RGB of the first frame at or after ``seconds`` from the start. Raise InputError if none."""
        import av

        with self._lock:
            try:
                for back in (0.0, _SEEK_BACK_SECONDS, np.inf):
                    found = self._frame_at(seconds, back=back)
                    if found is not None:
                        picture: np.ndarray = found.to_ndarray(format="rgb24")
                        return picture
            except (av.error.FFmpegError, OSError, ValueError) as error:
                self._frames = None
                raise self._unreadable(error) from error
        raise InputError(
            f"no frame can be decoded at {seconds:.1f} s", where=self.path, remedy="The video is cut short or damaged."
        )

    def _frame_at(self, seconds: float, *, back: float) -> Any:
        """A decoded frame, or None. Goes on from where it is when that is near, else seeks so far before it."""
        near = self._frames is not None and 0 <= seconds - self._position <= _SEEK_AHEAD_SECONDS
        sought = back > 0 or not near
        if sought:
            target = max(0.0, seconds - back)
            time = int((target + self._start) / self._stream.time_base) if target else 0
            self._container.seek(time, stream=self._stream, backward=True)
            self._frames = self._container.decode(self._stream)
        assert self._frames is not None
        step = 1.0 / float(self._stream.average_rate or 25)
        for frame in self._frames:
            if frame.time is None:
                continue
            self._position = frame.time - self._start
            if sought and np.isfinite(back) and self._position > seconds + 1.5 * step:
                break  # MPEG program streams have no index: a seek may land behind what was asked for
            sought = False
            if self._position >= seconds - 0.5 * step:
                return frame
        self._frames = None
        return None

    def _last_packet(self, *, after: float) -> float | None:
        import av

        last: float | None = None
        self._frames = None
        try:
            self._container.seek(int((after + self._start) / self._stream.time_base), stream=self._stream)
            for packet in self._container.demux(self._stream):
                if packet.pts is not None and not packet.is_corrupt:
                    last = max(last or 0.0, float(packet.pts * packet.time_base) - self._start)
        except (av.error.FFmpegError, OSError):
            return last
        return last

    def _unreadable(self, error: Exception) -> InputError:
        return InputError(
            f"not a readable video ({str(error).split(':')[0][:80]})",
            where=self.path,
            remedy="It may be cut short or of another kind; copy it again or convert it to mp4.",
        )
