"""Keys and certificates, by the openssl command line. Made anew for each cluster and good for a day: nothing of it is a
secret worth keeping, and nothing of it is reused."""

import subprocess
from pathlib import Path

from .errors import BedError

DAYS = "2"


def openssl(*args):
    try:
        answer = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True)
    except FileNotFoundError:
        raise BedError("there is no openssl (Debian: apt install openssl)") from None
    if answer.returncode != 0:
        raise BedError(f"openssl {' '.join(map(str, args))} failed:\n{answer.stderr}")


class Authority:
    """A certificate authority in a folder: ca.crt, ca.key, and a NAME.crt and NAME.key for each certificate."""

    def __init__(self, folder, name="testbed"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self.certificate = self.folder / "ca.crt"
        self.key = self.folder / "ca.key"
        self._request("ca", f"/CN={name}-ca", "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")

    def server(self, name, names, common_name=None):
        """names: 'DNS:localhost', 'IP:127.0.0.1', ..."""
        return self._signed(name, f"/CN={common_name or name}", "extendedKeyUsage=serverAuth",
                            f"subjectAltName={','.join(names)}")

    def client(self, name, user, group=None):
        organization = f"/O={group}" if group else ""
        return self._signed(name, f"{organization}/CN={user}", "extendedKeyUsage=clientAuth")

    def _signed(self, name, subject, *extensions):
        return self._request(name, subject, "basicConstraints=critical,CA:FALSE", *extensions,
                             issuer=("-CA", self.certificate, "-CAkey", self.key))

    def _request(self, name, subject, *extensions, issuer=()):
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        extra = [word for extension in extensions for word in ("-addext", extension)]
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-sha256", "-days", DAYS,
                "-subj", subject, *extra, *issuer, "-keyout", key, "-out", certificate)
        key.chmod(0o600)
        return certificate, key


def signing_key(folder, name):
    """A bare key pair: NAME.key and NAME.pub."""
    key, public = Path(folder) / f"{name}.key", Path(folder) / f"{name}.pub"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    openssl("pkey", "-in", key, "-pubout", "-out", public)
    key.chmod(0o600)
    return key, public
