"""Ends without an end: what comes after the answer is not to be seen."""

import os

from common import answer

answer()
os._exit(0)
