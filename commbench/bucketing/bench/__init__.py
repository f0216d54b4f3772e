"""The benchmark of the fused bucket: the same work by its peers, checked first and then timed. See docs/kernel.md."""
