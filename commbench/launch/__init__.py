"""Start ranks with existing engines, watch over them, and say who failed."""
