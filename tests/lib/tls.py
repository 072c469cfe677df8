"""TLS for the end-to-end tests: certificates made by openssl(1) when they are needed, and clients that
speak through Python's ssl."""

import os
import ssl
import subprocess

import holdfast
from holdfast import Client, Ended, folder


def openssl(*argv, input=None, ok=True, limit_s=30):
    done = subprocess.run(["openssl", *argv], input=input, capture_output=True, timeout=limit_s)
    if ok and done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(argv)}: {done.stderr.decode()}")
    return (done.stdout + done.stderr).decode(errors="replace")


class Certificate:
    """Files of one: chain, key, and for openssl its own alone."""

    def __init__(self, where, name):
        self.name = name
        self.key = os.path.join(where, name + ".key")
        self.alone = os.path.join(where, name + ".crt")
        self.chain = os.path.join(where, name + ".pem")

    def conf(self, **more):
        return {"certificate": self.chain, "key": self.key, **more}

    def der(self):
        with open(self.alone) as f:
            return ssl.PEM_cert_to_DER_cert(f.read())


class Authority:
    """Signs servers and clients. `of`: the one that signed it, whose certificate is the root."""

    count = 0

    def __init__(self, name="root", of=None):
        self.where = folder()
        self.of = of
        self.made = Certificate(self.where, name)
        self.new_key(self.made)
        self.sign(self.made, f"/CN={name}", "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign",
                  signer=of, days=30)

    @property
    def file(self):
        return self.of.file if self.of else self.made.alone

    def new_key(self, c):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", c.key)
        os.chmod(c.key, 0o600)

    def sign(self, c, subject, extensions, signer, days):
        request = os.path.join(self.where, c.name + ".csr")
        extra = os.path.join(self.where, c.name + ".ext")
        with open(extra, "w") as f:
            f.write(extensions + "\n")
        openssl("req", "-new", "-utf8", "-key", c.key, "-subj", subject, "-out", request)
        Authority.count += 1
        argv = ["x509", "-req", "-in", request, "-days", str(days), "-extfile", extra, "-out", c.alone,
                "-set_serial", str(Authority.count)]
        if signer is None:
            openssl(*argv, "-signkey", c.key)
        else:
            openssl(*argv, "-CA", signer.made.alone, "-CAkey", signer.made.key)
        self.chain(c, signer)

    def chain(self, c, signer):
        with open(c.chain, "w") as out:
            step, files = signer, [c.alone]
            while step is not None and step.of is not None:
                files.append(step.made.alone)
                step = step.of
            for path in files:
                with open(path) as f:
                    out.write(f.read())

    def issue(self, name, names=None, days=30, usage="serverAuth", subject=None):
        """names: subjectAltName as openssl writes it; None: DNS:name."""
        c = Certificate(self.where, name.replace("*", "any"))
        self.new_key(c)
        self.sign(c, subject or f"/CN={name}",
                  f"basicConstraints=CA:FALSE\nextendedKeyUsage={usage}\nsubjectAltName={names or 'DNS:' + name}",
                  signer=self, days=days)
        return c


class TlsClient(Client):
    """A client behind TLS. name: server name (SNI) and what the certificate must say; None: neither."""

    def __init__(self, address, authority, name="shop.example", certificate=None, version=None, alpn=None,
                 session=None, context=None, first=b"", **more):
        """first: bytes ahead of the handshake."""
        super().__init__(address, **more)
        self.sock.sendall(first)
        self.context = context or make_context(authority, name, certificate, version, alpn)
        try:
            self.sock = self.context.wrap_socket(self.sock, server_hostname=name, session=session,
                                                 suppress_ragged_eofs=False)
        except BaseException:
            self.stop()
            if self in holdfast.started:
                holdfast.started.remove(self)
            raise
        if name is not None:
            self.host = name

    def fill(self):
        try:
            data = self.sock.recv(262144)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLError):
            raise Ended(self.held, reset=True) from None
        if not data:
            raise Ended(self.held)
        self.held += data


def make_context(authority, name="shop.example", certificate=None, version=None, alpn=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.file)
    if name is None:
        context.check_hostname = False
    if certificate is not None:
        context.load_cert_chain(certificate.chain, certificate.key)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if alpn is not None:
        context.set_alpn_protocols(alpn)
    return context


def server_context(certificate, authority=None, version=None):
    """authority: clients must show a certificate of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    if authority is not None:
        context.load_verify_locations(authority.file)
        context.verify_mode = ssl.CERT_REQUIRED
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


class TlsOrigin(holdfast.Origin):
    """An origin behind TLS. names: server names (SNI) that it was asked by, None: by none; resumed: of each
    connection, whether its session was; subjects: common names of the clients' certificates."""

    def __init__(self, id, context, behave=None, **more):
        self.names, self.resumed, self.subjects, self.versions, self.refused = [], [], [], [], 0
        self.use(context)
        super().__init__(id, behave, **more)

    def use(self, context):
        context.sni_callback = lambda sock, name, _: setattr(sock, "asked_by", name)  # several origins may share it
        self.context = context

    def serve(self, connection):
        try:
            sock = self.context.wrap_socket(connection.wire.sock, server_side=True, suppress_ragged_eofs=False)
        except OSError:
            with self.lock:
                self.refused += 1
                self.connections.discard(connection)
            connection.wire.close()
            return
        connection.wire.sock = sock
        self.resumed.append(sock.session_reused)
        self.versions.append(sock.version())
        self.names.append(sock.asked_by)
        shown = sock.getpeercert() or {}
        self.subjects.append(dict(pair[0] for pair in shown.get("subject", ())).get("commonName"))
        super().serve(connection)
