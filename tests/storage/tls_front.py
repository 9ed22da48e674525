"""TLS before a store, as a server or a load balancer would have it, with certificates of a CA made for the test."""

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_BEGAN = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
_ENDS = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Certificates:
    """A CA's certificate, and a server's with its key, as PEM files."""

    ca: Path
    server: Path


def make_certificates(folder: Path, address: str = "127.0.0.1") -> Certificates:
    """Return a new CA and a certificate of its for a server at the address."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a CA of the tests")])
    ca = (
        _certificate(ca_name, ca_name, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    server_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a store")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    server = (
        _certificate(server_name, ca_name, key)
        .add_extension(names, critical=False)
        .add_extension(identifier, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    made = Certificates(folder / "ca.pem", folder / "server.pem")
    made.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    made.server.write_bytes(server.public_bytes(serialization.Encoding.PEM) + key_pem)
    return made


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGAN)
        .not_valid_after(_ENDS)
    )


@contextlib.asynccontextmanager
async def tls_front(store_url: str, certificates: Certificates) -> AsyncIterator[str]:
    """Serve TLS before the store; yield its `https` URL, which trusts no CA of the test yet."""
    parts = urlsplit(store_url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    serving: set[asyncio.Task[None]] = set()
    ending = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        store_reader, store_writer = await asyncio.open_connection(parts.hostname, parts.port)
        copies = {
            asyncio.create_task(_copy(reader, store_writer)),
            asyncio.create_task(_copy(store_reader, writer)),
        }
        try:
            await asyncio.wait([*copies, ending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for copy in copies:
                copy.cancel()
            await asyncio.gather(*copies, return_exceptions=True)
            for end in (store_writer, writer):
                end.transport.abort()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    user, _, _ = parts.netloc.rpartition("@")
    netloc = f"{user}@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield urlunsplit(parts._replace(scheme="https", netloc=netloc))
    finally:
        server.close()
        ending.set_result(None)
        await asyncio.gather(*serving)


def trusting(url: str, certificates: Certificates) -> str:
    """Return the URL with the test's CA trusted."""
    return f"{url}?ca_cert={quote(str(certificates.ca), safe='')}"


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
