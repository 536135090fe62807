"""A project for others: tables, summaries, size spectra, Darwin Core, Parquet, each with the word
of where it comes from."""
