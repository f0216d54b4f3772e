"""What this machine is and where this process stands in a launch: read from the kernel and the environment."""
