"""The founding table on our data: who recognises what, by which features, with intervals."""
