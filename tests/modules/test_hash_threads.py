"""One hash object fed by several threads at a time: every byte is counted once."""
import hashlib
import hmac
import threading
import zlib

block = bytes(range(256)) * 4096


def feed(*objects):
    for _ in range(5):
        for o in objects:
            o.update(block)
            o.copy().hexdigest()


shared = [hashlib.sha256(), hashlib.md5(), hashlib.blake2b(), hashlib.sha3_256(), hmac.new(b"key", digestmod="sha1")]
threads = [threading.Thread(target=feed, args=shared) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
for o in shared:
    print(o.name, o.hexdigest())

sums = []
threads = [threading.Thread(target=lambda: sums.append((zlib.crc32(block), zlib.adler32(block)))) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(set(sums))
