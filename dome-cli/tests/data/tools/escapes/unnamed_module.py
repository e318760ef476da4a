"""Loads code that its manifest does not name: the digest does not cover it."""

from common import answer

import unnamed

unnamed.nothing()
answer()
