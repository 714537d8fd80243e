# TLS between two ends in one thread, through memory: handshakes, names, protocols, certificates, sessions, callbacks, ends.
import os
import pathlib
import ssl
import subprocess
import tempfile

folder = pathlib.Path(tempfile.mkdtemp())


def make(name, *more):
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem",
               "-days", "2", "-set_serial", "0x1234567890", "-subj", f"/C=XX/O=Tests of {name}/CN={name}", *more]
    subprocess.run(command, check=True, capture_output=True)


make("one.test", "-addext", "subjectAltName=DNS:one.test,DNS:*.one.test,IP:127.0.0.1,IP:::1,email:x@one.test,URI:http://one.test/,RID:1.2.3.4")
make("two.test", "-addext", "subjectAltName=DNS:two.test", "-addext", "authorityInfoAccess=OCSP;URI:http://ocsp.test/,caIssuers;URI:http://ca.test/",
     "-addext", "crlDistributionPoints=URI:http://crl.test/a.crl")
make("client.test")


def server_context(name="one.test"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


def client_context(*names):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name in names or ("one.test", "two.test"):
        context.load_verify_locations(folder / f"{name}.pem")
    return context


class Pair:
    def __init__(self, server, client, host="one.test", session=None):
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server = server.wrap_bio(to_server, to_client, server_side=True)
        self.client = client.wrap_bio(to_client, to_server, server_hostname=host, session=session)
        self.to_server, self.to_client = to_server, to_client

    def shake(self):
        waiting = [self.client, self.server]
        for _ in range(20):
            for end in list(waiting):
                try:
                    end.do_handshake()
                    waiting.remove(end)
                except ssl.SSLWantReadError:
                    pass
            if not waiting:
                return self
        raise TimeoutError

    def talk(self, text):
        self.client.write(text)
        got = self.server.read(len(text))
        self.server.write(got[::-1])
        return self.client.read(len(text))


def attempt(label, function):
    try:
        print(label, function())
    except (ssl.SSLError, ValueError) as e:
        reason = getattr(e, "reason", None), getattr(e, "verify_code", None), getattr(e, "verify_message", None)
        print(label, type(e).__name__, e.args[0] if e.args else None, reason)


def undated(certificate):
    return {key: value for key, value in certificate.items() if key not in ("notBefore", "notAfter")}


pair = Pair(server_context(), client_context()).shake()
print(pair.client.version(), pair.client.cipher(), pair.server.cipher(), pair.talk(b"hello"))
print(undated(pair.client.getpeercert()), pair.server.getpeercert(), len(pair.client.getpeercert(True)) > 500)
print(pair.client.get_channel_binding() == pair.server.get_channel_binding(), pair.client.compression(), pair.client.selected_alpn_protocol())
print(pair.client.server_hostname, pair.server.server_hostname, pair.client.server_side, pair.server.server_side)
chain = pair.client._sslobj.get_verified_chain()
print(chain, undated(chain[0].get_info()) == undated(pair.client.getpeercert()), hash(chain[0]) == hash(pair.client._sslobj.get_unverified_chain()[0]),
      chain[0] == pair.client._sslobj.get_unverified_chain()[0], chain[0].public_bytes() == (folder / "one.test.pem").read_text(),
      chain[0].public_bytes(2) == pair.client.getpeercert(True))
attempt("format", lambda: chain[0].public_bytes(9))

print("-- hosts")
for host in "one.test", "a.one.test", "b.a.one.test", "127.0.0.1", "::1", "127.0.0.2", "other.test":
    attempt(host, lambda: Pair(server_context(), client_context(), host).shake().client.version())
attempt("untrusted", lambda: Pair(server_context(), client_context("two.test")).shake().client.version())
print(undated(Pair(server_context("two.test"), client_context(), "two.test").shake().client.getpeercert()))

print("-- versions")
for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    context = client_context()
    context.maximum_version = context.minimum_version = version
    pair = Pair(server_context(), context).shake()
    print(pair.server.version(), pair.talk(b"abc" * 5000) == b"cba" * 5000)
strict = server_context()
strict.minimum_version = ssl.TLSVersion.TLSv1_3
old = client_context()
old.maximum_version = ssl.TLSVersion.TLSv1_2
attempt("no common version", lambda: Pair(strict, old).shake())

print("-- protocols")
for ours, theirs in (["h2", "http/1.1"], ["http/1.1"]), (["a"], ["b"]), (["x"], []):
    server, client = server_context(), client_context()
    server.set_alpn_protocols(theirs)
    client.set_alpn_protocols(ours)
    pair = Pair(server, client).shake()
    print(ours, theirs, pair.client.selected_alpn_protocol(), pair.server.selected_alpn_protocol())

print("-- names")
other = server_context("two.test")


def choose(connection, name, context):
    print("asked for", name, type(connection).__name__, context is chooser)
    if name == "two.test":
        connection.context = other
    if name == "refused.test":
        return ssl.ALERT_DESCRIPTION_ACCESS_DENIED


chooser = server_context()
chooser.sni_callback = choose
for host in "one.test", "two.test", "refused.test":
    attempt(host, lambda: Pair(chooser, client_context(), host).shake().client.getpeercert()["subject"][-1])

print("-- clients' certificates")
asking = server_context()
asking.verify_mode = ssl.CERT_REQUIRED
asking.load_verify_locations(folder / "client.test.pem")
shown = client_context()
shown.load_cert_chain(folder / "client.test.pem", folder / "client.test.key")
pair = Pair(asking, shown).shake()
pair.talk(b"x")
print(pair.server.getpeercert()["subject"], len(pair.server._sslobj.get_unverified_chain()))


def unshown():
    pair = Pair(asking, client_context()).shake()
    return pair.talk(b"x")


attempt("none shown", unshown)
asking, shown = server_context(), client_context()
asking.load_verify_locations(folder / "client.test.pem")
asking.verify_mode = ssl.CERT_REQUIRED
asking.post_handshake_auth = shown.post_handshake_auth = True
shown.load_cert_chain(folder / "client.test.pem", folder / "client.test.key")
pair = Pair(asking, shown).shake()
pair.talk(b"x")
before = pair.server.getpeercert()
pair.server.verify_client_post_handshake()
pair.talk(b"y")
pair.talk(b"z")
print("afterwards", before, pair.server.getpeercert()["subject"][-1])

print("-- sessions")
server, client = server_context(), client_context()
client.maximum_version = ssl.TLSVersion.TLSv1_2
first = Pair(server, client).shake()
session = first.client.session
second = Pair(server, client, session=session).shake()
print(first.client.session_reused, second.client.session_reused, second.server.session_reused, session.has_ticket, session == first.client.session,
      session.timeout, session.ticket_lifetime_hint, len(session.id), session != None, client.session_stats()["hits"])
attempt("other context", lambda: Pair(server, client_context(), session=session))
attempt("server", lambda: setattr(first.server, "session", session))
attempt("late", lambda: setattr(first.client, "session", session))

print("-- callbacks")
seen = []
server, client = server_context(), client_context()
client._msg_callback = lambda connection, direction, version, content, kind, data: seen.append((direction, version.name, content.name, str(kind)))
Pair(server, client).shake()
print(*seen, sep="\n")


def broken(*args):
    raise RuntimeError("from the callback")


client._msg_callback = broken
try:
    Pair(server, client).shake()
except RuntimeError as e:
    print("raised", e)
log = folder / "keys"
client = client_context()
client.keylog_filename = log
Pair(server_context(), client).shake()
print([line.split()[0] for line in log.read_text().splitlines()], client.keylog_filename == log)

print("-- ends")
pair = Pair(server_context(), client_context()).shake()
pair.talk(b"x")
attempt("goodbye", pair.client.unwrap)
attempt("read after it", lambda: pair.server.read(5))
attempt("answer", pair.server.unwrap)
attempt("goodbye again", pair.client.unwrap)
attempt("write after it", lambda: pair.client.write(b"x"))
pair = Pair(server_context(), client_context()).shake()
pair.to_client.write_eof()
pair.client.read(1) if False else attempt("cut off", lambda: pair.client.read(5))
pair = Pair(server_context(), client_context()).shake()
attempt("nothing there", lambda: pair.client.read(5))
pair.to_client.read()
pair.to_client.write(b"\x17\x03\x03\x00\x20" + os.urandom(32))
attempt("forged", lambda: pair.client.read(5))
buffer = bytearray(10)
pair = Pair(server_context(), client_context()).shake()
pair.server.write(b"0123456789abcdef")
print(pair.client.read(4, buffer), buffer, pair.client.pending(), pair.client.read(100, memoryview(buffer)[2:5]), buffer, pair.client.read())
for name in "key", "pem":
    for file in folder.glob(f"*.{name}"):
        file.unlink()
log.unlink()
folder.rmdir()
