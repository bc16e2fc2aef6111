"""`--device`: everything but the device's name, on the processor."""

import numpy as np
import pytest
import torch

from parity import calls, checks, report, training
from parity.device import OnDevice
from parity.engines import load
from parity.verdicts import Finding, Verdict


class Watched(OnDevice):
    """Gathers what was called."""

    def __init__(self):
        super().__init__("cpu:0")
        self.called = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.called.append(getattr(func, "__name__", ""))
        return super().__torch_function__(func, types, args, kwargs)


def programs():
    torch.manual_seed(3)
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Dropout(0.5), torch.nn.Linear(3, 2))
    torch.nn.init.xavier_normal_(net[0].weight)
    x = torch.randn(5, 4, requires_grad=True)
    y = net(torch.nn.functional.dropout(x, 0.2))
    (y * torch.rand_like(y)).sum().backward()
    batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.arange(6.0)), 2, shuffle=True)
    return [x.grad, *(p.grad for p in net.parameters()), torch.bernoulli(torch.full((4,), 0.5)), torch.randperm(7),
            torch.empty(3).normal_(), *(batch for (batch,) in batches)]  # fmt: skip


def test_what_is_drawn_on_a_device_is_the_processors_stream():
    expected = programs()
    with Watched() as mode:
        drawn = programs()
    for a, b in zip(expected, drawn, strict=True):
        assert torch.equal(a, b)
    assert {"randn", "dropout", "randperm", "normal_", "bernoulli", "empty"} <= set(mode.called)


@pytest.fixture
def elsewhere(monkeypatch):
    """torch on a device that is the processor by another name."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda *args, **kwargs: None)
    engine = load("torch", "cpu:0")
    yield engine
    engine.mode.__exit__(None, None, None)


def test_an_engine_on_a_device_is_checked_in_the_same_way(elsewhere):
    ours = load("minigrad")
    for row in (
        *checks.check_ops(ours, elsewhere, ["exp", "gather", "where", "matmul"], cases=3),
        *training.check_training(ours, elsewhere, ["notebook_line", "SGD", "StepLR"], "float32"),
        calls.check_calls(ours, elsewhere, 30),
    ):
        assert row.cases and not row.failures, (row.name, row.failures)
    with elsewhere.on_the_processor() as plain:
        assert plain.device == "cpu" and torch.overrides._get_current_function_mode() is None
    assert torch.overrides._get_current_function_mode() is elsewhere.mode


def test_what_torch_refuses_on_its_device_alone_is_a_fault_of_torch(elsewhere, monkeypatch):
    exp = torch.exp

    def refuse(g):
        raise IndexError("not on this device")

    def refused(x):
        y = exp(x)
        if y.requires_grad:
            y.register_hook(refuse)
        return y

    class Refusing(OnDevice):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return super().__torch_function__(refused if func is exp else func, types, args, kwargs)

    elsewhere.mode.__exit__(None, None, None)
    monkeypatch.setattr(elsewhere, "mode", Refusing("cpu:0"))
    elsewhere.mode.__enter__()
    (row,) = checks.check_ops(load("minigrad"), elsewhere, ["exp"], cases=1)
    assert not row.failures and row.findings
    assert "torch on cpu:0 is not as on the processor: only torch raises" in row.findings[0].finding.sentence
    monkeypatch.setattr(torch, "exp", refused)
    (row,) = checks.check_ops(load("minigrad"), elsewhere, ["exp"], cases=1)
    assert row.failures[0].finding.verdict is Verdict.ONE_ERROR


def test_the_script_of_a_difference_goes_to_the_device_and_the_data_has_its_command():
    row = checks.Row("ops", "exp")
    row.failures.append(
        checks.Failure(
            None,
            Finding("value", Verdict.OURS_WORSE, "off"),
            "0",
            script="import sys\ntorch = importlib.import_module(sys.argv[1])\nx",
        )
    )
    options = "--device cuda"
    assert (
        report.script_of(row.failures[0], "toy", options).split("\n")[2]
        == "if torch.__name__ == 'torch': torch.set_default_device('cuda')"
    )
    assert "set_default_device" not in report.script_of(row.failures[0], "toy")
    data = report.as_data({"ops": [row]}, "toy", "torch", {}, options)
    command = data["sections"]["ops"][0]["failures"][0]["command"]
    assert command == "python -m parity ops exp --device cuda" and command in report.page(data)


def test_a_factory_is_told_the_device_unless_the_program_names_one():
    told = {}

    class Meta(OnDevice):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            out = super().__torch_function__(func, types, args, kwargs)
            told[getattr(func, "__name__", "")] = getattr(out, "device", None)
            return out

    with Meta("meta"):
        torch.tensor([1.0]), torch.zeros(2), torch.arange(3), torch.rand(2), torch.as_tensor(1.0), torch.eye(2)
        assert torch.zeros(2, device="cpu").device.type == torch.rand(2, device="cpu").device.type == "cpu"
        torch.nn.Linear(2, 2)
        assert torch.from_numpy(np.ones(2)).device.type == "meta"
        torch.zeros(2), torch.rand(2)
        names = {"tensor", "zeros", "arange", "rand", "as_tensor", "eye", "empty"}
        assert {told[name].type for name in names} == {"meta"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
def test_a_second_device_that_is_there():
    theirs = load("torch", "cuda")
    try:
        assert theirs.tensor(np.ones(2)).is_cuda and torch.randn(2).is_cuda
    finally:
        theirs.mode.__exit__(None, None, None)


def test_the_measured_bound_is_measured_on_a_device_too(elsewhere, monkeypatch):
    """Sums in another order are rounding, and the nudged runs that tell so are there."""
    run, x, y = training.free_run("SGD", {"lr": 0.05}), training.X, training.Y

    def trained(rows=slice(None)):
        monkeypatch.setattr(training, "X", x[rows])
        monkeypatch.setattr(training, "Y", y[rows])
        return run(torch, "float64")

    plain, nudged = trained(), []
    for seed in range(training.NUDGED):
        with training.nudging(elsewhere, seed):
            nudged.append(trained())
    assert all((one.arrays["parameter 0"] != plain.arrays["parameter 0"]).any() for one in nudged)
    row = checks.Row("training", "SGD")
    training.compare(row, trained(np.arange(16)[::-1]), plain, None, nudged, "", ("ours", "theirs"))
    assert not row.failures and 0 < row.ratios[0] < 1
