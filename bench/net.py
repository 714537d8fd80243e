"""Group `net` of bench/run: echo over TCP on loopback, by protocols and by streams, and memory of idle connections and tasks."""
import pathlib
import statistics
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CONNECTIONS, MESSAGES = 10, 2000
IDLE = 1000


def build_client(folder):
    client = pathlib.Path(folder) / "echo_client"
    subprocess.run(["cc", "-O2", "-o", client, HERE / "echo_client.c"], check=True)
    return client


def start_server(command, kind):
    server = subprocess.Popen([*command[:1], str(HERE / "echo_server.py"), kind, *command[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    return server, server.stdout.readline().strip()


def finish(server):
    said = server.communicate(timeout=60)[0].split()
    return float(said[-1])


def echo(client, command, kind, size):
    """Seconds that the client sees, and seconds of processor time that the server took."""
    server, port = start_server(command, kind)
    seen = subprocess.run([client, port, str(CONNECTIONS), str(MESSAGES), str(size)], capture_output=True, text=True, timeout=120)
    used = finish(server)
    return float(seen.stdout), used


def idle_connection(client, command):
    """Bytes of the server for each idle connection."""
    server, port = start_server(command, "idle")
    clients = subprocess.Popen([client, port, str(IDLE), "idle"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    clients.stdout.readline()
    used = finish(server)
    clients.communicate()
    return used / IDLE


def idle_task(command):
    done = subprocess.run([command[0], str(HERE / "echo_server.py"), "tasks", *command[1:]], capture_output=True, text=True, timeout=120)
    return float(done.stdout) / 10000


def run(reference, cede, rounds):
    """Prints all lines; returns the ratios against the reference."""
    programs = {"reference": [reference], "uvloop": [reference, "uvloop"], "cede": [cede]}
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        client = build_client(folder)
        for kind in "protocol", "stream":
            for size in 1024, 65536:
                seen = {name: [] for name in programs}
                used = {name: [] for name in programs}
                for _ in range(rounds):
                    for name, command in programs.items():
                        wall, processor = echo(client, command, kind, size)
                        seen[name].append(wall)
                        used[name].append(processor)
                for what, table in ("seen by client", seen), ("processor time", used):
                    r, u, c = (1e6 * statistics.median(table[name]) / CONNECTIONS / MESSAGES for name in programs)
                    ratios.append(r / c)
                    print(f"net          echo by {kind}, {size} bytes, {what}: reference {r:6.1f} us  uvloop {u:6.1f} us  cede {c:6.1f} us"
                          f"   ratio {r / c:5.2f}, to uvloop {u / c:5.2f}", flush=True)
        for what, measure in ("connection", lambda command: idle_connection(client, command)), ("task", idle_task):
            r, u, c = (measure(command) for command in programs.values())
            print(f"net          memory of an idle {what}: reference {r:6.0f} bytes  uvloop {u:6.0f}  cede {c:6.0f}   ratio {r / c:5.2f}", flush=True)
    return ratios
