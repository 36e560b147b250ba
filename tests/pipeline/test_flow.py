"""The whole flow at its smallest: every stage for real, a project that survives being stopped, the same bytes again."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from studio.cli import main
from studio.export.manifest import load_manifest
from studio.files.pictures import read_rgb
from studio.jobs.events import Done, Progress
from studio.pipeline.demo_settings import QUICK, REGIMES, DemoSettings
from studio.pipeline.flow import demo
from studio.pipeline.translators import train_translator
from studio.pipeline.views import footage_codes, footage_map
from studio.project.project import Project
from studio.segmenter.settings import SegmenterSettings
from studio.translator.settings import TrainSettings
from studio.vocabulary.errors import InputError


class Tiny(DemoSettings):
    """The quick demo with networks that train in seconds."""

    def training(self) -> TrainSettings:
        small = {"dim": 4, "res_blocks": 1, "disc_dim": 4, "disc_layers": 2, "disc_scales": 2, "mlp_dim": 8}
        short = {"load_width": 96, "crop_width": 64, "crop_height": 48, "iterations": 4, "sample_every": 4}
        return super().training().with_values(**small, **short)

    def segmenter(self) -> SegmenterSettings:
        return replace(super().segmenter(), width=4, size=(64, 48), batch=2, steps=3)


TINY = Tiny(
    size=(96, 64), frames=8, patients=4, footage_frames=6, footage_patients=2, labelled_frames=4, labelled_patients=2,
    styles=2, per_frame=1, reject_share=0.0, seconds=QUICK.seconds,
)  # fmt: skip


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("flow") / "demo"
    stopped = demo(folder, TINY)
    for event in stopped:
        if isinstance(event, Progress) and event.stage == "translating":
            break
    stopped.close()
    with Project.open(folder) as project:
        assert project.runs.get("translator", "demo").state == "done"
    done = [e for e in demo(folder, TINY) if isinstance(e, Done)]
    assert len(done) == 1
    return dict(done[0].result)


def test_every_regime_has_a_figure_for_every_patient(result: dict[str, object]) -> None:
    table = result["table"]
    assert isinstance(table, list)
    assert [row["name"] for row in table][1:] == [r.name for r in REGIMES]
    assert all(len(row["patients"]) == 2 for row in table)
    report = Path(str(result["report"])).read_text(encoding="utf-8")
    assert "stand-in" in report and all(r.name in report for r in REGIMES)


def test_the_project_holds_what_was_made(result: dict[str, object]) -> None:
    with Project.open(Path(str(result["project"])), write=False) as project:
        assert project.scenes.frame_count() == 8
        assert project.translations.count() == 8
        assert all(r.path.is_file() and "validity" in r.measures for r in project.translations.all())
        assert len(project.outcomes.evaluations()) == 1


def test_the_footage_is_laid_out_and_kept_with_the_run(
    result: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["styles", "map", str(result["project"]), "--run", "demo", "--json"]) == 0
    capsys.readouterr()
    with Project.open(Path(str(result["project"])), write=False) as project:
        run = project.runs.get("translator", "demo")
        codes = footage_codes(run)
        assert codes is not None
        xy = footage_map(run, codes)
    assert xy is not None and len(xy) == len(codes.ids) == 6
    assert len({tuple(at) for at in xy}) == 6


def test_the_export_is_reproduced_byte_for_byte(
    result: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = Path(str(result["export"])) / "manifest.json"
    with Project.open(Path(str(result["project"]))) as project:
        picture = next(iter(project.translations.all())).path
    picture.rename(tmp_path / "aside.png")  # it has to be translated anew
    assert main(["reproduce", str(manifest), str(tmp_path / "again"), "--json"]) == 0
    (tmp_path / "aside.png").rename(picture)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["result"]["same"] is True
    ours = {p.relative_to(manifest.parent): p.read_bytes() for p in manifest.parent.rglob("*") if p.is_file()}
    again = {p.relative_to(tmp_path / "again"): p.read_bytes() for p in (tmp_path / "again").rglob("*") if p.is_file()}
    assert ours == again


def test_translations_of_either_precision_are_reproduced(
    result: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = str(shutil.copytree(str(result["project"]), tmp_path / "copy.trocar"))
    assert main(["styles", "sample", project, "--run", "demo", "--count", "1", "--method", "random", "--palette", "one",
                 "--json"]) == 0  # fmt: skip
    pictures = {}
    for precision in ("fp32", "bf16"):
        capsys.readouterr()
        assert (
            main(["translate", project, "--run", "demo", "--palette", "one", "--precision", precision, "--json"]) == 0
        )
        made = json.loads(capsys.readouterr().out.splitlines()[-1])["result"]
        assert (made["precision"], made["kept"]) == (precision, 0)
        with Project.open(Path(project)) as opened:
            records = [r for r in opened.translations.all() if r.palette == "one"]
        out = tmp_path / precision
        assert main(["export", project, str(out), "--format", "coco", "--json"]) == 0
        pictures[precision] = records[0].path.read_bytes()
        for record in records:
            record.path.unlink()
        again = str(tmp_path / f"{precision}-again")
        assert main(["reproduce", str(out / "manifest.json"), again, "--project", project, "--json"]) == 0
    assert pictures["fp32"] != pictures["bf16"]


def test_a_copy_of_the_project_is_not_taken_for_it(
    result: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Path(str(result["project"]))
    out = tmp_path / "out"
    assert main(["export", str(original), str(out), "--format", "coco", "--json"]) == 0
    copy = tmp_path / "aaa.trocar"
    copy.mkdir()
    shutil.copy(original / "catalogue.sqlite", copy)  # the same id, an earlier name, and no picture in it
    shutil.copytree(original, tmp_path / original.name)
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", str(out / "manifest.json"), str(tmp_path / "again"), "--json"]) == 0


def test_rules_and_a_second_format_from_the_command_line(
    result: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = str(result["project"])
    assert main(["curate", project, "--rule", "validity >= 2", "--json"]) == 0
    assert main(["export", project, str(tmp_path / "none"), "--format", "coco"]) == 2
    assert "rejected" not in capsys.readouterr().err and not (tmp_path / "none").exists()
    assert main(["curate", project, "--rule", "validity >= 0", "--json"]) == 0
    capsys.readouterr()
    assert main(["export", project, str(tmp_path / "coco"), "--format", "coco", "--json"]) == 0
    checks = json.loads(capsys.readouterr().out.splitlines()[-1])["result"]["checks"]
    assert checks["images_decoded"] == 8


def test_a_run_is_cloned_compared_renamed_deleted_and_restored_by_commands(
    result: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a copy, so that what the other tests look at stays as it is."""
    folder = tmp_path / "copy.trocar"
    shutil.copytree(str(result["project"]), folder)

    def run(*argv: str) -> dict[str, object]:
        assert main(["translator", argv[0], str(folder), *argv[1:], "--json"]) == 0
        last = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert last["event"] == "done"
        return dict(last["result"])

    run("train", "--like", "demo", "--name", "again", "--iterations", "1", "--set", "seed=8")
    compared = run("compare", "demo", "again")
    assert compared["settings"] == {"iterations": {"demo": 4, "again": 1}, "seed": {"demo": 0, "again": 8}}
    assert run("rename", "demo", "baseline")["run"] == "baseline"
    with Project.open(folder) as project:
        moved = list(project.translations.all())
        assert {r.run for r in moved} == {"baseline"} and all(r.path.is_file() for r in moved)
    manifest = Path(str(result["export"])) / "manifest.json"
    wanted = load_manifest(manifest)
    gone = next(r for r in moved if r.id in {row.translation_id for row in wanted.recipe.items})
    gone.path.unlink()
    assert main(["reproduce", str(manifest), str(tmp_path / "same"), "--project", str(folder)]) == 0
    assert load_manifest(tmp_path / "same").files == wanted.files
    assert (folder / "cache" / "reproduced" / f"{gone.id}.png").is_file(), "made anew by the renamed run"
    deleted = run("delete", "baseline")
    assert deleted["translations"] == len(moved)
    assert main(["translator", "compare", str(folder), "baseline", "again"]) == 2
    run("restore", "baseline")
    assert main(["translator", "compare", str(folder), "baseline", "again"]) == 0
    assert "seed" in capsys.readouterr().out


def test_a_run_keeps_its_name_while_it_trains_and_no_longer(result: dict[str, object], tmp_path: Path) -> None:
    folder = tmp_path / "copy.trocar"
    shutil.copytree(str(result["project"]), folder)
    with Project.open(folder) as project:
        job = train_translator(project, name="long", settings=TINY.training().with_values(iterations=1000))
        assert any(isinstance(event, Progress) for event in job), "it is in the middle of it"
        with pytest.raises(InputError, match="being trained"):
            project.run_moves.rename("long", "short")
        job.close()
        run = project.run_moves.rename("long", "short")
        assert run.state == "stopped" and (run.folder / "config.json").is_file()
        resumed = train_translator(project, name="short", resume=True)
        assert any(isinstance(event, Progress) for event in resumed)
        resumed.close()


def test_a_palette_is_drawn_as_one_sheet(
    result: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(Path(str(result["project"])), write=False) as project:
        name = project.palettes.all()[0].palette.name
    sheet = tmp_path / "sheet.png"
    argv = ["styles", "sheet", str(result["project"]), str(sheet), "--palette", name, "--frames", "3", "--json"]
    assert main(argv) == 0
    done = json.loads(capsys.readouterr().out.splitlines()[-1])["result"]
    # Three frames of 96 x 64 px, the render and two styles: gaps of 8 px, text of 12 in lines of 18.
    assert (done["rows"], done["columns"], done["size"]) == (3, 3, [8 + 3 * 104, 26 + 3 * (64 + 26)])
    assert read_rgb(sheet).shape == (26 + 3 * 90, 8 + 3 * 104, 3)
    assert main([*argv[:-1], "--checkpoint", "3"]) == 2
    assert "there is no checkpoint '3'" in " ".join(capsys.readouterr().err.split())


def test_the_step_of_a_checkpoint_stands_in_the_recipe(result: dict[str, object]) -> None:
    manifest = load_manifest(Path(str(result["export"])))
    assert [c["step"] for c in manifest.recipe.source["checkpoints"]] == [4]
