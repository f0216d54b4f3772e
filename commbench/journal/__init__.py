"""What is on disk while a run goes on: the plan and one flushed line for everything that happened."""
