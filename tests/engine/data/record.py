
"""Records what torch draws and prints, for the tests that run without torch: `python tests/engine/data/record.py`.

streams.json: {expression over `torch`: [[seed, values], ...]}; values are exact (floats as Python writes them), or,
for many, the SHA-256 of their bytes. printing.json: [[print options, expression, text], ...], a long text as its
SHA-256. mlp_dropout_loader.txt: what tests/scripts/mlp_dropout_loader.py prints.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

SEEDS = [0, 1, 42, 1234, 2017, -1, 2**32 + 5, 2**64 - 2**31]

# Each is evaluated right after manual_seed; the lists draw several times, so that leftovers show.
STREAMS = [
    "torch.rand(3)",
    "torch.rand(2, dtype=torch.float64)",
    "torch.randn(3)",
    "torch.randn(17)",
    "torch.randn(16, dtype=torch.float64)",
    "torch.randn(5, 3, dtype=torch.float64)",
    "torch.randn(100_003)",
    "torch.randn(10_001, dtype=torch.float64)",
    "[torch.randn(3), torch.rand(2), torch.randn(20), torch.randn(4), torch.randn(1, dtype=torch.float64)]",
    "torch.normal(2.0, 0.3, (4, 5))",
    "[torch.normal(torch.arange(5.0), 0.1), torch.normal(1.0, torch.arange(5.0)), torch.normal(torch.zeros(5), torch.ones(5))]",
    "torch.empty(40).uniform_(-0.3, 0.3)",
    "torch.empty(9, dtype=torch.float64).uniform_(-0.3, 0.7)",
    "torch.empty(4, 6).t().normal_(1, 2)",
    "torch.rand_like(torch.zeros(3, 4).t())",
    "torch.randn_like(torch.zeros(6, 4).t())",
    "torch.randint(0, 10, (8,))",
    "torch.randint(-(2**40), 2**50, (4,))",
    "torch.randint(0, 2**28, (4,))",
    "torch.get_rng_state()",
    "torch.empty(400).uniform_(1, 1 + 2**-22)",
    "torch.randperm(8)",
    "torch.randperm(60_000)",
    "torch.empty(8).bernoulli_(0.5)",
    "torch.bernoulli(torch.tensor([0.1, 0.9, 0.5, 0.5]))",
    "torch.multinomial(torch.tensor([0.1, 3.0, 1.0, 0.0]), 3)",
    "torch.multinomial(torch.tensor([[0.1, 3.0, 1.0], [1.0, 1.0, 1.0]]), 5, replacement=True)",
    "[torch.randn(3), torch.get_rng_state()]",
    "[torch.nn.Linear(3, 2).weight, torch.nn.Linear(3, 2).bias, torch.nn.Linear(4, 2, bias=False).weight]",
    "torch.nn.init.xavier_uniform_(torch.empty(4, 3), gain=5 / 3)",
    "torch.nn.init.xavier_normal_(torch.empty(4, 6))",
    "torch.nn.init.kaiming_uniform_(torch.empty(4, 3), nonlinearity='relu')",
    "torch.nn.init.kaiming_normal_(torch.empty(4, 6), mode='fan_out', a=0.2)",
    "torch.nn.init.trunc_normal_(torch.empty(40), 0.1, 1.3, -1.0, 1.5)",
    "torch.nn.functional.dropout(torch.ones(3, 8), 0.3)",
    "[batch for _ in range(2) for batch in torch.utils.data.DataLoader(range(7), 3, shuffle=True)]",
    "[torch.tensor(list(torch.utils.data.SubsetRandomSampler(range(9)))), torch.rand(1)]",
    "[torch.tensor(list(torch.utils.data.RandomSampler(range(9), replacement=True, num_samples=40))), torch.rand(1)]",
    "[torch.tensor(list(part)) for part in torch.utils.data.random_split(range(10), [0.55, 0.25, 0.2])]",
]

PRINTING = [
    f"torch.tensor({text})"
    for text in (
        "3.", "2.5", "7", "True", "-0.", "float('nan')", "1e-5", "1e9", "123456.789", "[1., 2., 3.]", "[1., 2.5, -3.]",
        "[1., float('nan'), float('inf'), -float('inf')]", "[1.5, float('nan'), float('inf'), 0.]", "[0., -0.]", "[0.001, 1.]",
        "[0.001, 1.001]", "[1e-5, 1.]", "[1e9, 1.]", "[1000., 1.]", "[1001., 1.]", "[99999.5, 100.]", "[1, -20, 300]",
        "[True, False]", "[]", "[], dtype=torch.int64", "[1.], dtype=torch.float64", "[1], dtype=torch.int32",
        "[1.], dtype=torch.float16", "[255, 0], dtype=torch.uint8", "[[1., 2.], [3., 4.]]", "[1.], requires_grad=True",
        "[9.9999e-5, 1.]", "[1e-4, 2e-4], dtype=torch.float64", "[1e8]", "[1.0001e8]", "[-1e-30, 0.]", "[1e38, 1e-38]", "[5e-324], dtype=torch.float64",
    )
] + [
    "torch.zeros(0, 3)", "torch.zeros(2, 0, dtype=torch.int32)", "torch.zeros(0, 2, dtype=torch.float64)",
    "torch.arange(30)", "torch.arange(30.) / 7", "torch.arange(1001)", "torch.arange(1000)", "torch.zeros(8).reshape(2, 2, 2)",
    "torch.arange(2000.).reshape(40, 50)", "torch.arange(5000).reshape(5, 10, 100)", "torch.ones(3, 1, 2, 2)",
    "torch.tensor([1.], requires_grad=True) * 2", "torch.tensor([[1., 2., 3., 4., 5., 6.]], requires_grad=True) / 3",
    "torch.ones(2000, requires_grad=True) * 2.5", "torch.ones(1, 9, dtype=torch.float64, requires_grad=True) * 1.5",
    "torch.nn.functional.binary_cross_entropy_with_logits(torch.zeros(5).requires_grad_(), torch.zeros(5), reduction='none')",
    "torch.nn.Parameter(torch.tensor([1., 2.]))", "[torch.tensor(1.), torch.tensor([2])]", "torch.zeros(2).shape",
    "torch.manual_seed(0) and torch.randn(7, 5)", "torch.manual_seed(0) and torch.randn(1200) * 1e5",
    "torch.manual_seed(0) and torch.rand(20, 8, dtype=torch.float64) / 1e6", "torch.manual_seed(0) and torch.randn(11, 101)",
    "torch.manual_seed(0) and torch.randint(-9, 2000, (5, 30))", "torch.manual_seed(0) and torch.rand(4, 40) > 0.5",
]  # fmt: skip
OPTIONS = [
    {"profile": "default"},
    {"precision": 2},
    {"precision": 8, "linewidth": 60},
    {"threshold": 5, "edgeitems": 1},
    {"threshold": 10, "edgeitems": 2, "sci_mode": True},
    {"sci_mode": False, "linewidth": 120},
    {"profile": "short"},
    {"profile": "full", "precision": 1},
]


def values(torch, drawn):
    """What a test compares: plain values, or a digest of many."""
    if isinstance(drawn, (list, tuple)):
        return [values(torch, x) for x in drawn]
    array = drawn.detach().numpy()
    about = f"{array.dtype}{list(array.shape)}"
    if array.size > 50:
        return [about, hashlib.sha256(array.tobytes()).hexdigest()]
    return [about, array.tolist()]


def text(drawn):
    long = len(str(drawn)) > 3000
    return hashlib.sha256(str(drawn).encode()).hexdigest() if long else str(drawn)


def main():
    import torch

    here = Path(__file__).parent
    streams = {
        call: [[seed, values(torch, torch.manual_seed(seed) and eval(call, {"torch": torch}))] for seed in SEEDS]
        for call in STREAMS
    }
    printed = []
    for options in OPTIONS:
        torch.set_printoptions(profile="default")
        torch.set_printoptions(**options)
        printed += [[options, call, text(eval(call, {"torch": torch}))] for call in PRINTING]
    (here / "streams.json").write_text(
        "{\n" + ",\n".join(f"{json.dumps(call)}: {json.dumps(drawn)}" for call, drawn in streams.items()) + "\n}\n"
    )
    (here / "printing.json").write_text("[\n" + ",\n".join(map(json.dumps, printed)) + "\n]\n")
    script = here.parents[1] / "scripts" / "mlp_dropout_loader.py"
    printed = subprocess.run([sys.executable, script], capture_output=True, check=True).stdout
    (here / "mlp_dropout_loader.txt").write_bytes(printed)


if __name__ == "__main__":
    main()
