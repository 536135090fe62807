"""The sparse network as data and as code: from an object's pixels to probabilities, and releases.

The core needs numpy only. A runtime (the C library, LiteRT, ONNX Runtime) is imported when
it is asked for, scikit-learn when a head is fitted, torch never outside `models.training`. A
network is a list of layers of integers (`models.network`); whichever runtime computes them, the
integers are the same.

Example:
    >>> from models.bundle import Bundle
    >>> from models.classifier import Classifier
    >>> from models import factory
    >>> classifier = Classifier(Bundle.load(factory.path()))
"""
