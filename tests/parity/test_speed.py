"""The stopwatch: it times only what agrees, says what it measured, and writes it whole."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from parity import speed
from parity.steps import ROWS, Row

SMALL = [name for name, row in ROWS.items() if not row.large]
NUMBERS = ("median_us", "fastest_us", "ratio", "fastest_ratio")


@pytest.mark.parametrize("name", [*SMALL, "adam_mlp", "mlp_784"])
def test_all_three_do_the_same_steps(name):
    error, where = speed.disagreement(ROWS[name], [speed.contender(who, ROWS[name]) for who in speed.CONTENDERS])
    assert error <= 1, where


@pytest.mark.parametrize(
    "name", ["polynomial", "minibatch_10", "tiny_network", "mlp_64", "rosenbrock", "chain_10", "adam_mlp"]
)
def test_a_step_with_a_slightly_wrong_gradient_is_caught(name, monkeypatch):
    row = ROWS[name]
    steps = [speed.contender(who, row) for who in speed.CONTENDERS]
    backward = torch.Tensor.backward

    def wrong(self, gradient=None):
        gradient = torch.ones_like(self) if gradient is None else gradient
        backward(self, gradient * 1.01)

    monkeypatch.setattr(torch.Tensor, "backward", wrong)
    if name == "adam_mlp":  # Adam divides the scale out of a gradient: only its sign and the ratios to others count
        monkeypatch.setattr(torch.Tensor, "backward", lambda self: backward(self, -torch.ones_like(self)))
    error, where = speed.disagreement(row, steps)
    assert error > 1 and where.startswith("torch")


def test_every_row_of_the_table_is_there():
    assert set(speed.NAMES) == set(
        "linreg_500 linreg_4000 linreg_1m minibatch_2 minibatch_10 polynomial tiny_network mlp_64 mlp_784 rosenbrock "
        "elementwise_1m elementwise_10m add mul chain_10 chain_1m adam_mlp dataloader_epoch import".split()
    )


def test_the_command_times_the_rows_asked_for_and_writes_them_whole(tmp_path, capsys):
    path = tmp_path / "speed.json"
    names = ["linreg_500", "add", "dataloader_epoch"]
    assert speed.main([*names, "--quick", "--threads", "1", "--json", str(path)]) == 0
    data = json.loads(path.read_text())
    assert [row["name"] for row in data["rows"]] == names
    for row in data["rows"]:
        assert row["agree"] and row["threads"] == 1 and row["rounds"] == speed.QUICK_ROUNDS and row["calls"] >= 1
        assert all(value > 0 for key in NUMBERS for value in row[key].values())
        assert row["fastest_us"]["minigrad"] <= row["median_us"]["minigrad"]
        assert row["ratio"]["torch"] < 20, "a step of minigrad takes 20 times as long as torch's"
        goals = [(row["ratio"][who], goal) for who, goal in row["goals"].items() if goal is not None]
        assert row["met"] is all(ratio <= goal for ratio, goal in goals)
    printed = capsys.readouterr().out
    assert all(name in printed for name in names) and "\x1b" not in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_an_engine_that_computes_something_else_is_not_timed(monkeypatch):
    def lesson(module, data):
        return lambda: (module.tensor(data["a"]) * (2 if module.__name__ == "minigrad" else 3),)

    row = Row(
        lesson, lambda data: lambda: (data["a"] * np.float32(3),), lambda: {"a": np.ones(4, np.float32)}, 1, (0.5, 3.0)
    )
    monkeypatch.setitem(ROWS, "add", row)
    found = speed.measure("add", 1, 1)
    assert not found["agree"] and found["where"].startswith("minigrad, step 1") and "median_us" not in found


def test_a_difference_is_exit_status_1_and_is_named(monkeypatch, capsys):
    answer = {"name": "add", "threads": 1, "agree": False, "error": 9.0, "where": "minigrad, step 1, result 0: off"}
    monkeypatch.setattr(speed, "ask", lambda threads, calls: iter([answer]))
    assert speed.main(["add", "--threads", "1"]) == 1
    printed = capsys.readouterr().out
    assert "differ" in printed and "minigrad, step 1, result 0" in printed


def test_an_engine_that_raises_is_a_difference(monkeypatch, capsys):
    monkeypatch.setattr(speed.sys, "stdin", SimpleNamespace(read=lambda: json.dumps([1, [["measure", "add", 1, 1]]])))
    monkeypatch.setattr(speed, "measure", lambda *arguments: 1 / 0)
    threads = torch.get_num_threads()
    speed.work()
    torch.set_num_threads(threads)
    answer = json.loads(capsys.readouterr().out)
    assert answer["agree"] is False and answer["where"].startswith("ZeroDivisionError")


@pytest.mark.skipif(not speed.MEMORY_IS_SEEN, reason="the peak of a process can't be reset on this system")
def test_memory_is_that_of_the_data_and_what_the_steps_add():
    (found,) = speed.ask(1, [("measure_memory", "elementwise_1m", "numpy")])
    arrays = 7 * 4 * 10**6  # x, y, g and four buffers of a million float32
    assert 0.9 * arrays < found["bytes"] < 1.5 * arrays


def test_a_chain_is_measured_by_the_op():
    (found,) = speed.ask(1, [("measure_chain", 1000, "minigrad")])
    assert found["ops"] == 1000 and found["forward_ns"] > 0 and found["backward_ns"] > 0
    if speed.MEMORY_IS_SEEN:
        assert 50 < found["bytes"] < 5000


def row_of(name, **more):
    return {
        "name": name,
        "threads": 1,
        "agree": True,
        **speed.summary([[1e-6, 2e-6, 1e-6]], 1, ROWS[name].goals),
        **more,
    }


def test_memory_and_chains_come_with_the_long_chain(monkeypatch, capsys, tmp_path):
    measured = speed.ask
    monkeypatch.setattr(speed, "CHAINS", (100, 1000))
    monkeypatch.setattr(
        speed,
        "ask",
        lambda threads, calls: (
            measured(threads, calls)
            if calls[0][0] == "measure_chain"
            else iter(
                [row_of("chain_1m")]
                if calls[0][0] == "measure"
                else [{**dict(zip(("name", "who"), calls[0][1:])), "bytes": 2**20}]
            )
        ),
    )
    path = tmp_path / "speed.json"
    assert speed.main(["chain_1m", "--threads", "1", "--json", str(path)]) == 0
    data = json.loads(path.read_text())
    assert [(chain["ops"], chain["who"]) for chain in data["chains"]] == [
        (n, who) for n in (100, 1000) for who in ("minigrad", "torch")
    ]
    assert all(chain["forward_ns"] > 0 and chain["backward_ns"] > 0 for chain in data["chains"])
    printed = capsys.readouterr().out
    assert "1000" in printed and max(map(len, printed.splitlines())) <= 80


def test_a_child_that_fails_to_measure_memory_is_reported(monkeypatch, capsys):
    failed = {"name": "linreg_1m", "agree": False, "where": "MemoryError: too large"}
    monkeypatch.setattr(speed, "MEMORY_IS_SEEN", True)
    monkeypatch.setattr(
        speed, "ask", lambda threads, calls: iter([row_of("linreg_1m") if calls[0][0] == "measure" else failed])
    )
    assert speed.main(["linreg_1m", "--threads", "1"]) == 1
    assert "MemoryError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "words"), [(["nonsense"], "no row named nonsense"), (["add", "--json", "/no/such/x.json"], "cannot write")]
)
def test_what_cannot_be_done_is_exit_status_2(argv, words, monkeypatch, capsys):
    monkeypatch.setattr(
        speed, "ask", lambda threads, calls: iter([{"name": "add", "agree": False, "where": ""}] * len(calls))
    )
    assert speed.main(argv) == 2
    assert words in capsys.readouterr().err


def test_no_rounds_at_all_are_refused():
    with pytest.raises(SystemExit) as status:
        speed.main(["add", "--rounds", "0"])
    assert status.value.code == 2
