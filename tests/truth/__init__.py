"""The benchmark of the benchmark: what commbench claims, held against truths that are known because we made them.

Every test plants something (a distribution, a late rank, a stall, a clock's error), measures it with the code that
measures real runs, and adds a row to the truth table: the claim, the truth, what was measured, and whether that is
good enough. `P7` names a pitfall of the design's section 4, `A2` the second item of its section 5, so both can be
searched for. In most of them ranks are arrays of stamps: no network and no real clock. Pings over real sockets are in
test_clock_sync.py and test_clock_truth.py, real gloo ranks in test_real_ranks.py and test_against_itself.py, networks
of namespaces in test_links_truth.py. No GPU is involved: what needs one is in tests/gpu.

COMMBENCH_TRUTH_TABLE=path pytest tests/truth writes the table, in markdown.
"""
