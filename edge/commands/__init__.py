"""The subcommands of seadrift-edge, one module each: add_parser(subparsers) and run(args)."""
