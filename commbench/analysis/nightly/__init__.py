"""The nightly decision: did the interconnect get slower, since when, by how much, and where.

`judge.judge` is the seam: frames of `points`, `runs` and `incidents` in, a `verdict.NightVerdict` out. `selftest`
replays a store with planted losses, `history` looks for changes in retrospect. docs/methodology.md says what the rule
achieves.
"""
