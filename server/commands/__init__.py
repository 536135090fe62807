"""The commands of `seadrift`: each has `add_parser(subparsers)` and `run(args) -> int`."""
