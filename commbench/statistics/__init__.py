"""What is computed from the times of calls: pure functions on arrays, with the source of every formula."""
