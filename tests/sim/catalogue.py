"""stub"""
SCRIPTS = {"x": None}
