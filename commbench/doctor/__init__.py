"""What this machine can measure, what would spoil it, and how to fix it."""
