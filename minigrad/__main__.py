"""`python -m minigrad SCRIPT [ARGS...]` runs a torch script, unedited, on minigrad.

`stand_in` puts minigrad's modules under torch's names, so that the script's `import torch` finds them; `run` then
runs the file the way `python SCRIPT ARGS...` would. A name that minigrad does not have raises where it is used, and
says so.
"""

from __future__ import annotations

import importlib
import io
import os
import pkgutil
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import PathFinder
from types import CodeType, ModuleType, TracebackType
from typing import Any

import minigrad

USAGE = """usage: python -m minigrad SCRIPT [ARGS...]

Run a torch script on minigrad: what it imports from torch is minigrad's."""

# torch, and what is built on it so closely that it cannot run without.
FAMILY = {"torch", "torchvision", "torchaudio", "torchtext", "torchdata", "torchmetrics", "pytorch_lightning"}

# Modules of torch whose content stands in another module of minigrad, and the classes that print as theirs.
ELSEWHERE = {
    "nn": {
        "parameter": "Parameter",
        "modules": "",
        "modules.module": "Module",
        "modules.linear": "Identity Linear LazyLinear",
        "modules.flatten": "Flatten",
        "modules.dropout": "Dropout",
        "modules.sparse": "Embedding",
        "modules.batchnorm": "BatchNorm1d",
        "modules.normalization": "LayerNorm",
        "modules.activation": "ELU GELU LeakyReLU LogSigmoid LogSoftmax ReLU SiLU Sigmoid Softmax Softplus Tanh",
        "modules.loss": "BCELoss BCEWithLogitsLoss CrossEntropyLoss HuberLoss L1Loss MSELoss NLLLoss SmoothL1Loss",
        "modules.container": "ModuleDict ModuleList ParameterDict ParameterList Sequential",
    },
    "nn.utils": {"clip_grad": ""},
    "optim": {
        "optimizer": "Optimizer",
        **{name.lower(): name for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta")},
    },
    "utils.data": {
        "dataset": "ConcatDataset Dataset IterableDataset Subset TensorDataset",
        "sampler": "BatchSampler RandomSampler Sampler SequentialSampler SubsetRandomSampler WeightedRandomSampler",
        "dataloader": "DataLoader",
    },
}


def stand_in() -> None:
    """From now on, an import of torch or of one of its modules in this process gives minigrad's."""
    sys.modules["torch"] = minigrad
    for found in pkgutil.walk_packages(minigrad.__path__, "minigrad."):
        if found.name != "minigrad.__main__":
            module = importlib.import_module(found.name)
            torch_name = found.name.replace("minigrad", "torch", 1)
            sys.modules[torch_name] = module
            module.__dict__.setdefault("__getattr__", _refuse_names_of(torch_name))
            module.__dict__.setdefault("__path__", [])  # so that `from torch.nn.functional import x` asks the finder
            for class_ in vars(module).values():
                if isinstance(class_, type) and class_.__module__ == found.name:
                    class_.__module__ = torch_name  # as which it prints
    for home, modules in ELSEWHERE.items():
        module = sys.modules[f"torch.{home}"]
        for name, classes in modules.items():
            torch_name = f"torch.{home}.{name}"
            sys.modules[torch_name] = module
            parent, _, last = torch_name.rpartition(".")
            vars(sys.modules[parent]).setdefault(last, module)
            for class_ in classes.split():
                getattr(module, class_).__module__ = torch_name
    for class_ in (minigrad.Tensor, minigrad.Size, minigrad.dtype, minigrad.device):
        class_.__module__ = "torch"
    sys.meta_path.insert(0, RefuseModules())


def _refuse_names_of(module: str) -> Callable[[str], Any]:
    def __getattr__(name: str) -> Any:
        raise AttributeError(minigrad._missing(f"{module}.{name}"))

    return __getattr__


class RefuseModules:
    """The first finder asked for a module: it refuses those of torch's family that minigrad does not have."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        package, _, rest = name.partition(".")
        if package == "minigrad" and PathFinder.find_spec(name, path) is None:  # what `from torch import fft` comes to
            raise ModuleNotFoundError(minigrad._missing(f"torch.{rest}"))
        if package in FAMILY:
            raise ModuleNotFoundError(minigrad._missing(name))


def load(script: str) -> CodeType:
    """The file, compiled. OSError if it cannot be read, SyntaxError if it is no Python."""
    with io.open_code(script) as file:
        return compile(file.read(), os.path.abspath(script), "exec", dont_inherit=True)


def run(code: CodeType, argv: Sequence[str]) -> None:
    """Run what `load` gave as `python argv[0] argv[1] ...` does: as `__main__`, its folder first on the path."""
    main = ModuleType("__main__")
    main.__file__ = code.co_filename
    sys.modules["__main__"], sys.argv = main, list(argv)
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(code.co_filename))
    exec(code, main.__dict__)


def hide_runner(*files: str) -> None:
    """Leave the lines of this file and of `files` out of the traceback of an error that nobody caught."""
    show = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        steps = []
        while trace is not None:
            steps.append(trace)
            trace = trace.tb_next
        for step in reversed(steps):
            if step.tb_frame.f_code.co_filename not in (__file__, "<frozen runpy>", *files):
                trace = TracebackType(trace, step.tb_frame, step.tb_lasti, step.tb_lineno)
        show(kind, error.with_traceback(trace), trace)

    sys.excepthook = hook


def main(argv: Sequence[str]) -> int:
    """The command. Returns the exit status: 0, or 2 if there is no script to run; what the script raises goes
    through."""
    if not argv or argv[0].startswith("-"):
        asked = list(argv) in (["-h"], ["--help"])
        print(USAGE, file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    hide_runner()
    try:
        code = load(argv[0])
    except OSError as error:
        reason = f"[Errno {error.errno}] {error.strerror}"
        print(f"python -m minigrad: can't open file '{argv[0]}': {reason}", file=sys.stderr)
        return 2
    stand_in()
    run(code, argv)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
