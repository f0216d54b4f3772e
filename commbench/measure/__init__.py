"""One rank: verify, warm up, time, gather. The controlling process never runs this, except for a simulation."""
