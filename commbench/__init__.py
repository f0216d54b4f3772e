"""commbench: benchmark collective communication and keep every result."""

__version__ = "0.1.0"
