import asyncio

import pytest

from pipeline.serve.attempts import Attempts


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note how long each wrong token is to wait, instead of waiting."""
    noted: list[float] = []

    async def note(seconds: float) -> None:
        noted.append(seconds)

    monkeypatch.setattr("pipeline.serve.attempts.asyncio.sleep", note)
    return noted


def try_wrong_tokens(attempts: Attempts, *addresses: str) -> None:
    for address in addresses:
        assert asyncio.run(attempts.delay(address))


def test_each_wrong_token_waits_longer_up_to_a_bound(waited: list[float]) -> None:
    try_wrong_tokens(Attempts(first_seconds=1, most_seconds=5), *["192.0.2.1"] * 5)
    assert waited == [1, 2, 4, 5, 5]


def test_clients_are_told_apart_by_address_and_ipv6_subscribers_by_their_network(waited: list[float]) -> None:
    same = ["2001:db8::1"] * 3 + ["2001:db8::ffff:1%eth0"]
    try_wrong_tokens(Attempts(first_seconds=1, most_seconds=60), *same, "2001:db8:0:1::1", "192.0.2.1")
    assert waited == [1, 2, 4, 8, 1, 1]


def test_an_ipv4_client_is_the_same_in_ipv6(waited: list[float]) -> None:
    try_wrong_tokens(Attempts(first_seconds=1, most_seconds=60), "192.0.2.1", "::ffff:192.0.2.1")
    assert waited == [1, 2]


def test_guessing_in_parallel_is_refused_unread_and_others_are_not() -> None:
    async def run() -> tuple[list[bool], bool, bool, bool]:
        attempts = Attempts(first_seconds=0.3, most_seconds=0.3)
        guesses = [asyncio.create_task(attempts.delay("192.0.2.1")) for _ in range(20)]
        await asyncio.sleep(0)
        crowded, other = attempts.are_too_many("192.0.2.1"), attempts.are_too_many("192.0.2.2")
        found = await asyncio.gather(*guesses)
        return found, crowded, other, attempts.are_too_many("192.0.2.1")

    found, crowded, other, later = asyncio.run(run())
    assert (found.count(True), found.count(False)) == (16, 4)
    assert (crowded, other, later) == (True, False, False)


def test_whoever_shares_an_address_with_a_guesser_is_not_locked_out() -> None:
    async def run() -> bool:
        attempts = Attempts(first_seconds=0.2, most_seconds=0.2)
        attempts.accept("192.0.2.1")
        guesses = [asyncio.create_task(attempts.delay("192.0.2.1")) for _ in range(20)]
        await asyncio.sleep(0)
        crowded = attempts.are_too_many("192.0.2.1")
        await asyncio.gather(*guesses)
        return crowded

    assert asyncio.run(run()) is False


@pytest.mark.parametrize("address", ["10.{}.{}.1", "2001:db8:{:x}:{:x}::1"])
def test_many_clients_take_little_memory_and_wait_in_bounded_numbers(address: str) -> None:
    async def run() -> tuple[int, list[bool]]:
        attempts = Attempts(first_seconds=0.2, most_seconds=0.2)
        for i in range(12_000):
            attempts.accept(address.format(i // 250, i % 250))
        guesses = [attempts.delay(address.format(200, i)) for i in range(250)]
        more = [attempts.delay(address.format(201, i)) for i in range(50)]
        return len(attempts), await asyncio.gather(*guesses, *more)

    known, waited = asyncio.run(run())
    assert known == 10_000
    assert (waited.count(True), waited.count(False)) == (256, 44)
