"""`python -m minigrad SCRIPT`: runs a script as python does, with minigrad under torch's names."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "tests" / "scripts"


def python(*command, cwd, module=()):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, *module, *map(str, command)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def minigrad(*command, cwd):
    return python(*command, cwd=cwd, module=("-m", "minigrad"))


def written(folder, text, name="script.py"):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


PLAIN = {
    "its arguments, path and name": """
        import sys
        print(sys.argv, sys.path[0], __name__, __file__, __doc__, __builtins__ is not None)
        import __main__
        print(__main__.__file__, sys.modules["__main__"] is __main__, sorted(vars(__main__))[:3] != [])
        """,
    "its own modules": """
        import beside
        print(beside.word)
        """,
    "an error": """
        def inner(x):
            raise ValueError("wrong: %s" % x)

        try:
            inner(1)
        except ValueError as error:
            raise KeyError("worse") from error
        """,
    "an error in a library": """
        import json
        json.loads("{")
        """,
    "a recursion without end": """
        def f():
            f()
        f()
        """,
    "an exit status": "import sys; print('before'); sys.exit(7)",
    "an exit with a message": "import sys; sys.exit('a message')",
    "an exit of zero": "raise SystemExit",
    "an interrupt": "raise KeyboardInterrupt",
    "bad syntax": "x = (\ny = 1",
    "a bad encoding": "x = '\N{LATIN SMALL LETTER E WITH ACUTE}'  # text",
    "a hook of its own": """
        import sys
        sys.excepthook = lambda kind, error, trace: print("caught", kind.__name__, error)
        1 / 0
        """,
    "a data class and a thread": """
        import dataclasses, threading
        @dataclasses.dataclass
        class Point:
            x: int = 1
        thread = threading.Thread(target=lambda: print(Point()))
        thread.start()
        thread.join()
        """,
    "annotations": "def f(x: 1 + 1): pass\nprint(f.__annotations__)",
    "something at the end": "import atexit\natexit.register(print, 'end')\nprint('start')",
}


@pytest.mark.parametrize("what", PLAIN)
def test_a_script_meets_what_it_meets_under_python(what, tmp_path):
    written(tmp_path, "word = 'beside'", "folder/beside.py")
    written(tmp_path, PLAIN[what], "folder/script.py")
    ours, pythons = (run("folder/script.py", "one", "-2", cwd=tmp_path) for run in (minigrad, python))
    deep = r"repeated \d+ more times"  # the runner stands on the stack too
    assert [re.sub(deep, "", str(part)) for part in ours] == [re.sub(deep, "", str(part)) for part in pythons]


def test_every_way_to_import_torch_gives_minigrad(tmp_path):
    script = written(
        tmp_path,
        """
        import torch
        import torch as t
        from torch import nn, optim
        import torch.nn as N
        import torch.nn.functional as F
        import torch.nn.init as init
        import torch.optim.lr_scheduler as schedulers
        from torch.optim.lr_scheduler import StepLR
        import torch.utils.data as data
        from torch.utils.data import DataLoader, TensorDataset
        import torch.autograd
        from torch.autograd import Function, Variable, gradcheck
        import minigrad, sys
        assert t is torch is minigrad is sys.modules["torch"]
        assert N is nn is torch.nn is minigrad.nn and F is nn.functional and init is nn.init
        assert optim is torch.optim and schedulers.StepLR is StepLR and data.DataLoader is DataLoader
        assert gradcheck is torch.autograd.gradcheck and callable(gradcheck) and issubclass(Function, object)
        loader = DataLoader(TensorDataset(torch.arange(4.0)), batch_size=2)
        print(torch.manual_seed(0) and torch.randn(2), F.relu(torch.tensor([-1.0])), len(loader))
        """,
    )
    assert minigrad(script, cwd=tmp_path) == (0, "tensor([ 1.5410, -0.2934]) tensor([0.]) 2\n", "")


def test_a_script_that_profiles_a_block_runs_and_is_told_what_times_it(tmp_path):
    script = written(
        tmp_path,
        """
        import torch
        with torch.autograd.profiler.profile(use_cuda=False) as prof:
            y = torch.ones(2).exp()
        print(prof)
        print(prof.key_averages().table(sort_by="self_cpu_time_total"))
        """,
    )
    told = "minigrad has no profiler: `python -m cProfile -s tottime -m minigrad script.py` times every function\n"
    assert minigrad(script, cwd=tmp_path) == (0, 2 * told, "")


REASON = "(it offers the part of torch that first lessons use; see README, 'What is not here')"


@pytest.mark.parametrize(
    "line, error, name",
    [
        ("torch.fft", "AttributeError", "torch.fft"),
        ("torch.fft.fft(torch.ones(2))", "AttributeError", "torch.fft"),
        ("torch.nn.Conv2d(1, 1, 3)", "AttributeError", "torch.nn.Conv2d"),
        ("torch.nn.functional.conv2d", "AttributeError", "torch.nn.functional.conv2d"),
        ("torch.optim.lr_scheduler.CyclicLR", "AttributeError", "torch.optim.lr_scheduler.CyclicLR"),
        ("from torch import fft", "ModuleNotFoundError", "torch.fft"),
        ("from torch import nn, jit", "ModuleNotFoundError", "torch.jit"),
        ("from torch.nn import Conv2d", "ModuleNotFoundError", "torch.nn.Conv2d"),
        ("from torch.nn.functional import conv2d", "ModuleNotFoundError", "torch.nn.functional.conv2d"),
        ("from torch.optim.lr_scheduler import CyclicLR", "ModuleNotFoundError", "torch.optim.lr_scheduler.CyclicLR"),
        ("import torch.fft", "ModuleNotFoundError", "torch.fft"),
        ("from torch.utils.tensorboard import SummaryWriter", "ModuleNotFoundError", "torch.utils.tensorboard"),
        ("import torchvision", "ModuleNotFoundError", "torchvision"),
        ("from torchvision import transforms", "ModuleNotFoundError", "torchvision"),
        ("from torchvision.datasets import MNIST", "ModuleNotFoundError", "torchvision"),
        ("import torchaudio", "ModuleNotFoundError", "torchaudio"),
    ],
)
def test_a_name_that_is_not_here_raises_at_its_use(line, error, name, tmp_path):
    script = written(tmp_path, f"import torch\nprint('on')\n{line}\n")
    status, printed, errors = minigrad(script, cwd=tmp_path)
    assert (status, printed) == (1, "on\n")
    assert errors.splitlines()[-1] == f"{error}: minigrad has no {name} {REASON}"
    assert errors.splitlines()[1:3] == [f'  File "{script}", line 3, in <module>', f"    {line}"]
    assert "__main__.py" not in errors and "runpy" not in errors


def test_a_script_can_ask_what_is_here(tmp_path):
    script = written(
        tmp_path,
        """
        import torch
        print(hasattr(torch, "fft"), hasattr(torch, "tensor"), getattr(torch, "compile", None))
        try:
            import torchvision
        except ImportError:
            print("none")
        """,
    )
    assert minigrad(script, cwd=tmp_path) == (0, "False True None\nnone\n", "")


def test_a_traceback_starts_at_the_scripts_own_line(tmp_path):
    script = written(tmp_path, "import torch\n\ndef f(x):\n    return x @ torch.ones(5)\n\nf(torch.ones(3))\n")
    status, _, errors = minigrad(script, cwd=tmp_path)
    lines = [line for line in errors.splitlines() if line.strip(" ~^")]  # without the marks that some Pythons put under a line
    assert status == 1 and lines[0] == "Traceback (most recent call last):"
    assert lines[1:3] == [f'  File "{script}", line 6, in <module>', "    f(torch.ones(3))"]
    assert lines[3:5] == [f'  File "{script}", line 4, in f', "    return x @ torch.ones(5)"]
    assert lines[-1].startswith("RuntimeError: ")


@pytest.mark.parametrize(
    "command, status", [((), 2), (("-h",), 0), (("--fast",), 2), (("nowhere.py",), 2), ((".",), 2)]
)
def test_wrong_usage_is_told(command, status, tmp_path):
    returned, printed, errors = minigrad(*command, cwd=tmp_path)
    assert returned == status
    assert "Traceback" not in errors and ("usage" in printed + errors or f"can't open file '{command[0]}'" in errors)


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_the_scripts_run_to_their_end_without_torch(script, tmp_path):
    pytest.importorskip("matplotlib")
    status, printed, errors = minigrad(script, cwd=tmp_path)
    assert status == 0 and printed, errors


def test_a_seeded_training_prints_torchs_losses_to_4_decimals(tmp_path):
    script = SCRIPTS / "mlp_dropout_loader.py"
    recorded = Path(__file__).with_name("data").joinpath("mlp_dropout_loader.txt").read_text()
    assert minigrad(script, cwd=tmp_path) == (0, recorded, "")
