"""Limits that keep the code readable, and calls that no file from outside may ever reach."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT, Module, called_name, modules

FILE_LINES = 500
FUNCTION_LINES = 80
TOP_LEVEL = {"pyproject.toml", "README.md", "LICENSE", "studio", "resources", "tests", "packaging"}
RUN_CODE = {"eval", "exec", "compile", "os.system", "os.popen", "runpy.run_path"}
UNPICKLE = {
    "pickle.load", "pickle.loads", "pickle.Unpickler", "cPickle.load", "dill.load", "joblib.load", "shelve.open",
    "marshal.loads", "yaml.load", "yaml.unsafe_load", "numpy.lib.npyio.load",
}  # fmt: skip
SAFE_ARGUMENT = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}


def test_top_level_holds_only_what_the_design_names() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: what belongs to the tree can't be told from what lies beside it")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = {Path(name).parts[0] for name in listed.stdout.split("\0") if name}
    assert {name for name in names if not name.startswith(".")} == TOP_LEVEL


def test_files_are_short() -> None:
    everything = [*modules(), *modules("tests"), *modules("packaging")]
    assert {str(module.path): module.lines for module in everything if module.lines >= FILE_LINES} == {}


def test_functions_are_short() -> None:
    assert [found for module in modules() for found in _long_functions(module)] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(module.path) for module in modules() if module.tree.body and not ast.get_docstring(module.tree)]
    assert silent == []


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "import pickle\npickle.load(f)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "subprocess.run('ls', shell=True)",
        "zipfile.ZipFile(p).extractall(d)",
    ],
)
def test_unsafe_calls_are_recognised(source: str) -> None:
    assert list(_unsafe_calls(Module("x", Path("x.py"), 1, ast.parse(source))))


@pytest.mark.parametrize("source", ["torch.load(path, weights_only=True)", "re.compile('a')", "model.eval()"])
def test_safe_calls_pass(source: str) -> None:
    assert not list(_unsafe_calls(Module("x", Path("x.py"), 1, ast.parse(source))))


def test_no_file_from_outside_can_run_code() -> None:
    everything = [*modules(), *modules("packaging")]
    assert [found for module in everything for found in _unsafe_calls(module)] == []


def _long_functions(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length >= FUNCTION_LINES:
                yield f"{module.path}:{node.lineno} {node.name} has {length} lines"


def _unsafe_calls(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and (reason := _unsafe(node)):
            yield f"{module.path}:{node.lineno} {reason}"


def _unsafe(call: ast.Call) -> str:
    """Why a call could let input run code or write outside its folder, else an empty string."""
    name = called_name(call).replace("numpy.", "np.")
    arguments = {keyword.arg: keyword.value for keyword in call.keywords}
    if name in RUN_CODE or name in UNPICKLE:
        return f"calls {name}"
    if name in SAFE_ARGUMENT:
        argument, wanted = SAFE_ARGUMENT[name]
        if not _is_constant(arguments.get(argument), wanted) and not (name == "np.load" and argument not in arguments):
            return f"calls {name} without {argument}={wanted}"
    if "shell" in arguments and not _is_constant(arguments["shell"], False):
        return f"calls {name} with a shell"
    if (
        isinstance(call.func, ast.Attribute)
        and call.func.attr in ("extractall", "extract")
        and "filter" not in arguments
    ):
        return "unpacks an archive without a filter"
    return ""


def _is_constant(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
