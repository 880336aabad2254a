"""A function that does nothing: what Python and the runtime client cost by themselves."""


def handler(_event, _context):
    return {"statusCode": 200, "body": "{}"}
