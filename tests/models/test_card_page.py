"""The page that people read about the shipped model is the card inside the shipped release."""

import zipfile
from pathlib import Path

from models import factory

PAGE = Path(__file__).parents[2] / "docs" / "model-card.md"


def test_the_page_is_the_card_of_the_factory_release() -> None:
    with zipfile.ZipFile(factory.path()) as bundle:
        card = bundle.read("card.md").decode()
    assert PAGE.read_text() == card, "write card.md of models/factory/spc.seadrift to that page"
