"""The shore over HTTP: `/v1` for instruments, `/api` for people; one noun per file."""
