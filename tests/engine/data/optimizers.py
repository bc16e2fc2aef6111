"""Optimizers with their options, and where torch's end after 20 steps on drawn gradients: `python .../optimizers.py` records
it in optimizers.json, {optimizer and options: [parameter, ...]}."""

import itertools
import json
from pathlib import Path

import numpy as np

STEPS = 20


def options(**choices):
    """All combinations of the choices, as dicts."""
    return [dict(zip(choices, values)) for values in itertools.product(*choices.values())]


OPTIMIZERS = {
    "SGD": [
        o
        for o in options(
            lr=[0.1], momentum=[0, 0.9], dampening=[0, 0.1], weight_decay=[0, 0.01], nesterov=[False, True],
            maximize=[False, True],
        )
        if not o["nesterov"] or (o["momentum"] and not o["dampening"])
    ],
    "Adam": options(
        lr=[0.01], betas=[(0.9, 0.999), (0.5, 0.9)], weight_decay=[0, 0.1], amsgrad=[False, True], maximize=[False, True]
    )
    + [{"eps": 1e-3}, {"decoupled_weight_decay": True, "weight_decay": 0.1}, {}],
    "AdamW": options(lr=[0.01], weight_decay=[0.01, 0.1], amsgrad=[False, True], maximize=[False, True]) + [{}],
    "RMSprop": options(lr=[0.01], alpha=[0.99, 0.9], weight_decay=[0, 0.1], momentum=[0, 0.9], centered=[False, True])
    + [{"maximize": True}, {"eps": 1e-3}, {}],
    "Adagrad": options(lr=[0.01], lr_decay=[0, 0.1], weight_decay=[0, 0.1], initial_accumulator_value=[0, 0.5])
    + [{"maximize": True}, {"eps": 1e-3}, {}],
    "Adadelta": options(lr=[1.0, 0.1], rho=[0.9, 0.5], weight_decay=[0, 0.1], maximize=[False, True])
    + [{"eps": 1e-3}, {}],
}  # fmt: skip
CASES = [(name, option) for name, all_options in OPTIMIZERS.items() for option in all_options]


def shown(case):
    return f"{case[0]}(" + ", ".join(f"{k}={v}" for k, v in case[1].items()) + ")"


def run(torch, name, option, steps=STEPS):
    """Parameters of four shapes, the last over what SGD fuses, after some steps on gradients drawn from a normal distribution, as lists."""
    rng = np.random.default_rng(7)

    def drawn(shape):
        return torch.tensor(np.asarray(rng.standard_normal(shape), np.float32))

    parameters = [torch.nn.Parameter(drawn(shape)) for shape in ((2, 3), (3,), (), (9, 8))]
    optimizer = getattr(torch.optim, name)(parameters, **option)
    for _ in range(steps):
        for p in parameters:
            p.grad = drawn(tuple(p.shape))
        optimizer.step()
    return [p.tolist() for p in parameters]


if __name__ == "__main__":
    import torch

    recorded = {shown(case): run(torch, *case) for case in CASES}
    lines = [f"{json.dumps(name)}: {json.dumps(values)}" for name, values in recorded.items()]
    Path(__file__).with_suffix(".json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
