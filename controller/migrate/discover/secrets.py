"""Secrets taken out of what devices print, before it is read, kept or shown. Lines stay where they are."""

from __future__ import annotations

import re

REMOVED = "<removed>"

_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        r"^(.*\b(?:password|secret)(?: level \d+)?(?: \d+)? +)(?!encryption)\S.*$",
        r"^(\s*(?:enable|username \S+.*?) (?:password|secret)(?: \d+)? +)\S.*$",
        r"^(\s*standby (?:\d+ )?authentication (?:text )?)(?!md5\b|text\b)\S.*$",
        r"^(\s*(?:standby|vrrp|glbp)\b.* authentication text )\S.*$",
        r"^(.*\bkey-string(?: \d+)? )\S.*$",
        r"^(.*\b(?:hmac-sha-256|hmac-sha256)(?: \d+)? )\S.*$",
        r"^(\s*snmp-server (?:community|user|host \S+(?: (?:traps|informs))?(?: version \S+(?: (?:auth|noauth|priv))?)?) )\S+",
        r"(\b(?:auth (?:md5|sha)|priv (?:des|3des|aes(?: \d+)?)) )\S+",
        r"^(.*\b(?:tacacs|radius)[ -]?server\b.* key(?: \d+)? )\S.*$",
        r"^(\s*(?:server-)?key(?: [067])? )(?!chain\b|generate\b|config-key\b|\d+$)\S.*$",
        r"^(\s*(?:ip )?ospf (?:authentication-key|message-digest-key \d+ md5)(?: \d+)? )\S.*$",
        r"^(.*\b(?:message-digest-key \d+ md5|authentication-key)(?: \d+)? )\S.*$",
        r"^(\s*ntp authentication-key \d+ md5 )\S.*$",
        r"^(.*\b(?:pre-shared-key|isakmp key|wpa-psk \S+|passphrase|community-map)(?: (?:local|remote|address))?(?: \d)? )\S.*$",
        r"^(\s*crypto isakmp key )\S+.*$",
        r"^(\s*ppp (?:chap|pap) .*password(?: \d)? )\S.*$",
        r"^(\s*isis password )\S.*$",
        r'^(.*Authentication (?:text|MD5), (?:string|key-string) ")[^"]*(")',
        r"^(\s*VTP Password ?: ?)\S.*$",
        r"^(\s*neighbor \S+ password(?: \d)? )\S.*$",
    )
)
_CHAINS = re.compile(r"^key config-key .*$", re.MULTILINE)
_CERTIFICATE = re.compile(r"^(\s+)(?:[0-9A-F]{8} ){3,}[0-9A-F ]*$|^(\s{2,})(?:[0-9A-F]{8} ?){1,8}$", re.MULTILINE)


_HINT = re.compile(
    r"passw|secret|authentic|key|communit|snmp|auth |priv |passphrase|psk|md5|hmac|[0-9A-F]{8}", re.IGNORECASE
)
"""What a line with a secret in it has at least; the tables of a device are long and have none."""


def without_secrets(text: str) -> str:
    """The text with every password, key, community and certificate replaced by ``<removed>``; the same again after it."""
    return "\n".join(_line(line) if _HINT.search(line) else line for line in text.split("\n"))


def _line(line: str) -> str:
    for pattern in _PATTERNS:
        line = pattern.sub(lambda match: match[1] + REMOVED + (match[2] if match.re.groups > 1 else ""), line)
    line = _CHAINS.sub(f"key config-key {REMOVED}", line)
    return _CERTIFICATE.sub(lambda match: (match[1] or match[2]) + REMOVED, line)
