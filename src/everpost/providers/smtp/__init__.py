"""Any server that takes mail by SMTP: `adapter` says how mail is handed to it."""
