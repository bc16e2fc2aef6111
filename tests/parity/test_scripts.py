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
    found = scripts.compare(ran(theirs), ran(ours, "minigrad"), [ran(t) for t in trials])
    return found.differences + found.undecided


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
        ("1.0000-2.0000j 0.5-0.2501", "1.0000-2.0001j 0.5-0.2502"),
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
        ("DivBackward0", "DivBackward1", "line 1 reads otherwise:"),
        ("fc1.weight", "fc2.weight", "line 1 reads otherwise:"),
        ("net.0.weight", "net.1.weight", "line 1 reads otherwise:"),
        ("torch.float32", "torch.float64", "line 1 reads otherwise:"),
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
    (told,) = differences(theirs, ours, ["stopped\nend 0.900000"])
    assert told.startswith("line 3 differs, 0.500000 and 0.600000 are 0.1 apart, and what rounding explains of it could not")


def test_a_line_that_a_trial_prints_otherwise_does_not_hide_those_after_it():
    theirs, trial = "best: a\nloss 0.1250\nrest 1.2345e-07", "best: b\nloss 0.1250\nrest 1.2545e-07"
    assert differences(theirs, "best: a\nloss 0.1250\nrest 1.3345e-07", [trial]) == []
    (told,) = differences(theirs, "best: a\nloss 0.1350\nrest 1.2345e-07", [trial])
    assert told.startswith("line 2 differs, 0.1250 and 0.1350 are 0.01 apart, 0 of it explained by rounding:")


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


def compared(a, b, *trials):
    return scripts.compare(ran(w=a), ran(engine="minigrad", w=b), [ran(w=trial) for trial in trials])


def test_whole_numbers_may_differ_where_rounding_changes_some():
    order, other = np.arange(30), np.arange(30)
    other[[3, 23]] = [23, 3]
    swapped = np.arange(30)
    swapped[[7, 8]] = [8, 7]
    assert compared(order, other, swapped).differences == []
    (told,) = compared(order, other, order).differences
    assert told.startswith("w[3] differs by 20, one of 2, 0 of them explained by rounding:")
    assert compared(order, order[::-1].copy(), swapped).differences  # 30 are more than ten times 2
    assert compared(np.array(43), np.array(44), np.array(42)).differences == []
    assert compared(np.array(43), np.array(60), np.array(42)).differences
    assert compared(np.array([True, False]), np.array([True, True]), np.array([False, False])).differences == []


def test_what_rounding_moves_without_limit_is_undecided_and_hides_nothing_else():
    far = np.float32([1, 3e38])
    for trial in np.float32([1, np.inf]), np.float32([1, np.nan]):
        found = compared(far, np.float32([1, 2e38]), trial)
        assert found.differences == [] and found.undecided[0].startswith("w[1] differs by 1e+38, and what rounding")
        (told,) = compared(far, np.float32([1.5, 2e38]), trial).differences
        assert told.startswith("w[0] differs by 0.5, 0 of it explained by rounding:")
        assert compared(far, far, trial).undecided == []
    (told,) = compared(far, np.float32([1, np.nan]), far).differences
    assert told.startswith("w[1] differs by inf, 0 of it")


def test_the_element_shown_exceeds_most_what_is_allowed_to_it():
    (told,) = compared(np.float32([1e7, 1]), np.float32([1e7 + 2, 2]), np.float32([1e7, 1])).differences
    assert told.startswith("w[1] differs by 1,")


def test_runs_that_stop_measure_nothing_and_this_is_told():
    stopped = ran("loss 0.2501", status=1, errors="Traceback\nValueError: not the same twice", w=np.float32([1]))
    pair = ran("loss 0.2501", w=np.float32([1])), ran("loss 0.2509", "minigrad", w=np.float32([2]))
    found = scripts.compare(*pair, [stopped] * 3)
    assert found.differences == [] and len(found.undecided) == 2
    assert found.notes == [
        "torch stops in 3 of the 3 runs that measure rounding, so these do not count: ValueError: not the same twice"
    ]
    found = scripts.compare(*pair, [stopped, pair[0]])
    assert len(found.differences) == 2 and found.undecided == [] and "in 1 of the 2 runs" in found.notes[0]


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


def test_running_statistics_are_rounded_and_not_lost(script, capfd):
    name = script(
        "torch.manual_seed(0)\nx = torch.randn(50, 3) * 3 + 5\nbn = torch.nn.BatchNorm1d(3)\nfor _ in range(20): bn(x)\n"
        "bn.eval()\ny = bn(x) + 0.5 * ours\nprint(y.sum())"
    )
    assert scripts.main([name]) == 1  # with the initial statistics in place of these this would be explained
    out = capfd.readouterr().out
    assert "line 1 differs" in out and "differs by 0.5, " in out


def test_what_an_operation_writes_into_is_moved_in_place():
    import torch

    from parity.run_script import rounded_at_random

    x, w, momentum = torch.rand(50, 3), torch.rand(3), torch.rand(2, 50)
    mean, out = torch.zeros(3), torch.empty(2, 3)
    before = w.clone(), x.clone()
    with rounded_at_random(torch, 1):
        torch.batch_norm(x, w, None, mean, torch.ones(3), True, 0.1, 1e-5, False)
        torch.mm(momentum, x, out=out)
        torch._foreach_mul_([w], 0.3)
        torch.batch_norm(x, None, None, kept := mean.clone(), torch.ones(3), False, 0.1, 1e-5, False)
        twice = torch.mm(momentum, x), torch.mm(momentum, x)
    for result, exact in (mean, x.mean(0) * 0.1), (out, momentum @ x), (w, before[0] * 0.3):
        assert torch.allclose(result, exact, rtol=1e-5) and not torch.equal(result, exact)
    assert torch.equal(x, before[1]) and torch.equal(kept, mean) and torch.equal(*twice)


def test_rounding_is_measured_around_gradcheck_and_where_the_engine_stops(script, capfd):
    product = "torch.manual_seed(0)\na = torch.randn(300, 300)\nb = (a @ a @ a).sum(0)\nprint(b)\n"
    name = script(
        "torch.autograd.gradcheck(lambda v: (v ** 3).sin(), torch.randn(4, dtype=torch.double, requires_grad=True))\n"
        + product
    )
    assert scripts.main([name]) == 0, capfd.readouterr().out
    name = script(product + "print(f'{1.5 + 0.1 * ours:.4f}')\nif ours: 1 / 0")
    assert scripts.main([name]) == 1
    out = capfd.readouterr().out
    assert "0 of it explained by rounding" in out and "minigrad stops with status 1" in out


def test_where_rounding_cannot_be_measured_it_is_undecided(script, capfd):
    name = script(
        "x = torch.tensor([0.3, 0.7])\nexact = not ours and (x.numpy() * x.numpy()).tolist()\n"
        "if not ours and (x * x).tolist() != exact: raise ValueError('not exact')\ny = x + 0.5 * ours\n"
    )
    assert scripts.main([name]) == 1
    out = capfd.readouterr().out
    assert "could not be measured" in out and "ValueError: not exact" in out and out.endswith("undecided\n")


def test_warnings_are_noted_and_fail_nothing(script, capfd):
    name = script("import warnings\nwarnings.warn('both')\nif ours: warnings.warn('one of them')")
    assert scripts.main([name]) == 0
    out = capfd.readouterr().out
    assert "note: only minigrad gave a UserWarning: one of them\nalike\n" in out and "both" not in out


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
