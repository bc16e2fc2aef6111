"""The operations, each with its derivative rules: arithmetic, elementwise functions, reductions, shapes, indexing, matrices.

Start with arithmetic.py. `autograd/graph.py` says how a table of rules becomes an operation.
"""
