"""The options that say where vignettes are kept; light, since `serve` refuses before it loads.

Example:
    >>> add_packs(parser)
"""

import argparse
import os


def add_packs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--packs",
        default=os.environ.get("SEADRIFT_PACKS", ""),
        metavar="s3://BUCKET/PREFIX",
        help="keep vignettes in a bucket that speaks S3 (default: $SEADRIFT_PACKS, or the data "
        "folder); credentials from the environment, as AWS_ACCESS_KEY_ID",
    )
    parser.add_argument(
        "--packs-endpoint",
        default=os.environ.get("SEADRIFT_PACKS_ENDPOINT", ""),
        metavar="URL",
        help="address of the store (default: $SEADRIFT_PACKS_ENDPOINT, or AWS's)",
    )
    parser.add_argument(
        "--packs-region",
        default=os.environ.get("SEADRIFT_PACKS_REGION", ""),
        metavar="NAME",
        help="region of the store (default: $SEADRIFT_PACKS_REGION)",
    )
