"""The command line: one file per group, each command thin."""
