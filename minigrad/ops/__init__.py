"""The operations as torch calls them: by keyword, with `dim`, `keepdim`, `out`, and torch's error texts.

The derivative table is in rules/; statistics, choosing, rearranging, linear_algebra and neural have rarer rules beside their functions.
Start with calling.py.
"""
