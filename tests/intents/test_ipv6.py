"""IPv6 where an IPv4 address is expected: the problem says that Clos has none of it."""

from __future__ import annotations

import pytest

from clos.controller.intent.schema import scalars


@pytest.mark.parametrize("text", ["2001:db8::5", "::1", "fe80::1"])
def test_an_ipv6_address_is_refused_for_what_it_is(text: str) -> None:
    with pytest.raises(ValueError, match="an IPv6 address: Clos supports IPv4 only"):
        scalars.ipv4(text)
    for subnet in (f"{text}/64", f"{text}/128", text):
        with pytest.raises(ValueError, match="an IPv6 subnet: Clos supports IPv4 only"):
            scalars.cidr(subnet)
    with pytest.raises(ValueError, match="an IPv6 address"):
        scalars.address_on_host(f"{text} on web1")
    with pytest.raises(ValueError, match="not an IPv4 address: write it like"):
        scalars.ipv4("10.1.0")
