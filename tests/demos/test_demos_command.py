"""`python -m demos`: what it prints, what it writes, and how it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import demos
from demos.__main__ import main, save

ROOT = Path(demos.__file__).parents[1]
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def drawn() -> None:
    pytest.importorskip("matplotlib").use("Agg")


def test_a_lesson_prints_its_lines_under_its_title_and_ends_with_the_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], drawn: None
) -> None:
    assert main(["gradient_descent", "huber_regression", "--out", str(tmp_path / "new" / "folder")]) == 0
    printed = capsys.readouterr().out.splitlines()
    lesson = demos.load("gradient_descent")
    assert printed[0] == "gradient_descent: Down a parabola, and a slip that passes its minimum"
    assert printed[1] == "-" * len(printed[0])
    import minigrad

    report = lesson.report(demos.run("gradient_descent", minigrad))
    assert printed[2 : 2 + len(report)] == report
    names = ["gradient_descent.png", "huber_regression.png", "huber_regression_outliers.png"]
    assert printed[-4:] == [f"Pictures in {tmp_path / 'new' / 'folder'}:", *("  " + name for name in names)]
    assert sorted(os.listdir(tmp_path / "new" / "folder")) == names
    for name in names:
        assert (tmp_path / "new" / "folder" / name).read_bytes().startswith(PNG)


def test_a_seed_changes_what_is_printed_and_the_same_seed_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], drawn: None
) -> None:
    printed = []
    for seed in ("7", "7", "8"):
        assert main(["ohms_law", "--seed", seed, "--out", str(tmp_path)]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != printed[2]


def test_show_opens_the_figures_after_they_are_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn: None
) -> None:
    import matplotlib.pyplot as plt

    shown: list[int] = []
    monkeypatch.setattr(plt, "show", lambda: shown.extend(plt.get_fignums()))
    for options, figures in (([], 0), (["--show"], 2)):
        shown.clear()
        assert main(["huber_regression", "--out", str(tmp_path), *options]) == 0
        assert (len(shown), len(os.listdir(tmp_path))) == (figures, 2)
    plt.close("all")


def test_list_names_every_lesson_in_order_within_80_columns_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert tuple(line.split()[0] for line in lines) == demos.LESSONS
    assert all(len(line) <= 80 and len(line.split()) > 3 for line in lines)
    assert not os.listdir(tmp_path)


def test_an_unknown_name_lists_the_known_ones_and_exits_2_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["ohms_law", "ohms_lwa", "--out", str(tmp_path / "pictures")])
    assert exit.value.code == 2
    out, error = capsys.readouterr()
    assert out == "" and "'ohms_lwa'" in error
    assert all(name in error for name in demos.LESSONS)
    assert not os.listdir(tmp_path)


def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("here already")
    with pytest.raises(SystemExit) as exit:
        main(["ohms_law", "--out", str(tmp_path / "file")])
    assert exit.value.code == 2
    out, error = capsys.readouterr()
    assert out == "" and "no pictures can be written to" in error and "file" in error


class BrokenFigure:
    def savefig(self, file: Any, **options: Any) -> None:
        file.write(PNG)
        raise KeyboardInterrupt


def test_a_picture_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "old.png").write_bytes(b"the last whole picture")
    for name in ("old.png", "new.png"):
        with pytest.raises(KeyboardInterrupt):
            save(BrokenFigure(), tmp_path / name)
    assert os.listdir(tmp_path) == ["old.png"]
    assert (tmp_path / "old.png").read_bytes() == b"the last whole picture"


def test_without_matplotlib_the_lessons_still_print_and_the_command_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["ohms_law", "--out", str(tmp_path)]) == 1
    out, error = capsys.readouterr()
    assert "ohm" in out and "matplotlib is not installed" in error
    assert not os.listdir(tmp_path)


def test_the_command_runs_from_elsewhere_with_no_display(tmp_path: Path, drawn: None) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", "demos", "second_derivative"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "pictures" / "second_derivative.png").read_bytes().startswith(PNG)
    assert str(tmp_path / "pictures") in done.stdout
