"""What all handlers here are told by their environment: the providers in their order, and how long one may take."""

import os

URLS = os.environ["PROVIDERS"].split()
KEY = "SG.bench"
TIMEOUT_S = float(os.environ["TIMEOUT_S"])
