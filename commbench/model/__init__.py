"""The words everything else speaks: frozen dataclasses without I/O."""
