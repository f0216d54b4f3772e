"""The benchmark of the benchmark: what commbench claims, held against truths that are known because we made them.

Every test plants something (a distribution, a late rank, a stall, a clock's error), measures it with the code that
measures real runs, and adds a row to the truth table: the claim, the truth, what was measured, and whether that is
good enough. `P7` names a pitfall of the design's section 4, `A2` the second item of its section 5, so both can be
searched for. No network, no GPU and no real clock is involved: ranks are arrays of stamps. What needs real ranks is
in tests/ranks and tests/gpu.

COMMBENCH_TRUTH_TABLE=path pytest tests/truth writes the table, in markdown.
"""
