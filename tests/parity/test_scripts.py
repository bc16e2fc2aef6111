"""`parity script`: what is alike, what is different, how it is told, and the exit status."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from parity import scripts

SCRIPTS = sorted((Path(__file__).parents[1] / "scripts").glob("*.py"))
OURS = "import torch\nours = torch.__name__ == 'minigrad'\n"


@pytest.fixture
def script(tmp_path, monkeypatch):
    def write(text):
        monkeypatch.chdir(tmp_path)
        Path("script.py").write_text(OURS + text, encoding="utf-8")
        return "script.py"

    return write


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_the_scripts_are_alike(path, tmp_path, monkeypatch, capfd):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)  # for what a script saves
    status = scripts.main([str(path)])
    out = capfd.readouterr().out
    assert status == 0 and out.endswith("alike\n"), out


# ---- the comparison itself


def ran(printed="", engine="torch", status=0, errors="", **tensors):
    return scripts.Run(
        engine, status, printed, errors, {name.replace("__", "."): np.asarray(a) for name, a in tensors.items()}
    )


def differences(theirs, ours, trials=()):
    return scripts.compare(ran(theirs), ran(ours, "minigrad"), [ran(t) for t in trials]).differences


@pytest.mark.parametrize(
    "theirs, ours",
    [
        ("", ""),
        ("loss 0.25\n", "loss 0.25\n"),
        ("loss 0.2501", "loss 0.2502"),  # one unit of the last digit
        ("tensor([1., 2.])", "tensor([1.0000, 2.0000])"),
        ("tensor([ 9.9999, -1.0000])", "tensor([10.0000, -1.0000])"),  # a digit more moves the blanks
        ("loss 0.29727888107299805", "loss 0.29727891087532043"),  # a rounding of float32
        ("1.0000e-05", "1.0001e-05"),
        ("nan inf -inf", "nan inf -inf"),
        ("<object at 0x...>", "<object at 0x...>"),
    ],
)
def test_numbers_a_digit_or_a_rounding_apart_are_alike(theirs, ours):
    assert differences(theirs, ours) == []


@pytest.mark.parametrize(
    "theirs, ours, told",
    [
        ("a\nloss 0.2501", "a\nloss 0.2503", "line 2 differs, 0.2501 and 0.2503 are 0.0002 apart:"),
        ("loss 0.29727888107299805", "loss 0.29737888107299805", "line 1 differs"),
        ("step 3", "step 4", "line 1 differs, 3 and 4 are 1 apart:"),
        ("tensor([1., 2.])", "tensor([1., 3.])", "line 1 differs"),
        ("loss 0.5", "loss nan", "line 1 reads otherwise:"),
        ("MulBackward0", "DivBackward0", "line 1 reads otherwise:"),
        ("a\nb", "a", "line 2 reads otherwise:"),
        ("a", "a\nb", "line 2 reads otherwise:"),
        ("tensor([1.,  2.])", "tensor([1., 2.])", "line 1 has other blanks:"),
        ("loss 1e-20", "loss -1e-20", "line 1 differs"),
    ],
)
def test_other_numbers_and_other_text_are_told_with_both_lines(theirs, ours, told):
    (difference,) = differences(theirs, ours)
    first, *both = difference.splitlines()
    assert first.startswith(told)
    i = int(told.split()[1]) - 1
    lines = [text.splitlines()[i] if i < len(text.splitlines()) else "(no such line)" for text in (theirs, ours)]
    assert both == [f"  torch     {lines[0]}", f"  minigrad  {lines[1]}"]


def test_what_rounding_moved_in_the_trials_is_overlooked_and_no_more():
    theirs, trials = "rest 1.2345e-07\nloss 0.5", ["rest 1.2545e-07\nloss 0.5", "rest 1.2245e-07\nloss 0.5"]
    assert differences(theirs, "rest 1.3345e-07\nloss 0.5", trials) == []
    assert differences(theirs, "rest 1.6345e-07\nloss 0.5", trials) != []
    assert differences(theirs, "rest 1.2345e-07\nloss 0.7", trials) != []
    assert differences(theirs, "rest 1.3345e-07\nloss 0.5") != []
    assert differences("43 of 60 right", "44 of 60 right", ["42 of 60 right"]) == []  # one stood on the edge
    assert differences("43 of 60 right", "44 of 60 right", ["43 of 60 right"]) != []


def test_a_trial_that_took_another_way_explains_nothing_after_it():
    theirs, ours = "step 1\nloss 0.1250\nend 0.500000", "step 1\nloss 0.1250\nend 0.600000"
    assert differences(theirs, ours, ["stopped\nend 0.900000"]) != []


@pytest.mark.parametrize(
    "theirs, ours, alike",
    [
        ({"w": np.float32([1, 2])}, {"w": np.float32([1, 2])}, True),
        ({"w": np.float32([1, 2])}, {"w": np.nextafter(np.float32([1, 2]), np.float32(3))}, True),
        ({"w": np.float32([np.nan, np.inf])}, {"w": np.float32([np.nan, np.inf])}, True),
        ({"w": np.float32([1, 2])}, {"w": np.float32([1, 2.001])}, False),
        ({"w": np.float64([1, 2])}, {"w": np.float64([1, 2 + 1e-9])}, False),
        ({"w": np.float32([1, np.nan])}, {"w": np.float32([1, 2])}, False),
        ({"w": np.float32([np.inf])}, {"w": np.float32([-np.inf])}, False),
        ({"w": np.float32([0])}, {"w": np.float32([1e-30])}, False),
        ({"w": np.int64([1])}, {"w": np.int64([2])}, False),
        ({"w": np.array(True)}, {"w": np.array(False)}, False),
        ({"w": np.float32([1])}, {"w": np.float64([1])}, False),
        ({"w": np.float32([1])}, {"w": np.float32([[1]])}, False),
        ({"w": np.float32([1])}, {}, False),
        ({}, {"w": np.float32([1])}, False),
        ({"w": np.float32([1]), "w__grad": np.float32([1])}, {"w": np.float32([1])}, False),
    ],
)
def test_tensors_left_are_compared_with_shape_dtype_and_gradient(theirs, ours, alike):
    found = scripts.compare(ran(**theirs), ran(engine="minigrad", **ours))
    assert (found.differences == []) is alike
    assert alike or found.differences[0].startswith("w")


def test_a_tensor_may_differ_by_what_rounding_moved_in_it():
    trials = [ran(w=np.float32([1, 3e-7]))]
    assert (
        scripts.compare(ran(w=np.float32([1, 2e-7])), ran(engine="e", w=np.float32([1, 9e-7])), trials).differences
        == []
    )
    assert (
        scripts.compare(ran(w=np.float32([1, 2e-7])), ran(engine="e", w=np.float32([1, 2e-6])), trials).differences
        != []
    )


# ---- from end to end


def test_a_difference_is_shown_and_makes_the_status_1(script, capfd):
    name = script(
        "w = torch.ones(3, requires_grad=True)\n(w * (2.5 if ours else 2.0)).sum().backward()\n"
        "print('same', 1.0)\nprint(f'loss {0.5 + 0.01 * ours:.4f}')\nprint('never compared', ours)\n"
    )
    assert scripts.main([name, "--json", "ignored: belongs to the script"]) == 1
    out = capfd.readouterr().out
    assert "line 2 differs, 0.5000 and 0.5100 are 0.01 apart, 0 of it explained by rounding:" in out
    assert "\n  torch     loss 0.5000\n  minigrad  loss 0.5100\n" in out
    assert "w.grad[0] differs by 0.5" in out and out.endswith("different\n")


def test_rounding_is_measured_where_terms_cancel_and_explains_no_fault(script, capfd):
    cancels = (
        "torch.manual_seed(1)\na, b = torch.randn(300), torch.rand(300)\nb -= a * (a.dot(b) / a.dot(a))\n"
        "print((a.dot(b) + {}).item(), (a * b).sum())\n"
    )
    name = script(cancels.format("0"))
    assert scripts.main([name, "--quiet"]) == 0, capfd.readouterr().out
    name = script(cancels.format("(1e-4 if ours else 0)"))
    assert scripts.main([name, "--quiet"]) == 1


def test_scripts_without_seeds_are_given_them(script, capfd):
    name = script("import random, numpy\nprint(random.random(), numpy.random.rand(), torch.rand(2), hash('text'))")
    assert scripts.main([name]) == 0, capfd.readouterr().out


def test_arguments_and_directory_are_passed_on(script, tmp_path, capfd):
    name = script("import sys, os\nprint(sys.argv, os.getcwd(), __name__)\nassert sys.argv[1:] == ['--engine', 'x']")
    assert scripts.main([name, "--engine", "x"]) == 0, capfd.readouterr().out


def test_tensors_in_modules_and_containers_are_compared(script, capfd):
    name = script("net = torch.nn.Linear(2, 1)\nkept = {'a': [torch.zeros(2) + 0.5 * ours]}\n")
    assert scripts.main([name]) == 1
    out = capfd.readouterr().out
    assert "3 tensors left" in out and "kept['a'][0][0] differs by 0.5" in out


def test_a_script_that_fails_under_the_engine_alone_is_different(script, capfd):
    name = script("print('on')\nif ours:\n    raise KeyError('gone')\n")
    assert scripts.main([name]) == 1
    out = capfd.readouterr().out
    assert "minigrad stops with status 1:\nTraceback" in out and "KeyError: 'gone'" in out
    assert 'script.py", line 5' in out and "run_script.py" not in out


@pytest.mark.parametrize("text", ["1 / 0", "import sys; sys.exit(3)", "x = ("])
def test_a_script_that_fails_under_torch_makes_the_status_2(text, script, capfd):
    assert scripts.main([script(text)]) == 2
    assert "fails under torch itself, with status" in capfd.readouterr().err


@pytest.mark.parametrize("argv", [[], ["nowhere.py"], ["--engine", "no_such_engine", __file__], ["--colour", __file__]])
def test_wrong_usage_makes_the_status_2(argv, capfd):
    assert scripts.main(argv) == 2
    assert "parity script: " in capfd.readouterr().err


def test_torch_against_itself_is_the_same_to_the_last_digit_and_told_as_data(script, tmp_path, capfd):
    name = script("x = torch.rand(40, 30)\nprint((x @ x.t()).exp().sum().item(), torch.nn.Linear(3, 1))")
    assert scripts.main(["--engine", "torch", "--json", "found.json", name]) == 0, capfd.readouterr().out
    data = json.loads((tmp_path / "found.json").read_text())
    assert data["engine"] == "torch" and data["differences"] == [] and data["apart"] == 0 and data["tensors"] == 1
    assert scripts.main(["--engine", "torch", "--json", "no/such/folder.json", name]) == 2
