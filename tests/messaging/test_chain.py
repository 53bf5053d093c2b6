"""From an order at one service to what another one makes of it."""


async def test_an_order_becomes_a_total(speaker, listener, web) -> None:
    for number in (3, 4):
        answer = await web.post("/things", json={"subject": "a", "number": number})
        assert answer.status_code == 201, answer.text
    await speaker.relayed()
    await listener.caught_up()
    assert await listener.pool.fetchval("select number from total where subject = 'a'") == 7
    assert speaker.counters["relayed"] == 2
    assert listener.counters["done"] == 2
