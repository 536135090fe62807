"""What people see: server-rendered shells, and ES modules that use the API as any script does."""
