"""Every command of ``trocar``: its words, its options, its help by example.

Imports no stage, so that help is instant.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from studio import __version__
from studio.commands import values

_LAYOUTS = ("auto", "image2image", "frames", "blenderproc", "solo", "bop", "nerfstudio", "folders")
_EXIT = "exit status: 0 done, 1 failed, 2 the input or the call is wrong, 130 stopped"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a call in one line; takes a row of numbers that begins with a minus for a value."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        # argparse knows single negative numbers only and would take "-0.3,1.2" for an option.
        self._negative_number_matcher = re.compile(r"-\.?\d")

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"trocar: {message}. See: {self.prog} --help\n")


if TYPE_CHECKING:
    _Words = argparse._SubParsersAction[_Parser]


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; each command's defaults hold ``action``, the name of its function in commands.actions."""
    parser = _Parser(
        prog="trocar", description="Trocar Studio: from simulated scenes and unlabelled footage to labelled, realistic "
        "data sets, and the proof that they help.", epilog=_EXIT,
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"Trocar Studio {__version__}")
    parser.set_defaults(action="gui", project=None, json=False, control=False, words=())
    words = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    _add_basics(words)
    _add_scenes(words)
    _add_footage(words)
    _add_translator(words)
    _add_styles(words)
    _add_curation(words)
    _add_export(words)
    _add_segmenter(words)
    _add_checks(words)
    return parser


def _command(
    words: _Words, name: str, action: str, about: str, example: str,
    *, project: bool = True,
) -> argparse.ArgumentParser:  # fmt: skip
    command = words.add_parser(
        name, help=about, description=f"{about[0].upper()}{about[1:]}.", epilog=f"example: trocar {example}\n{_EXIT}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    command.set_defaults(action=action)
    if project:
        command.add_argument("project", type=Path, metavar="PROJECT", help="the project's folder")
    command.add_argument("--json", action="store_true", help="one JSON object per event line, the last one the result")
    command.add_argument("--control", action="store_true", help=argparse.SUPPRESS)
    return command


def _group(words: _Words, name: str, about: str) -> _Words:
    group = words.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
    return group.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser, required=True)


def _device(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto takes a GPU if any")


def _precision(command: argparse.ArgumentParser) -> None:
    command.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto",
                         help="fp32 is exact; auto takes bf16 where that is faster")  # fmt: skip


def _devices(command: argparse.ArgumentParser) -> None:
    command.add_argument("--devices", type=values.positive, metavar="N",
                         help="so many GPUs of this machine; leave it out under torchrun and SLURM")  # fmt: skip


def _checkpoint(command: argparse.ArgumentParser) -> None:
    command.add_argument("--checkpoint", type=values.checkpoint, default="last", metavar="last|best|STEP",
                         help="of the run: the last one, the best by validity, or that of a step")  # fmt: skip


def _add_basics(words: _Words) -> None:
    gui = _command(words, "gui", "gui", "open the studio", "gui liver.trocar", project=False)
    gui.add_argument("project", type=Path, nargs="?", metavar="PROJECT", help="the project to open")
    demo = _command(words, "demo", "demo", "the whole flow on the built-in anatomy, then open it", "demo try",
                    project=False)  # fmt: skip
    demo.add_argument("folder", type=Path, metavar="DIR", help="where the project is made")
    demo.add_argument("--quick", action="store_true", help="small and short: about 3 minutes instead of 12")
    demo.add_argument("--no-gui", action="store_true", help="do not open the window at the end")
    demo.add_argument("--footage", type=Path, metavar="PATH", help="real footage: folders of frames, or videos")
    demo.add_argument("--labelled", type=Path, metavar="PATH", help="real labelled frames to evaluate on")
    demo.add_argument("--meshes", type=Path, metavar="PATH", help="a folder of organ and instrument meshes")
    demo.add_argument("--seed", type=values.seed, default=0)
    _device(demo)
    _command(words, "new", "new", "make an empty project", "new liver")
    _command(words, "info", "info", "what a project holds", "info liver.trocar --json")
    classes = _command(words, "classes", "classes", "the classes of a project and the colours they are shown in",
                       "classes liver.trocar --colour liver=#c8553d --colour fat=#f0e442")  # fmt: skip
    classes.add_argument("--colour", type=values.class_colour, action="append", default=[], metavar="CLASS=#RRGGBB",
                         help="show a class in this colour, also in exports and reports; repeatable")  # fmt: skip
    classes.add_argument("--reset", action="append", nargs="?", default=[], metavar="CLASS",
                         help="give a class its own colour again, or all of them; repeatable")  # fmt: skip


def _add_scenes(words: _Words) -> None:
    group = _group(words, "scenes", "simulated scenes: add or simulate")
    add = _command(group, "add", "scenes_add", "add scenes where they lie", "scenes add liver.trocar ~/renders")
    add.add_argument("path", type=Path, metavar="PATH")
    add.add_argument("--layout", choices=_LAYOUTS, default="auto", help="how the scenes are stored; auto finds it")
    add.add_argument(
        "--mapping", type=Path, metavar="FILE", help="TOML or JSON: classes, folders, geometry; remembered"
    )
    _command(group, "list", "scenes_list", "the sets of scenes, and what they were made of", "scenes list liver.trocar")
    rename = _command(group, "rename", "scenes_rename", "give a set of scenes another name; no file is touched",
                      "scenes rename liver.trocar simulated-0 training")  # fmt: skip
    rename.add_argument("set", metavar="SET", help="as scenes list names it")
    rename.add_argument("new", metavar="NAME")
    _command(group, "measure", "scenes_measure", "measure which classes and depths the frames show, to find them by it",
             "scenes measure liver.trocar")  # fmt: skip
    simulate = _command(group, "simulate", "scenes_simulate", "simulate labelled frames",
                        "scenes simulate liver.trocar --frames 600 --patients 6")  # fmt: skip
    simulate.add_argument("--frames", type=values.positive, metavar="N", help="over all patients")
    simulate.add_argument("--patients", type=values.positive, default=4, metavar="P", help="different bodies")
    simulate.add_argument("--path", type=values.seconds, nargs="?", const=0.0, metavar="SECONDS",
                          help="each patient's frames along a smooth camera path, 25 a second, with optical flow; "
                          "SECONDS per patient in place of --frames")  # fmt: skip
    simulate.add_argument("--target", type=values.target, action="append", default=[], metavar="CLASS=SHARE",
                          help="choose views or paths for this mean share of the pixels; repeatable")  # fmt: skip
    simulate.add_argument("--breathing", action="store_true", help="with --path: 12 to 20 breaths a minute")
    simulate.add_argument("--path-file", type=Path, metavar="FILE", help="the camera goes through the keyframes of "
                          "this JSON file, in place of --frames and --path")  # fmt: skip
    simulate.add_argument("--without", action="append", default=[], metavar="PART", help="leave an organ, or "
                          "'instrument 1' to 4, out of the pictures; repeatable")  # fmt: skip
    simulate.add_argument("--round", action="store_true", help="show the endoscope's round picture area alone: black "
                          "and void beyond it, another size for each patient")  # fmt: skip
    simulate.add_argument("--first-patient", type=values.count, default=0, metavar="K", help="number of the first body")
    simulate.add_argument("--anatomy", type=Path, metavar="FILE", help="a TOML file that names meshes")
    simulate.add_argument("--meshes", type=Path, metavar="PATH", help="a folder of meshes, classes by file name")
    simulate.add_argument("--size", type=values.size, default=(452, 256), metavar="WxH", help="in px; default: 452x256")
    simulate.add_argument("--seed", type=values.seed, default=0, metavar="S", help="the same seed gives the same bytes")
    simulate.add_argument("--name", default="", help="name of the folder in the project")


def _add_footage(words: _Words) -> None:
    group = _group(words, "footage", "unlabelled real footage: add, screen, or a stand-in")
    add = _command(group, "add", "footage_add", "add folders of frames and videos where they lie",
                   "footage add liver.trocar ~/videos --every 2")  # fmt: skip
    add.add_argument("paths", type=Path, nargs="+", metavar="PATH")
    add.add_argument("--every", type=values.seconds, default=2.0, metavar="SECONDS", help="one frame of a video each")
    phantom = _command(group, "phantom", "footage_phantom", "render stand-in footage (it is not real)",
                       "footage phantom liver.trocar --frames 240 --patients 6")  # fmt: skip
    phantom.add_argument("--frames", type=values.positive, required=True, metavar="N")
    phantom.add_argument("--patients", type=values.positive, default=4, metavar="P")
    phantom.add_argument("--labelled-frames", type=values.positive, default=40, metavar="N")
    phantom.add_argument("--labelled-patients", type=values.positive, default=4, metavar="P")
    phantom.add_argument("--size", type=values.size, default=(452, 256), metavar="WxH")
    phantom.add_argument("--seed", type=values.seed, default=0, metavar="S")
    _command(group, "screen", "footage_screen", "mark blank, blurred, duplicate and out-of-body frames, reversibly",
             "footage screen liver.trocar")  # fmt: skip
    compare = _command(group, "compare", "footage_compare", "lay the stand-in's statistics beside real footage's",
                       "footage compare liver.trocar ~/videos --report likeness")  # fmt: skip
    compare.add_argument(
        "paths", type=Path, nargs="+", metavar="PATH", help="real footage: folders of frames, or videos"
    )
    compare.add_argument("--report", type=Path, required=True, metavar="DIR", help="where likeness.html and .json go")
    compare.add_argument(
        "--every", type=values.seconds, default=2.0, metavar="SECONDS", help="one frame of a video each"
    )
    classes = _command(group, "classes", "footage_classes", "estimate the footage's class frequencies with a segmenter",
                       "footage classes liver.trocar --run translated")  # fmt: skip
    classes.add_argument("--run", default="", help="the segmenter run; default: the newest finished one")
    _device(classes)


def _add_translator(words: _Words) -> None:
    group = _group(words, "translator", "the translator from simulated to real: train, import, apply")
    train = _command(group, "train", "translator_train", "train a translator on scenes and footage",
                     "translator train liver.trocar --preset fast --name first")  # fmt: skip
    train.add_argument("--name", default="", metavar="RUN")
    train.add_argument("--preset", choices=("paper", "fast", "demo"), help="default: paper")
    train.add_argument("--like", default="", metavar="RUN", help="with the settings of this run instead of a preset")
    train.add_argument("--iterations", type=values.positive, metavar="N")
    train.add_argument("--set", type=values.setting, action="append", default=[], metavar="NAME=VALUE",
                       help="any setting of the run, see the guide")  # fmt: skip
    train.add_argument("--resume", action="store_true", help="go on with the run, exactly")
    _device(train)
    _devices(train)
    _add_run_keeping(group)
    take = _command(group, "import", "translator_import", "make a run of a public MUNIT generator checkpoint",
                    "translator import liver.trocar gen_00500000.pt")  # fmt: skip
    take.add_argument("file", type=Path, metavar="FILE")
    take.add_argument("--name", default="", metavar="RUN")
    apply = _command(group, "apply", "translator_apply", "translate one picture",
                     "translator apply run.trocar/runs/translator-first in.png --out out.png --seed 3",
                     project=False)  # fmt: skip
    apply.add_argument("source", type=Path, metavar="FILE_OR_RUN_DIR")
    apply.add_argument("image", type=Path, metavar="IMAGE")
    apply.add_argument("--out", type=Path, required=True, metavar="PNG")
    style = apply.add_mutually_exclusive_group()
    style.add_argument("--style", type=values.numbers, metavar="s1,...,s8")
    style.add_argument("--style-image", type=Path, metavar="IMG")
    style.add_argument("--seed", type=values.seed, default=0, metavar="S")
    _precision(apply)
    _checkpoint(apply)
    _device(apply)


def _add_run_keeping(group: _Words) -> None:
    rename = _command(group, "rename", "translator_rename", "give a run another name; its palettes and translations "
                      "follow", "translator rename liver.trocar first baseline")  # fmt: skip
    rename.add_argument("run", metavar="RUN")
    rename.add_argument("new", metavar="NEW")
    compare = _command(group, "compare", "translator_compare", "what two to four runs differ in, and where they ended",
                       "translator compare liver.trocar first second --json")  # fmt: skip
    compare.add_argument("runs", nargs="+", metavar="RUN")
    delete = _command(group, "delete", "translator_delete", "move a run to the project's trash; palettes and "
                      "translations stay", "translator delete liver.trocar first")  # fmt: skip
    delete.add_argument("run", metavar="RUN")
    restore = _command(group, "restore", "translator_restore", "put a deleted run back",
                       "translator restore liver.trocar first")  # fmt: skip
    restore.add_argument("run", metavar="RUN")


def _add_styles(words: _Words) -> None:
    group = _group(words, "styles", "styles: encode the footage, draw palettes, show them")
    encode = _command(group, "encode", "styles_encode", "encode the footage's styles with a run",
                      "styles encode liver.trocar --run first")  # fmt: skip
    encode.add_argument("--run", required=True)
    _checkpoint(encode)
    _device(encode)
    sample = _command(group, "sample", "styles_sample", "draw styles and keep them as a palette",
                      "styles sample liver.trocar --run first --count 5 --method cover --palette five")  # fmt: skip
    sample.add_argument("--run", required=True)
    _checkpoint(sample)
    sample.add_argument("--count", type=values.positive, required=True, metavar="N")
    sample.add_argument("--method", choices=("random", "fitted", "reference", "cover"), required=True)
    sample.add_argument("--reference", type=Path, action="append", default=[], metavar="IMG",
                        help="with --method reference: these pictures instead of footage frames")  # fmt: skip
    sample.add_argument("--temperature", type=float, default=1.0, metavar="T")
    sample.add_argument("--seed", type=values.seed, default=0, metavar="S")
    sample.add_argument("--palette", required=True, metavar="NAME")
    _command(group, "list", "styles_list", "the project's palettes", "styles list liver.trocar")
    show = _command(
        group, "show", "styles_show", "one palette with its codes", "styles show liver.trocar --palette five"
    )
    show.add_argument("--palette", required=True, metavar="NAME")
    layout = _command(group, "map", "styles_map", "lay the footage's styles out in two dimensions by t-SNE",
                      "styles map liver.trocar --run first")  # fmt: skip
    layout.add_argument("--run", required=True)
    _checkpoint(layout)
    layout.add_argument("--seed", type=values.seed, default=0, metavar="S")
    _device(layout)
    sheet = _command(group, "sheet", "styles_sheet", "frames in the styles of a palette as one picture",
                     "styles sheet liver.trocar five.png --palette five")  # fmt: skip
    sheet.add_argument("file", type=Path, metavar="PNG")
    sheet.add_argument("--palette", required=True, metavar="NAME")
    sheet.add_argument("--run", default="", help="default: the palette's own")
    sheet.add_argument("--frames", type=values.positive, default=6, metavar="N", help="spread over all scenes")
    _checkpoint(sheet)
    _device(sheet)
    _add_palette_files(group)


def _add_palette_files(group: _Words) -> None:
    write = _command(group, "export", "styles_export", "write a palette as one small JSON file",
                     "styles export liver.trocar five.json --palette five")  # fmt: skip
    write.add_argument("file", type=Path, metavar="FILE")
    write.add_argument("--palette", required=True, metavar="NAME")
    take = _command(group, "import", "styles_import", "keep a palette from a file",
                    "styles import liver.trocar five.json --run first")  # fmt: skip
    take.add_argument("file", type=Path, metavar="FILE")
    take.add_argument("--run", default="", help="the translator run it is for; default: the one that the file names")
    take.add_argument("--palette", default="", metavar="NAME", help="default: the name in the file")


def _add_curation(words: _Words) -> None:
    translate = _command(words, "translate", "translate", "translate every frame in styles of a palette",
                         "translate liver.trocar --run first --palette five")  # fmt: skip
    translate.add_argument("--run", required=True)
    translate.add_argument("--palette", required=True)
    _checkpoint(translate)
    translate.add_argument(
        "--per-frame", type=values.positive, default=0, metavar="K", help="styles a frame; default all"
    )
    translate.add_argument("--seed", type=values.seed, default=0, metavar="S")
    _precision(translate)
    _device(translate)
    _devices(translate)
    quality = _command(words, "quality", "quality", "measure validity: of a project, or of one pair",
                       "quality pair render.png translation.png --labels labels.png --json", project=False)  # fmt: skip
    quality.add_argument("what", nargs="+", type=Path, metavar="PROJECT | pair RENDER TRANSLATION")
    quality.add_argument("--labels", type=Path, metavar="PNG", help="class ids of the render, for a pair")
    quality.add_argument("--map", type=Path, metavar="PNG", help="where a pair's validity map is written")
    curate = _command(words, "curate", "curate", "accept and reject translations by a rule",
                      'curate liver.trocar --rule "validity >= 0.8 and validity.liver > 0.7"')  # fmt: skip
    curate.add_argument("--rule", required=True)
    curate.add_argument("--dry-run", action="store_true", help="only say what the rule would do")
    curate.add_argument("--over-person", action="store_true", help="also change what a person decided")


def _add_export(words: _Words) -> None:
    export = _command(words, "export", "export", "write a labelled data set, read back before it is called done",
                      "export liver.trocar out --format coco --split 0.8,0.1,0.1")  # fmt: skip
    export.add_argument("dest", type=Path, metavar="DEST")
    export.add_argument("--format", required=True, help="image2image or coco")
    export.add_argument("--split", type=values.shares, default=(0.8, 0.1, 0.1), metavar="TRAIN,VAL,TEST")
    export.add_argument("--merge", type=values.merge, action="append", default=[], metavar="CLASS=CLASS")
    export.add_argument(
        "--verdicts", type=values.names, default=("accepted", "undecided"), metavar="accepted,undecided"
    )
    for what, said in (("run", "run"), ("palette", "palette"), ("style", "style, by its name")):
        export.add_argument(f"--{what}", action="append", default=[], metavar="NAME",
                            help=f"only translations made with this {said}; repeatable")  # fmt: skip
    export.add_argument("--seed", type=values.seed, default=0, metavar="S", help="of the split")
    export.add_argument("--resume", action="store_true")
    reproduce = _command(words, "reproduce", "reproduce", "the same export again, byte for byte",
                         "reproduce out/manifest.json again", project=False)  # fmt: skip
    reproduce.add_argument("manifest", type=Path, metavar="MANIFEST")
    reproduce.add_argument("dest", type=Path, metavar="DEST")
    reproduce.add_argument("--project", type=Path, default=None, help="the project, if it has moved")


def _add_segmenter(words: _Words) -> None:
    group = _group(words, "segmenter", "the proof: train segmenters, evaluate them on real labels")
    train = _command(group, "train", "segmenter_train", "train a segmenter",
                     "segmenter train liver.trocar --data translated --name first")  # fmt: skip
    train.add_argument("--data", choices=("simulated", "translated", "real"), required=True)
    train.add_argument("--appearance", choices=("none", "colour", "reinhard"), default="none")
    train.add_argument("--init", default="", metavar="RUN", help="start from this segmenter run (fine-tuning)")
    train.add_argument("--labelled", type=Path, metavar="PATH", help="with --data real: the labelled frames")
    train.add_argument("--name", default="", metavar="RUN")
    train.add_argument("--preset", choices=("demo", "paper"), default="demo")
    train.add_argument("--set", type=values.setting, action="append", default=[], metavar="NAME=VALUE")
    train.add_argument("--resume", action="store_true")
    _device(train)
    evaluate = _command(group, "evaluate", "segmenter_evaluate", "evaluate segmenters and write the report",
                        "segmenter evaluate liver.trocar --run first --labelled set --report out")  # fmt: skip
    evaluate.add_argument("--run", action="extend", nargs="+", required=True, metavar="RUN")
    evaluate.add_argument("--labelled", type=Path, required=True, metavar="PATH")
    evaluate.add_argument("--report", type=Path, required=True, metavar="DIR")
    _device(evaluate)


def _add_checks(words: _Words) -> None:
    _command(words, "doctor", "doctor", "what this machine can do", "doctor --json", project=False)
    _command(words, "self-test", "self_test", "the real window and a training child, headless", "self-test",
             project=False)  # fmt: skip
    bench = _command(words, "bench", "bench", "measure speed, as ratios in one run", "bench translate --json",
                     project=False)  # fmt: skip
    bench.add_argument(
        "what", nargs="?", default="all",
        choices=("all", "translate", "train", "simulate", "export", "gui", "validity", "curves"),
        help="curves, which is not part of all, lays the losses of the fast training path over those of the plain one",
    )  # fmt: skip
    bench.add_argument("--out", type=Path, metavar="DIR", help="with curves: where curves.png and its figures go")
