"""Commands as a person types them: exit statuses, one line on errors, JSON lines, no torch for what needs none."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from studio.cli import main, opening
from studio.commands.parser import build_parser
from tests.scenes.layout_files import write_bop


def lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    status = main([str(a) for a in argv])
    out, err = capsys.readouterr()
    return status, out, err


def test_new_info_and_their_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "new", tmp_path / "body")[0] == 0
    status, out, _ = run(capsys, "info", tmp_path / "body", "--json")
    last = json.loads(lines_of(out)[-1])
    assert status == 0 and last["event"] == "done" and last["result"]["frames"] == 0


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["info", "nowhere"], ["nowhere", "no project"]),
        (["new", "taken"], ["taken", "exists already"]),
        (["scenes", "add", "taken", "missing-folder"], ["missing-folder"]),
        (["scenes", "add", "taken", ".", "--layout", "what"], ["what"]),
        (["scenes", "add", "taken", ".", "--layout", "folders"], ["--mapping FILE"]),
        (["scenes", "add", "taken", ".", "--mapping", "gone.toml"], ["gone.toml", "can't be read"]),
        (["footage", "add", "taken", "missing.mp4"], ["missing.mp4"]),
        (["footage", "add", "taken", "empty"], ["empty"]),
        (["translator", "train", "taken"], ["no scenes"]),
        (["translator", "train", "taken", "--like", "r"], ["no translator run 'r'"]),
        (["translator", "train", "taken", "--like", "r", "--preset", "demo"], ["--like", "--preset"]),
        (["translator", "rename", "taken", "r", "s"], ["no translator run 'r'"]),
        (["translator", "compare", "taken", "r"], ["two to 4"]),
        (["translator", "compare", "taken", "r", "s"], ["no translator run 'r'"]),
        (["translator", "delete", "taken", "r"], ["no translator run 'r'"]),
        (["translator", "restore", "taken", "r"], ["no run 'r' in the trash"]),
        (["translate", "taken", "--run", "r", "--palette", "p"], ["no translator run 'r'"]),
        (["styles", "show", "taken", "--palette", "p"], ["no palette 'p'"]),
        (["curate", "taken", "--rule", "validity >"], ["rule", "column"]),
        (["curate", "taken", "--rule", "__import__('os') > 1"], ["rule", "column"]),
        (["export", "taken", "out", "--format", "coco"], ["no translations"]),
        (["export", "taken", "out", "--format", "coco", "--split", "1,2"], ["1,2"]),
        (["quality", "pair", "a.png"], ["pair"]),
        (["translator", "apply", "taken", "missing.png", "--out", "o.png"], ["missing.png"]),
        (["frobnicate"], ["frobnicate"]),
        (["scenes", "simulate", "taken", "--frames", "0"], ["'0'"]),
        (["scenes", "simulate", "taken", "--frames", "4", "--size", "big"], ["big"]),
        (["scenes", "simulate", "taken"], ["neither --frames nor seconds of --path"]),
        (["scenes", "simulate", "taken", "--frames", "4", "--path", "2"], ["--frames and seconds of --path"]),
        (["scenes", "simulate", "taken", "--path", "soon"], ["'soon'"]),
        (["scenes", "simulate", "taken", "--path-file", "none.json"], ["none.json", "cannot be read"]),
        (["scenes", "simulate", "taken", "--frames", "4", "--without", "spleen"], ["'spleen'", "gallbladder"]),
        (["footage", "classes", "taken"], ["no trained segmenter"]),
        (["scenes", "simulate", "taken", "--frames", "4", "--target", "liver"], ["'liver'", "gallbladder=0.2"]),
        (["scenes", "simulate", "taken", "--frames", "4", "--target", "spleen=0.2"], ["'spleen'", "Known classes"]),
        (["scenes", "simulate", "taken", "--frames", "4", "--breathing"], ["breathing without a camera path"]),
    ],
)
def test_wrong_input_is_one_line_and_status_2(
    argv: list[str],
    words: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert main(["new", "taken"]) == 0
    capsys.readouterr()
    before = sorted(p.name for p in tmp_path.iterdir())
    status, out, err = run(capsys, *argv)
    assert status == 2, err
    assert len(lines_of(err)) == 1 and not lines_of(out)
    for word in words:
        assert word in err
    assert sorted(p.name for p in tmp_path.iterdir()) == before, "something half-done remains"


def test_every_command_explains_itself_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        ["demo"], ["new"], ["info"], ["scenes", "add"], ["scenes", "simulate"], ["footage", "add"],
        ["footage", "phantom"], ["footage", "screen"], ["translator", "train"], ["translator", "import"],
        ["translator", "rename"], ["translator", "compare"], ["translator", "delete"], ["translator", "restore"],
        ["translator", "apply"], ["styles", "sample"], ["translate"], ["quality"], ["curate"], ["export"],
        ["reproduce"], ["segmenter", "train"], ["segmenter", "evaluate"], ["doctor"], ["self-test"], ["bench"], ["gui"],
    ]  # fmt: skip
    for command in words:
        with pytest.raises(SystemExit) as leaving:
            build_parser().parse_args([*command, "--help"])
        out = capsys.readouterr().out
        assert leaving.value.code == 0 and f"example: trocar {' '.join(command)}" in out and "exit status" in out


@pytest.mark.parametrize("style", ["-0.3,1.2,-2", "-.5,1", "0.3,-1.2", "-1e-3,4"])
def test_a_style_may_begin_with_a_minus(style: str) -> None:
    call = ["translator", "apply", "gen.pt", "in.png", "--out", "out.png", "--style", style, "--precision", "fp32"]
    parsed = build_parser().parse_args(call)
    assert parsed.style == tuple(float(number) for number in style.split(","))
    assert parsed.precision == "fp32"


def test_bench_writes_curves_alone_to_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "bench", "export", "--out", tmp_path / "out")
    assert (status, lines_of(out)) == (2, [])
    assert len(lines_of(err)) == 1 and "trocar bench curves" in err


def test_help_needs_neither_torch_nor_qt() -> None:
    code = (
        "import sys; from studio.cli import main; status = main(['--help']);"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('torch', 'PySide6', 'cv2')];"
        "print(bad); sys.exit(bool(bad))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr[-300:]


def test_a_read_only_place_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    status, _, err = run(capsys, "new", tmp_path / "file" / "body")
    assert status == 2 and len(lines_of(err)) == 1 and "body" in err


def test_scenes_of_another_program_by_a_mapping_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused with the mapping to write, added with it, found again by what the frames show."""
    project, data, mapping = tmp_path / "body.trocar", write_bop(tmp_path / "data"), tmp_path / "m.toml"
    run(capsys, "new", project)
    status, _, err = run(capsys, "scenes", "add", project, data)
    assert status == 2
    (line,) = lines_of(err)
    assert 'classes = {"10" = "CLASS", "30" = "CLASS", "60" = "CLASS"}' in line
    mapping.write_text('classes = {"10" = "liver", "30" = "abdominal wall", "60" = "tool tip"}')
    status, out, _ = run(capsys, "scenes", "add", project, data, "--mapping", mapping, "--json")
    assert status == 0
    result = json.loads(lines_of(out)[-1])["result"]
    assert result == {"scenes": 1, "frames": 3, "layout": "bop", "patients": ["train-000001"], "set": "data"}
    assert run(capsys, "scenes", "add", project, data)[0] == 0, "the mapping is remembered"
    status, out, _ = run(capsys, "scenes", "measure", project, "--json")
    assert json.loads(lines_of(out)[-1])["result"] == {"measured": 3, "unreadable": 0}


def test_a_projects_folder_alone_opens_it(tmp_path: Path) -> None:
    folder = tmp_path / "liver.trocar"
    assert opening([str(folder)]) == (str(folder),)
    folder.mkdir()
    assert opening([str(folder)]) == ("gui", str(folder))
    assert opening(["info", str(folder)]) == ("info", str(folder))
    assert opening([]) == ()
