"""torch's answers to the cases of tests/engine/data/op_cases.py: recorded by running this file, and still torch's answers.

python tests/parity/test_ops_corners.py        records them anew in tests/engine/data/torch_says.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine" / "data"))
from op_cases import GROUPS, RECORDED, agree, ask

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_recorded_is_what_torch_says(group: str) -> None:
    recorded = json.loads(RECORDED.read_text())[group]
    assert list(recorded) == list(dict.fromkeys(GROUPS[group]))
    differ = {}
    for case, said in recorded.items():
        says = ask(torch, case)
        if said.get("warning", "").startswith("Creating a tensor from a list of numpy"):  # torch warns of it once a process
            says["warning"] = said["warning"]
        if not agree(says, said):
            differ[case] = says
    assert not differ


if __name__ == "__main__":
    answers = {group: {case: ask(torch, case) for case in cases} for group, cases in GROUPS.items()}
    lines = ",\n".join(
        f"{json.dumps(group)}: {{\n" + ",\n".join(f"{json.dumps(c)}: {json.dumps(a)}" for c, a in said.items()) + "\n}"
        for group, said in answers.items()
    )
    RECORDED.write_text("{" + lines + "}\n")
