"""Reading, mapping and drawing of training pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.files.pictures import write_png
from studio.segmenter import data
from studio.segmenter.data import OutputTable, PairStore, batch_indices, lit_area, read_id_mask
from studio.segmenter.settings import SegmenterSettings
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import IGNORE
from tests.segmenter.toy import SIZE, TINY, disc, toy_pairs


def test_ids_become_outputs_and_back() -> None:
    table = OutputTable(SegmenterSettings(classes=("fat", "liver")))
    ids_HW = np.array([[0, 1, 3, 4, 5, IGNORE]], np.uint8)
    assert table.outputs(ids_HW).tolist() == [[0, 2, 0, 1, 1, IGNORE]]  # ligament (5) counts as fat
    assert table.merged(ids_HW).tolist() == [[0, 1, 3, 4, 4, IGNORE]]
    assert table.ids(np.array([[0, 1, 2]])).tolist() == [[0, 4, 1]]


def test_unknown_and_merged_classes_are_refused() -> None:
    with pytest.raises(InputError, match="kidney"):
        OutputTable(SegmenterSettings(classes=("kidney",)))
    with pytest.raises(InputError, match="ligament"):
        OutputTable(SegmenterSettings(classes=("ligament",)))


def test_masks_in_three_equal_channels_pass_and_coloured_ones_do_not(tmp_path: Path) -> None:
    ids_HW = np.arange(64, dtype=np.uint8).reshape(8, 8)
    write_png(tmp_path / "grey.png", np.repeat(ids_HW[..., None], 3, axis=2))
    assert np.array_equal(read_id_mask(tmp_path / "grey.png"), ids_HW)
    write_png(tmp_path / "colour.png", np.dstack([ids_HW, ids_HW, ids_HW + 1]))
    with pytest.raises(InputError, match="coloured"):
        read_id_mask(tmp_path / "colour.png")


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    (pair,) = toy_pairs(tmp_path, count=1)
    write_png(pair.mask, np.zeros((20, 20), np.uint8))
    with pytest.raises(InputError, match="20x20"):
        list(PairStore([pair], TINY, read_id_mask).load())


def test_no_pairs_are_refused() -> None:
    with pytest.raises(InputError, match="no labelled pictures"):
        PairStore([], TINY, read_id_mask)


def test_pairs_beyond_the_memory_are_read_when_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = toy_pairs(tmp_path, count=5)
    within = PairStore(pairs, TINY, read_id_mask)
    monkeypatch.setattr(data, "_MEMORY_BYTES", 2 * 4 * SIZE[0] * SIZE[1])
    beyond = PairStore(pairs, TINY, read_id_mask)
    for store in (within, beyond):
        list(store.load())
    for a, b in zip(within.batch([4, 0, 2]), beyond.batch([4, 0, 2]), strict=True):
        assert np.array_equal(a, b)
    within.close()
    beyond.close()


def test_labels_shrink_without_new_values(tmp_path: Path) -> None:
    (pair,) = toy_pairs(tmp_path, count=1)
    store = PairStore([pair], replace(TINY, size=(40, 32)), read_id_mask)
    list(store.load())
    images_BHW3, targets_BHW = store.batch([0])
    assert images_BHW3.shape == (1, 32, 40, 3)
    assert set(np.unique(targets_BHW)) == {0, 1}
    store.close()


def test_every_epoch_sees_every_pair_once_in_another_order() -> None:
    count, batch = 10, 4
    drawn = [i for step in range(5) for i in batch_indices(count, batch, step, seed=1)]
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == list(range(10))
    assert drawn[:10] != drawn[10:]
    assert drawn[:4] != batch_indices(count, batch, 0, seed=2)


def test_lit_area_of_a_round_picture_with_burnt_in_text() -> None:
    inside_HW = disc((160, 120), (85.0, 60.0), 50.0)
    image_HW3 = np.where(inside_HW[..., None], 120, 0).astype(np.uint8).repeat(3, axis=2)
    image_HW3[110:114, 2:12] = 255
    image_HW3[50:70, 70:90] = 0  # a dark hole in the scene belongs to it
    differing = np.count_nonzero(lit_area(image_HW3) != inside_HW)
    assert differing < 0.02 * inside_HW.sum()


def test_a_dark_picture_is_all_area() -> None:
    assert lit_area(np.zeros((20, 30, 3), np.uint8)).all()
