"""One email API in front of every email provider."""

__version__ = "0.1.0"
