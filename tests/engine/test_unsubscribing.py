"""Links by which recipients leave are signed by a secret that lies in the store."""

from engine_kit import CALLER, GONE, accepted, draft, elapse
from everpost.engine.unsubscribing import READ_EVERY_S
from everpost.model.problem import Problem


def linking(world):
    engine = world.engine()
    engine.acceptor.unsubscribing.public_url = "https://mail.example.com"
    return engine


async def test_while_the_secret_cannot_be_read_no_mail_with_a_link_is_taken_and_then_it_is(world):
    engine = linking(world)
    await accepted(engine)  # routes are known as they were last seen
    world.store.fails["read_config"] = GONE
    for _ in range(2):
        refused = await engine.acceptor.accept(draft(unsubscribe=True), CALLER)
        assert isinstance(refused, Problem)
        assert (refused.code, refused.status) == ("store_unavailable", 503)
    world.store.fails.clear()
    stored = await accepted(engine, unsubscribe=True)
    assert stored.message.headers["List-Unsubscribe"].startswith("<https://mail.example.com/u/")


async def test_whoever_forges_links_makes_the_store_be_read_now_and_then_only(world):
    unsubscribing = linking(world).acceptor.unsubscribing
    before = world.store.called["read_config"]
    for _ in range(10):
        assert await unsubscribing.who("em_forged.signature") is None
    assert world.store.called["read_config"] - before <= 2  # the second time for what it has just written
    await elapse(READ_EVERY_S + 1.0)
    await unsubscribing.who("em_forged.signature")
    assert world.store.called["read_config"] - before == 3
