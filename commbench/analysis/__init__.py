"""Statistics and decisions: pure functions, frames in, frames out."""
