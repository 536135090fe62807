"""Prediction as EcoTaxa's: a forest learns what people validated and predicts the rest."""
