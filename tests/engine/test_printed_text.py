"""Printing without torch: recorded texts, format specs, and options."""

import hashlib
import json
from pathlib import Path

import pytest

import minigrad as torch

RECORDED = json.loads(Path(__file__).with_name("data").joinpath("printing.json").read_text())


@pytest.fixture(autouse=True)
def default_options():
    torch.set_printoptions(profile="default")
    yield
    torch.set_printoptions(profile="default")


@pytest.mark.parametrize("options, call, text", RECORDED)
def test_texts_are_those_that_torch_printed(options, call, text):
    torch.set_printoptions(**options)
    drawn = eval(call, {"torch": torch})
    assert str(drawn) == repr(drawn)
    assert text in (str(drawn), hashlib.sha256(str(drawn).encode()).hexdigest())


def test_format_specs_work_for_0_d_tensors_only():
    x = torch.tensor(2.5, requires_grad=True)
    assert f"{x:.3f} {x * 2:5.1f}|{torch.tensor(3):>4}|{torch.tensor(True)}" == "2.500   5.0|   3|True"
    assert f"{x * 2}" == "5.0" and "%s" % (x * 2) == "tensor(5., grad_fn=<MulBackward0>)"
    assert f"{torch.ones(2)}" == "tensor([1., 1.])"
    assert f"{torch.nn.Parameter(torch.tensor(1.5))}" == "Parameter containing:\ntensor(1.5000, requires_grad=True)"
    with pytest.raises(TypeError, match="unsupported format string passed to Tensor.__format__"):
        f"{torch.ones(2):.2f}"


def test_another_default_dtype_moves_the_note():
    torch.set_default_dtype(torch.float64)
    try:
        assert str(torch.tensor([1.5])) == "tensor([1.5000], dtype=torch.float64)".replace(", dtype=torch.float64", "")
        assert str(torch.tensor([1.5], dtype=torch.float32)) == "tensor([1.5000], dtype=torch.float32)"
    finally:
        torch.set_default_dtype(torch.float32)


def test_an_unknown_profile_is_refused():
    with pytest.raises(ValueError, match="default, short, full"):
        torch.set_printoptions(profile="wide")


def test_printing_does_not_touch_the_tensor():
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    version = y._version
    assert str(y) == "tensor([2., 2., 2.], grad_fn=<MulBackward0>)"
    assert y._version == version and y.requires_grad
