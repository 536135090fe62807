"""Work that takes longer than a request: jobs, whoever runs them, their files."""
