"""Many gradients in one aligned bucket and back: planning, the fused kernel, and the same thing by torch on the CPU.

`open_bucket` is the door: a `FusedBucket` for a device. docs/kernel.md describes the interface and the byte layout.
"""
