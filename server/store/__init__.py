"""Bytes that are too many for the database: vignettes in packs, release bundles as files."""
