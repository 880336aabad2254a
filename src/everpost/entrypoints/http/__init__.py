"""Room 1 over HTTP: `app.build_app` makes an ASGI application of what the other rooms offer."""
