"""A browser follows the events: by `fetch`, which can carry a key, as `EventSource` can't."""

import pytest

from http_kit import NATIVE

pytestmark = pytest.mark.slow

FOLLOW = """
async ([key, mail]) => {
  const headers = { Authorization: `Bearer ${key}` };
  const stop = new AbortController();
  const wanted = { ...headers, Accept: "text/event-stream" };
  const stream = await fetch("/v1/events", { headers: wanted, signal: stop.signal });
  const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await reader.read()).value;
  await fetch("/v1/emails", {
    method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(mail),
  });
  while (!text.includes("email.sent")) text += (await reader.read()).value;
  stop.abort();
  return text;
}
"""


def test_a_page_is_told_of_a_mail_while_it_is_sent(keyed, house):
    page = keyed.goto("providers")
    told = page.evaluate(FOLLOW, [house.token(), NATIVE])
    types = [block.partition('"type":"dev.everpost.')[2].partition('"')[0] for block in told.split("\n\n")]
    assert [type_ for type_ in types if type_] == ["email.accepted", "email.attempted", "email.sent"]
