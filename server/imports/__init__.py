"""Ways in beside EcoTaxa's zip: each makes an upload of EcoTaxa's form, which is then imported."""
