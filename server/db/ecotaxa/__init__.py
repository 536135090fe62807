"""What EcoTaxa's API asks of the database: its field names, its filters, its sets of objects."""
