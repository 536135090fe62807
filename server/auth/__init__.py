"""Who may do what: roles, passwords, sessions, and how often one may try."""
