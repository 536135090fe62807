"""From a signed request to rows: verify, decode, sort, store, acknowledge. Exactly once, nothing
thrown away."""
