"""Copies of a whole shore: made while it runs, whole or not there, restored into an empty place.

`folder` says what lies where in a backup folder, `packs` copies vignettes (only what is new),
`make` puts a backup together, `restore` brings one back.
"""
