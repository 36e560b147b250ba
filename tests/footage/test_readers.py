from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from studio.files.pictures import write_png
from studio.footage.readers import FootageLoader, find_footage, footage_path, load_footage_image, survey_footage
from studio.vocabulary.errors import InputError


def _picture(path: Path, value: int = 90) -> None:
    write_png(path, np.full((16, 24, 3), value, np.uint8))


def _video(path: Path, *, seconds: int = 6, rate: int = 10, codec: str = "mpeg4", threads: int = 0) -> Path:
    """Frame i is one grey, 20 + i / 10 * 30: a level a second rises by 30."""
    options = {"movflags": "faststart"} if path.suffix == ".mov" else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.thread_count = threads
        for i in range(seconds * rate):
            image = np.full((64, 96, 3), min(20 + 30 * i // rate, 230), np.uint8)
            image[:, : 8 + i % 32] = 240
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def test_folders_with_pictures_are_patients(tmp_path):
    for name in ("a/x 10.png", "a/x 2.png", "b/Übung\n1.png", "b/.hidden.png", "c/deep/1.png", "p/frames/1.png"):
        _picture(tmp_path / name)
    _picture(tmp_path / "p/masks/1.png")
    _picture(tmp_path / "a/x 2_mask.png")
    survey = survey_footage([tmp_path], every=1)
    assert [(f.patient, f.name) for f in survey.files] == [
        ("a", "x 2"), ("a", "x 10"), ("b", "Übung\n1"), ("c/deep", "1"), ("p", "1"),
    ]  # fmt: skip
    assert any("masks" in note for note in survey.notes)
    assert any("1 masks" in note for note in survey.notes)
    assert load_footage_image(survey.files[0], tmp_path / "cache").shape == (16, 24, 3)
    assert footage_path(survey.files[0], tmp_path / "cache") == tmp_path / "a/x 2.png"


def test_patients_of_the_same_name_stay_apart(tmp_path):
    _picture(tmp_path / "one/v/1.png")
    _picture(tmp_path / "two/v/1.png")
    found = find_footage([tmp_path / "one/v", tmp_path / "two/v"], every=1)
    assert [f.patient for f in found] == ["v", "two/v"]


def test_a_seek_that_lands_behind_is_made_again(tmp_path):
    """A program stream has no index. Written by one thread, this one's seek to 4 s gives the frame of 4.4 s."""
    video = _video(tmp_path / "v.mpg", codec="mpeg1video", rate=25, threads=1)
    for file in reversed(find_footage([video], every=1)):
        level = float(np.median(load_footage_image(file, tmp_path / "cache")[:, 60:]))
        assert abs(level - (20 + 30 * (file.seconds or 0))) <= 6


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("mp4", "mpeg4"), ("avi", "mpeg4"), ("mkv", "mpeg4"), ("mov", "mpeg4"), ("mpg", "mpeg1video"), ("webm", "libvpx")],
)
def test_videos_are_sampled_every_s_seconds(tmp_path, suffix, codec):
    rate = 25 if suffix == "mpg" else 10
    video = _video(tmp_path / f"Op 1 ä.{suffix}", codec=codec, rate=rate)
    files = find_footage([video], every=2)
    assert [f.seconds for f in files] == [0, 2, 4]
    assert {f.patient for f in files} == {"Op 1 ä"}
    for file in files:
        image = load_footage_image(file, tmp_path / "cache")
        assert image.shape == (64, 96, 3)
        assert abs(float(np.median(image[:, 60:])) - (20 + 30 * (file.seconds or 0))) <= 6


def test_the_cache_may_go_and_the_loader_gives_the_same(tmp_path):
    files = find_footage([_video(tmp_path / "v.mp4")], every=1)
    first = footage_path(files[3], tmp_path / "cache")
    before = first.read_bytes()
    first.unlink()
    loader = FootageLoader(tmp_path / "cache")
    backwards = [loader(f) for f in reversed(files)]
    loader.close()
    assert first.read_bytes() == before
    for image, file in zip(reversed(backwards), files, strict=True):
        np.testing.assert_array_equal(image, load_footage_image(file, tmp_path / "other"))


@pytest.mark.parametrize("suffix", ["avi", "mkv", "mpg", "mov"])
def test_a_video_cut_short_gives_what_decodes_and_says_so(tmp_path, suffix):
    codec, rate = ("mpeg1video", 25) if suffix == "mpg" else ("mpeg4", 10)
    video = _video(tmp_path / f"v.{suffix}", seconds=20, codec=codec, rate=rate)
    data = video.read_bytes()
    video.write_bytes(data[: len(data) // 2])
    survey = survey_footage([video], every=1)
    assert 4 <= len(survey.files) <= 14
    for file in survey.files:
        assert load_footage_image(file, tmp_path / "cache").shape == (64, 96, 3)
    # An MPEG stream declares no length, so that nothing tells it from a shorter one.
    assert suffix == "mpg" or any("can be decoded" in note for note in survey.notes)


def test_what_is_no_video_is_refused(tmp_path):
    mp4 = _video(tmp_path / "v.mp4")
    (tmp_path / "cut.mp4").write_bytes(mp4.read_bytes()[:2000])
    (tmp_path / "text.avi").write_text("no video at all")
    (tmp_path / "empty.mkv").write_bytes(b"")
    for name in ("cut.mp4", "text.avi", "empty.mkv"):
        with pytest.raises(InputError, match=rf"{name}.*not a readable video"):
            find_footage([tmp_path / name], every=1)


def test_wrong_paths_and_pictures_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        find_footage([tmp_path / "absent"], every=1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no pictures or videos"):
        find_footage([tmp_path / "empty"], every=1)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="neither a picture nor a video"):
        find_footage([tmp_path / "notes.txt"], every=1)
    with pytest.raises(InputError, match="0 seconds"):
        find_footage([tmp_path], every=0)
    Image.new("RGB", (1, 1)).save(tmp_path / "tiny.png")
    with pytest.raises(InputError, match=r"tiny\.png.*1x1"):
        find_footage([tmp_path], every=1)


def test_a_video_that_has_changed_is_decoded_again(tmp_path):
    video = _video(tmp_path / "v.mp4", seconds=3)
    file = find_footage([video], every=1)[0]
    first = footage_path(file, tmp_path / "cache")
    _video(tmp_path / "v.mp4", seconds=4)
    assert footage_path(file, tmp_path / "cache") != first
