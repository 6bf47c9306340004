"""Words that stand for values: what they mean, and that writing them gives the word back."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clos.controller.intent.model import Rate, Service
from clos.controller.intent.schema import scalars

addresses = st.integers(0, 2**32 - 1)


@given(addresses)
def test_addresses_are_read_as_they_are_written(value: int) -> None:
    assert scalars.ipv4(scalars.ipv4_text(value)) == value
    assert scalars.ipv4_text(value) == str(ipaddress.IPv4Address(value))


@given(st.from_regex(r"[0-9]{1,4}(\.[0-9 ]{0,4}){2,4}", fullmatch=True))
def test_the_standard_library_agrees_what_an_address_is(text: str) -> None:
    try:
        expected = int(ipaddress.IPv4Address(text))
    except ValueError:
        with pytest.raises(ValueError, match="not an IPv4 address"):
            scalars.ipv4(text)
    else:
        assert scalars.ipv4(text) == expected


@given(st.integers(1, 2**40 - 1))
def test_mac_addresses_are_read_as_they_are_written(value: int) -> None:
    assert scalars.mac(scalars.mac_text(value)) == value
    assert scalars.mac(scalars.mac_text(value).upper().replace(":", "-")) == value


services = st.one_of(
    st.sampled_from([None, 1, 6, 17, 132, 0, 47, 255]).map(Service),
    st.tuples(st.sampled_from([6, 17, 132]), st.integers(1, 65535), st.integers(0, 99)).map(
        lambda t: Service(t[0], t[1], min(t[1] + t[2], 65535))
    ),
)


@given(services)
def test_services_are_read_as_they_are_written(service: Service) -> None:
    assert scalars.service(str(service)) == service


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500Mbps", Rate(500_000)),
        ("500 Mbps", Rate(500_000)),
        ("10 Gbps", Rate(10_000_000)),
        ("2.5 Gbps", Rate(2_500_000)),
        ("0.0015 Mbps", Rate(1)),
        ("64 kbps", Rate(64)),
        ("4.294967295 Tbps", Rate(2**32 - 1)),
    ],
)
def test_rates_are_whole_kilobits(text: str, expected: Rate) -> None:
    assert scalars.rate(text) == expected


REFUSED = {
    scalars.rate: ("500", "500 mbps", "-1 Mbps", "0 kbps", "5 Tbps", "1e3 Mbps", "5  Mbps", "500 MBps", "٣ Mbps"),
    scalars.burst: ("10 Mbps", "0 kb", "10"),
    scalars.speed: ("0 Mbps", "11 Tbps", "10"),
    scalars.latency: ("5", "11 s", "-5 us"),
    scalars.service: (
        "http",
        "tcp/",
        "tcp/0",
        "tcp/65536",
        "tcp/9-8",
        "tcp/1-2-3",
        "ip/256",
        "ip",
        "ip/1-2",
        "any/1",
        "TCP/1",
    ),
    scalars.cidr: (
        "10.0.0.0",
        "10.0.0.0/",
        "10.0.0.0/0",
        "10.0.0.0/31",
        "10.0.0.1/24",
        "127.0.0.0/8",
        "0.0.0.0/8",
        "10.0.0.0/٣",
    ),
    scalars.mac: ("02:00:00:00:00", "020000000001", "02:00-00:00:00:01", "03:00:00:00:00:01", "00:00:00:00:00:00"),
    scalars.port: ("leaf1", "leaf1:", ":1", "leaf1:0", "leaf1:4294967041", "leaf 1:1", "leaf1:1:2"),
    scalars.ipv4: ("", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.٤", "1..2.3", "256.0.0.1", "1.2.3.4/32"),
    scalars.address_on_host: ("10.0.0.1", "10.0.0.1 on", "10.0.0.1 at h1", "h1 on 10.0.0.1", "10.0.0.1 on h1 h2"),
    scalars.number: ("", "-1", "1.0", "0x", "1_000", "٣"),
}


@pytest.mark.parametrize(("read", "text"), [(read, text) for read, texts in REFUSED.items() for text in texts])
def test_words_that_only_look_right_are_refused(read, text: str) -> None:
    with pytest.raises(ValueError, match=r"^\D"):
        read(text)
