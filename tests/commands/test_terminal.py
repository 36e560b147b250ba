"""The demo's table fits a terminal of eighty columns with every word whole."""

import io

from rich.console import Console

from studio.commands.terminal import _print_demo, patient_headings

PATIENTS = ("phantom_amber_1010", "phantom_crimson_1009", "phantom_dim_1007", "phantom_violet_1006")


def test_headings_drop_what_all_names_begin_with() -> None:
    assert patient_headings(PATIENTS) == ["amber\n1010", "crimson\n1009", "dim\n1007", "violet\n1006"]
    assert patient_headings(["video35", "video37"]) == ["video35", "video37"]
    assert patient_headings(["phantom_amber_1"]) == ["phantom\namber\n1"]
    assert patient_headings([]) == []


def test_nothing_in_the_table_is_cut_off() -> None:
    title = "simulated, footage's colour statistics (Reinhard)"
    row = {"name": "r", "title": title, "mean": 0.5, "patients": {f"{p}": 0.25 for p in (*PATIENTS, "p_a_1", "p_b_2")}}
    console = Console(width=80, record=True, file=io.StringIO())
    _print_demo(
        console, {"stand_in": True, "table": [row], "report": "r", "export": "e", "project": "p", "seconds": 1.0}
    )
    text = console.export_text()
    assert "…" not in text and "crimson" in text
    words = text.split()
    assert all(word in words for word in title.split())
