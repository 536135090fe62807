"""EcoTaxa's tables and zips: read, checked whole before anything is written."""
