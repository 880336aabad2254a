"""SMTP submission (RFC 6409): mail from whoever has nothing but SMTP settings."""
