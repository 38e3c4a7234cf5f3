"""With which certificate do the servers speak TLS? One that is made for the run."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from fastserve.measure.spread import Void


@dataclass(frozen=True)
class Certificate:
    """The paths of a certificate for 127.0.0.1, its key, and the authority that issued it."""

    certificate: str
    key: str
    authority: str

    def client_context(self) -> ssl.SSLContext:
        """A client that trusts it."""
        return ssl.create_default_context(cafile=self.authority)


def certificate(scratch: Path) -> Certificate:
    """Make one in `scratch`, or find the one that is there. Raises `Void` where trustme is missing."""
    paths = [scratch / name for name in ("server.pem", "server.key", "authority.pem")]
    found = Certificate(*map(str, paths))
    if not paths[2].exists():
        try:
            import trustme
        except ImportError:
            raise Void("trustme is missing: pip install '.[bench]'") from None
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1")
        issued.cert_chain_pems[0].write_to_path(found.certificate)
        issued.private_key_pem.write_to_path(found.key)
        authority.cert_pem.write_to_path(found.authority)
    return found
