"""EcoTaxa's API on our shore: the same routes, models and field names, under `/` and `/api`.

Each module is one noun. Rights, events and counts are the shore's own: this is another door to the
same house (docs/ecotaxa-api.md says what differs).
"""
