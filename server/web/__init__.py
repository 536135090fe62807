"""What people see: server-rendered shells, and ES modules that talk to the same API as any script."""
