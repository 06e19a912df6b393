"""The command line: what the parser, the terminal and the exit code need, and nothing else."""
