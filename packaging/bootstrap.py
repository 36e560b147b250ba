"""Set Trocar Studio up in this folder and start it: ``python3 packaging/bootstrap.py demo|test|setup|run [arguments]``.

Needs only Python 3.11 to 3.13. Makes ``.venv`` with the pinned dependencies and the command ``trocar`` in it, adds the
system libraries that the window needs, and hands over. What was set up once is not set up again, and needs no network.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "set-up.stamp"
LOG = VENV / "set-up.log"
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
PYTHONS = ((3, 11), (3, 12), (3, 13))
DEMO_FOLDER = "trocar-demo"

USAGE = f"""usage: python3 packaging/bootstrap.py WORD [arguments]

  demo [DIR] [...]   set up, then the whole flow on built-in data (arguments of `trocar demo`; DIR: {DEMO_FOLDER})
  test [...]         set up, then every check and test (arguments of pytest: -m long runs the long proofs)
  setup              only set up
  run [...]          set up, then open the studio (arguments of `trocar gui`)
"""

_PLAIN_OPTIONS = ("--quick", "--no-gui", "--json", "--control", "--help", "-h")

_REASONS = (
    (
        ("No space left on device", "[Errno 28]", "not enough space on the disk"),
        "the disk is full; free about 3 GB (8 GB with CUDA) and run the same command again",
    ),
    (
        ("Temporary failure in name resolution", "NewConnectionError", "Max retries exceeded", "ConnectTimeout",
         "getaddrinfo failed", "Network is unreachable", "ProxyError", "nodename nor servname"),
        "the package index can't be reached; connect to the network and run the same command again",
    ),
    (
        ("Permission denied", "[Errno 13]", "Read-only file system", "[Errno 30]"),
        f"{VENV} can't be written; make its folder writable and run the same command again",
    ),
)  # fmt: skip


class SetupFailed(Exception):
    """Set-up can't go on; the message is one line that says what to do."""


def main(arguments: Sequence[str]) -> int:
    """Set up and do what the word says; return the exit status."""
    if sys.version_info[:2] not in PYTHONS:
        say(_wrong_python())
        return 2
    word, *extra = arguments or [""]
    if word not in ("demo", "test", "setup", "run"):
        wants_help = word in ("-h", "--help", "help")
        print(USAGE, end="", file=sys.stdout if wants_help else sys.stderr)
        return 0 if wants_help else 2
    try:
        _add_system_libraries(needed=_shows_window(word, extra))
        set_up()
    except SetupFailed as failure:
        say(str(failure))
        return 1
    except KeyboardInterrupt:
        say("stopped; run the same command again to go on")
        return 130
    if word == "setup":
        say(f"ready; the command is {venv_script('trocar')}")
        return 0
    return hand_over(_command(word, extra))


def set_up() -> None:
    """Make ``.venv`` hold exactly the pinned dependencies and this checkout; nothing happens when it already does."""
    wanted = _fingerprint()
    if _stamped() == wanted and venv_python().exists():
        return
    _make_venv()
    say("installing the pinned dependencies into .venv (a few minutes, about 2 GB; with CUDA about 7 GB)")
    LOG.unlink(missing_ok=True)
    _pip("install", "--constraint", str(CONSTRAINTS), *_requirements())
    _pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    STAMP.write_text(wanted, encoding="utf-8")


def hand_over(command: Sequence[str]) -> int:
    """Run a command in the foreground; Ctrl-C is its to handle, so that it can end in a resumable state."""
    child = subprocess.Popen(list(command))
    while True:
        try:
            status = child.wait()
        except KeyboardInterrupt:
            continue
        return 128 - status if status < 0 else status


def venv_python() -> Path:
    return venv_script("python")


def venv_script(name: str) -> Path:
    return VENV / "Scripts" / f"{name}.exe" if os.name == "nt" else VENV / "bin" / name


def say(line: str) -> None:
    """One line for the person who waits; results of commands go to stdout, this does not."""
    print(f"trocar set-up: {line}", file=sys.stderr, flush=True)


def _command(word: str, extra: Sequence[str]) -> list[str]:
    python = str(venv_python())
    if word == "test":
        return [python, str(ROOT / "packaging" / "checks.py"), *extra]
    studio = [python, "-P", "-m", "studio"]  # -P: a stray rich.py in the person's folder must not be imported
    if word == "run":
        return [*studio, "gui", *extra]
    folder = [] if _names_folder(extra) else [DEMO_FOLDER]
    return [*studio, "demo", *folder, *extra]


def _shows_window(word: str, extra: Sequence[str]) -> bool:
    """Whether Qt has to start: always for the tests (off screen), for the demo only where it can end in a window."""
    if word == "demo":
        return "--no-gui" not in extra and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return word in ("test", "run")


def _names_folder(extra: Sequence[str]) -> bool:
    """Whether one of the arguments is neither an option nor an option's value."""
    before = ["--quick", *extra]
    return any(
        not argument.startswith("-") and (previous in _PLAIN_OPTIONS or not previous.startswith("-"))
        for previous, argument in zip(before, extra, strict=False)
    )


def _wrong_python() -> str:
    have = ".".join(map(str, sys.version_info[:3]))
    suffix = ".exe" if os.name == "nt" else ""
    found = next((name for name in ("python3.13", "python3.12", "python3.11") if shutil.which(name + suffix)), None)
    remedy = f"run it with {found}, which this machine has" if found else "install Python 3.12 and run it with that"
    return f"Python {have} is not one of 3.11, 3.12 and 3.13; {remedy}"


def _requirements() -> list[str]:
    """What pyproject.toml asks for, the tools of the test command and the build tool included."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = project["project"]
    needed = [*project["build-system"]["requires"], *declared["dependencies"]]
    return [*needed, *declared["optional-dependencies"]["dev"]]


def _fingerprint() -> str:
    """What set-up depends on, as one line: the pins, the declared dependencies, this Python and this folder."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (CONSTRAINTS.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), str(ROOT).encode()):
        digest.update(hashlib.blake2b(part).digest())
    return f"{_python_version()} {digest.hexdigest()}"


def _python_version() -> str:
    return "{}.{}".format(*sys.version_info[:2])


def _stamped() -> str:
    try:
        return STAMP.read_text(encoding="utf-8")
    except OSError:
        return ""


def _make_venv() -> None:
    """Make the virtual environment, or make it anew when it is broken or of another Python version."""
    if _venv_version() == _python_version():
        return
    say(f"making .venv with Python {_python_version()}")
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )  # fmt: skip
    if made.returncode != 0:
        raise SetupFailed(_reason(made.stdout) or f"no virtual environment could be made: {_last_line(made.stdout)}")


def _venv_version() -> str:
    """The Python version of a working ``.venv`` (one that has pip), else an empty string."""
    probe = "import pip, sys; print('{}.{}'.format(*sys.version_info[:2]))"
    try:
        seen = subprocess.run([str(venv_python()), "-c", probe], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return seen.stdout.strip() if seen.returncode == 0 else ""


def _pip(*arguments: str) -> None:
    """Run the environment's pip, show what it fetches, keep all it says in the log."""
    pip = [str(venv_python()), "-m", "pip", "--disable-pip-version-check", "--no-input", "--retries", "2"]
    lines: list[str] = []
    with subprocess.Popen(
        [*pip, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as child:
        assert child.stdout is not None
        try:
            for line in child.stdout:
                lines.append(line)
                _show(line.strip())
        except KeyboardInterrupt:
            child.terminate()
            raise
    text = "".join(lines)
    _keep_log(text)
    if child.returncode != 0:
        raise SetupFailed(_reason(text) or f"pip failed: {_last_error(text)} (all it said: {LOG})")


def _show(line: str) -> None:
    if line.startswith(("Collecting ", "Installing collected", "Building ")):
        print(f"  {line[:100]}", file=sys.stderr, flush=True)


def _keep_log(text: str) -> None:
    try:
        with LOG.open("a", encoding="utf-8") as log:
            log.write(text)
    except OSError:
        return  # a full disk is reported from what pip said


def _reason(text: str) -> str:
    """The remedy for a failure that is known by its words, else an empty string."""
    return next((remedy for signs, remedy in _REASONS if any(sign in text for sign in signs)), "")


def _last_error(text: str) -> str:
    errors = [line for line in text.splitlines() if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR:").strip() if errors else _last_line(text)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1].strip()


def _add_system_libraries(*, needed: bool) -> None:
    import system_libraries

    missing = system_libraries.missing_packages()
    if not missing:
        return
    if system_libraries.may_install():
        say(f"installing system libraries: {' '.join(missing)}")
        failure = system_libraries.install(missing)
        if not failure:
            return
        problem = f"system libraries could not be installed ({failure}); run:"
    else:
        problem = "system libraries are missing; run:"
    advice = f"{problem} {system_libraries.install_command(missing)}"
    if needed or system_libraries.VENV_PACKAGE in missing:
        raise SetupFailed(f"{advice}, then the same command again")
    say(f"{advice} (the window needs them; the rest works without)")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
