"""python -m demos: trains the lessons on minigrad, prints what they find, and saves their pictures.

    python -m demos                     all twelve
    python -m demos NAME...             those named
    --list                              the names, and what each is about
    --out DIR                           where the pictures go (default: pictures)
    --show                              also open the pictures in windows
    --seed N                            another seed for all random draws (default: each lesson's own)

Exit: 0 done; 1 no pictures, since matplotlib is missing; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import demos
from demos.style import Figure


def subject(lesson: ModuleType) -> str:
    """The first line of the lesson's docstring, without its full stop."""
    return (lesson.__doc__ or "").partition("\n")[0].rstrip(".")


def save(figure: Figure, path: Path) -> None:
    """Writes the PNG whole or not at all: into a file beside it that then takes its name."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".png")
    try:
        with os.fdopen(handle, "wb") as file:
            figure.savefig(file, format="png", dpi=150)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def pictures(name: str, lesson: ModuleType, history: demos.History) -> dict[str, Figure]:
    """File name -> Figure, of each function of the lesson that is called picture or picture_SOMETHING."""
    draw = {key: value for key, value in vars(lesson).items() if key == "picture" or key.startswith("picture_")}
    return {f"{name}{key.removeprefix('picture')}.png": function(history) for key, function in draw.items()}


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demos", description="Train the first lessons on minigrad.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="lessons to run (default: all)")
    parser.add_argument("--list", action="store_true", help="list the lessons and exit")
    parser.add_argument("--out", type=Path, default=Path("pictures"), metavar="DIR", help="where the pictures go")
    parser.add_argument("--show", action="store_true", help="also open the pictures in windows")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of all random draws (default: each lesson's own)")
    given = parser.parse_args(argv)
    for name in given.names:
        try:
            demos.load(name)
        except ValueError as error:
            parser.error("\n" + textwrap.fill(str(error), 80))
    if not given.list:
        try:
            given.out.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=given.out).close()
        except OSError as error:
            parser.error(f"no pictures can be written to {given.out}: {error.strerror}")
    return given


def main(argv: list[str] | None = None) -> int:
    given = arguments(argv)
    names = given.names or demos.LESSONS
    if given.list:
        width = max(map(len, names))
        for name in names:
            print(f"{name:{width}}  {subject(demos.load(name))}")
        return 0

    import minigrad

    plt: Any = None
    try:
        import matplotlib

        if not given.show:
            matplotlib.use("Agg")  # draws without a display
        plt = importlib.import_module("matplotlib.pyplot")
    except ModuleNotFoundError:
        pass

    saved = []
    for name in names:
        lesson = demos.load(name)
        title = f"{name}: {subject(lesson)}"
        history = demos.run(name, minigrad, seed=given.seed)
        print(title, "-" * len(title), *lesson.report(history), "", sep="\n", flush=True)
        if plt is None:
            continue
        for file, figure in pictures(name, lesson, history).items():
            save(figure, given.out / file)
            saved.append(file)
            if not given.show:
                plt.close(figure)
    if plt is None:
        print("No pictures: matplotlib is not installed (python -m pip install matplotlib).", file=sys.stderr)
        return 1
    print(f"Pictures in {given.out.resolve()}:", *saved, sep="\n  ")
    if given.show:
        plt.show()
    return 0


if __name__ == "__main__":
    sys.exit(main())
