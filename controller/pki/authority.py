"""Certificates made: an authority's own, those of switches, those of controllers. ECDSA on P-256, PEM files.

Lives here: what each certificate says (RFC 5280); ``cryptography`` does the rest. Must not know: where files lie.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from clos.controller.pki.identity import name_of

AUTHORITY_DAYS, DAYS = 3650, 825
"""How long an authority's and other certificates count, unless told otherwise."""
LEEWAY = timedelta(hours=1)
"""A certificate counts from a little before now: clocks differ."""


class Pair(NamedTuple):
    """A private key and its certificate, as PEM."""

    key: bytes
    certificate: bytes


class Unusable(ValueError):
    """The authority's files cannot be used; the text says why."""


def new_authority(name: str, days: int = AUTHORITY_DAYS) -> Pair:
    """An authority that signs itself, and nobody who could be an authority in turn."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(name)
    made = _builder(subject, subject, key.public_key(), days)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = made.add_extension(_usage(signs=True), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return Pair(_pem(key), made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


class Authority:
    """Signs certificates. Raises Unusable for a key or certificate that is none, or that do not belong together."""

    def __init__(self, pair: Pair) -> None:
        try:
            key = serialization.load_pem_private_key(pair.key, password=None)
            self._certificate = x509.load_pem_x509_certificate(pair.certificate)
        except (ValueError, TypeError) as error:
            raise Unusable(f"not a key and a certificate in PEM: {error}") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise Unusable("the key is not one on an elliptic curve, as clos pki init makes")
        if key.public_key() != self._certificate.public_key():
            raise Unusable("the key and the certificate do not belong together")
        self._key = key

    def switch(self, name: str, dpid: int, days: int = DAYS) -> Pair:
        """For the switch with this datapath id, and no other; it is a client of the controller."""
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(name_of(dpid))]
        return self._issue(name, names, [ExtendedKeyUsageOID.CLIENT_AUTH], days)

    def controller(self, name: str, hosts: Iterable[str], days: int = DAYS) -> Pair:
        """For a controller that is reached as these hosts (names or addresses): its OpenFlow port and its API."""
        names = [_host(host) for host in dict.fromkeys(hosts)]
        return self._issue(name, names, [ExtendedKeyUsageOID.SERVER_AUTH], days)

    def _issue(self, name: str, names: list[x509.GeneralName], uses: list[x509.ObjectIdentifier], days: int) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        made = _builder(_subject(name), self._certificate.subject, key.public_key(), days)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        made = made.add_extension(_usage(signs=False), critical=True)
        made = made.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        ours = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        signed = made.add_extension(ours, critical=False).sign(self._key, hashes.SHA256())
        return Pair(_pem(key), signed.public_bytes(serialization.Encoding.PEM))


class About(NamedTuple):
    """What a certificate says: its subject, who signed it, until when it counts (UTC), its alternative names."""

    subject: str
    issuer: str
    ends: datetime
    names: tuple[str, ...]


def about(certificate: bytes) -> About:
    """Raises Unusable for bytes that are no certificate in PEM."""
    try:
        found = x509.load_pem_x509_certificate(certificate)
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        told = tuple(str(name.value) for name in names)
    except x509.ExtensionNotFound:
        told = ()
    except ValueError as error:
        raise Unusable(f"not a certificate in PEM: {error}") from None
    ends = found.not_valid_after_utc
    return About(found.subject.rfc4514_string(), found.issuer.rfc4514_string(), ends, told)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    made = made.serial_number(x509.random_serial_number())
    return made.not_valid_before(now - LEEWAY).not_valid_after(now + timedelta(days=days))


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(word: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(word))
    except ValueError:
        return x509.DNSName(word)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=signs, crl_sign=signs, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
