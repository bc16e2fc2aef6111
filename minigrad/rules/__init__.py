"""The derivative table: every operation with its rules, by kind. Start with arithmetic.py.

`autograd/graph.py` says how a rule becomes an operation; `ops/` has these operations under torch's names, with its arguments.
"""
