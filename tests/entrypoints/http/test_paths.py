import pytest

from everpost.entrypoints.http.paths import compiled


@pytest.mark.parametrize(
    ("template", "path", "places"),
    [
        ("/v1/emails/{id}", "/v1/emails/em_1", {"id": "em_1"}),
        ("/v1/emails/{id}", "/v1/emails/", None),
        ("/v1/emails/{id}", "/v1/emails/em_1/cancel", None),
        ("/v1/emails/{id}", "/v1/emails/a\n", {"id": "a\n"}),
        ("/v1/emails/{id}/cancel", "/v1/emails/em_1/cancel", {"id": "em_1"}),
        ("/v1/emails/{id}/cancel", "/v1/emails/em_1/cancel\n", None),
        ("/v1/suppressions/{address:path}", "/v1/suppressions/a/b@example.com", {"address": "a/b@example.com"}),
        ("/openapi.json", "/openapi.json", {}),
        ("/openapi.json", "/openapi-json", None),
    ],
)
def test_a_template_matches_whole_paths_and_names_their_variable_parts(template, path, places):
    match = compiled(template).match(path)
    assert (match.groupdict() if match else None) == places
