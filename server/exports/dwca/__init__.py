"""Darwin Core archives: events, occurrences and measurements as GBIF and OBIS read them."""
