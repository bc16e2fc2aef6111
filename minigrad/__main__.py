"""`python -m minigrad SCRIPT [ARGS...]` runs a torch script, unedited, on minigrad.

`stand_in()` puts minigrad's modules under torch's names, so that the script's `import torch` finds them; `run()` then runs
the file the way `python SCRIPT ARGS...` would. A name that minigrad does not have raises where it is used, and says so.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import io
import os
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

USAGE = """usage: python -m minigrad SCRIPT [ARGS...]

Run a torch script on minigrad: `import torch`, `torch.nn`, `torch.optim`, ... in it mean minigrad's."""

# Packages that come with torch or are built on it.
FAMILY = {"torch", "torchvision", "torchaudio", "torchtext", "torchdata", "torchmetrics", "lightning", "pytorch_lightning"}


def missing(name: str) -> str:
    """What is said of a name of torch that minigrad lacks."""
    return f"minigrad has no {name} (it offers the part of torch that first lessons use; see README, 'What is not here')"


class MissingModules:
    """Answers, first of all finders, for the modules of torch's family that minigrad does not have."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        # `from torch import fft` asks for "minigrad.fft": the package's own name.
        package, _, rest = name.partition(".")
        if package in FAMILY:
            raise ModuleNotFoundError(missing(name))
        if package == "minigrad" and importlib.machinery.PathFinder.find_spec(name, path) is None:
            raise ModuleNotFoundError(missing(f"torch.{rest}"))


def stand_in() -> None:
    """Put minigrad's modules under torch's names in this process, for every import from now on."""
    for name in ("nn.functional", "nn.init", "optim.lr_scheduler", "autograd.functional", "utils.data"):
        importlib.import_module(f"minigrad.{name}")
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "minigrad":
            torch_name = "torch" + name.removeprefix("minigrad")
            sys.modules[torch_name] = module
            module.__dict__.setdefault("__path__", [])  # `from torch.optim.lr_scheduler import X` then asks MissingModules
            module.__dict__["__getattr__"] = _no_attribute(torch_name)
    sys.meta_path.insert(0, MissingModules())  # type: ignore[arg-type]


def _no_attribute(module: str) -> Callable[[str], Any]:
    def __getattr__(name: str) -> Any:
        raise AttributeError(missing(f"{module}.{name}"))

    return __getattr__


def run(script: str, args: Sequence[str]) -> dict[str, Any]:
    """Run the file as `python script *args` does: as `__main__`, with its folder first on the path. Returns its globals.

    OSError if it cannot be read; whatever the script raises.
    """
    with io.open_code(script) as file:
        source = file.read()
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=os.path.abspath(script), __builtins__=__builtins__)
    sys.modules["__main__"] = main
    sys.argv = [script, *args]
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    exec(compile(source, main.__dict__["__file__"], "exec"), main.__dict__)
    return main.__dict__


def _only_the_script(script: str) -> None:
    """Let tracebacks begin at the script's own lines."""
    report, path = sys.excepthook, os.path.abspath(script)

    def hook(kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
        inside = trace
        while inside is not None and inside.tb_frame.f_code.co_filename != path:
            inside = inside.tb_next
        report(kind, error.with_traceback(inside), inside)

    sys.excepthook = hook


def main(argv: Sequence[str]) -> int:
    if not argv or argv[0].startswith("-"):
        asked = list(argv) in (["-h"], ["--help"])
        print(USAGE, file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    script, *args = argv
    stand_in()
    _only_the_script(script)
    try:
        run(script, args)
    ...
    return 0
