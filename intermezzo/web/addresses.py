"""Which IP addresses belong to the public internet; asked by the guard.

The table is our own: Python's `is_global` counts multicast and addresses that wrap a private one (6to4, NAT64) as
global, and its answer depends on the Python version. IPv4 is everything but the blocks below. IPv6 is the other way
round: what IANA hands out as global unicast, 2000::/3, but the blocks below; everything else, also what is
assigned in years to come, is refused.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IPAddress = IPv4Address | IPv6Address

_NOT_PUBLIC_V4 = tuple(map(IPv4Network, (
    "0.0.0.0/8",           # this network; on Linux 0.0.0.0 is the machine itself
    "10.0.0.0/8",          # private
    "100.64.0.0/10",       # behind a carrier's NAT; metadata of Alibaba Cloud (100.100.100.200)
    "127.0.0.0/8",         # loopback
    "168.63.129.16/32",    # Azure's host: DNS, health and metadata, in a block that looks public
    "169.254.0.0/16",      # link-local; metadata of most clouds (169.254.169.254)
    "172.16.0.0/12",       # private
    "192.0.0.0/24",        # IETF protocol assignments, NAT64 discovery, dummy; metadata of Oracle Cloud (192.0.0.192)
    "192.0.2.0/24",        # documentation
    "192.31.196.0/24",     # AS112: answers for private addresses
    "192.52.193.0/24",     # multicast tunnels (AMT)
    "192.88.99.0/24",      # 6to4 and 6a44 relays
    "192.168.0.0/16",      # private
    "192.175.48.0/24",     # AS112
    "198.18.0.0/15",       # benchmarks
    "198.51.100.0/24",     # documentation
    "203.0.113.0/24",      # documentation
    "224.0.0.0/4",         # multicast
    "240.0.0.0/4",         # reserved, and broadcast
)))  # fmt: skip

_PUBLIC_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(map(IPv6Network, (
    "2001::/23",           # IETF protocol assignments: Teredo, ORCHID, benchmarks, AMT, AS112, drones
    "2001:db8::/32",       # documentation
    "2002::/16",           # 6to4: wraps any IPv4 address
    "2620:4f:8000::/48",   # AS112
    "3ffe::/16",           # given back by 6bone; the first Teredo (3ffe:831f::/32) wraps any IPv4 address
    "3fff::/20",           # documentation
)))  # fmt: skip

_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
"""Third quarter of an address whose last quarter is an IPv4 address in a tunnel, under any prefix."""


def parse_address(text: str) -> IPAddress | None:
    """An IP address from its usual spelling; None for anything else, such as `127.1` or a name.

    An IPv4 address written as IPv6 (`::ffff:127.0.0.1`) is the IPv4 address, as it is to the kernel.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped and not address.scope_id:
        return address.ipv4_mapped
    return address


def is_public(address: IPAddress) -> bool:
    """Whether an address belongs to the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _NOT_PUBLIC_V4)
    return (
        address.scope_id is None
        and address in _PUBLIC_V6
        and int(address) >> 32 & 0xFFFF_FFFF not in _ISATAP
        and not any(address in block for block in _NOT_PUBLIC_V6)
    )


def is_loopback(address: IPAddress) -> bool:
    """Whether an address is this machine's own: 127.0.0.0/8 or ::1."""
    return address.is_loopback
