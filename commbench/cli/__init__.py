"""The command line: one file per command, each only options, exit codes and calls into the layers below."""
