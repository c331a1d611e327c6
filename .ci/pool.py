#!/usr/bin/env python3
"""Runs a pool on this machine and passes each request on to the next hub of it.

  pool.py --tansiq FILE --etcd FILE --dir DIR [--hubs 3] -- OPTION_OF_TANSIQ_HUB...

Members of etcd and hubs are processes, as many of each, and each hub has an owner of its own; what
they print is in DIR.  The first line printed is the URL at which requests are passed on.  A POST to
/.ci/restart there kills the next hub with SIGKILL and starts it again, and answers when it is ready.
SIGTERM ends it all.  Needs Python 3.11, nothing else.
"""
import argparse
import http.client
import itertools
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time

READY_S_MAX = 60
HEAD_BYTES_MAX = 1 << 20
CONNECTIONS_WAITING_MAX = 128
ANSWER_S_MAX = 60
HOST = "127.0.0.1"


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind((HOST, 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Process:
    """A program that is killed and started again, with what it prints in a file."""

    def __init__(self, command, log):
        self.command, self.log, self.child = command, log, None

    def start(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log)

    def kill(self):
        if self.child:
            self.child.kill()
            self.child.wait()


class Hub(Process):
    def __init__(self, name, command, log, port, admin_port):
        super().__init__(command, log)
        self.name, self.port, self.admin_port = name, port, admin_port

    def wait(self):
        """Returns when the hub says that it is ready."""
        until = time.monotonic() + READY_S_MAX
        while time.monotonic() < until:
            if self.child.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.child.returncode}")
            try:
                admin = http.client.HTTPConnection(HOST, self.admin_port, timeout=ANSWER_S_MAX)
                admin.request("GET", "/health/ready")
                if admin.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError(f"{self.name} is not ready after {READY_S_MAX} s")


class Pool:
    """Members of etcd and hubs of one pool."""

    def __init__(self, options):
        self.options, self.dir = options, os.path.abspath(options.dir)
        self.turn = itertools.count()
        self.members, self.urls = self.plan_members()
        self.hubs = []

    def plan_members(self):
        count = self.options.hubs
        ports = free_ports(2 * count)
        urls = [f"http://{HOST}:{port}" for port in ports[:count]]
        peers = [f"http://{HOST}:{port}" for port in ports[count:]]
        cluster = ",".join(f"member-{number}={peer}" for number, peer in enumerate(peers))
        members = []
        for number, (url, peer) in enumerate(zip(urls, peers)):
            data = os.path.join(self.dir, f"member-{number}")
            command = [self.options.etcd, "--name", f"member-{number}", "--data-dir", data,
                       "--listen-client-urls", url, "--advertise-client-urls", url,
                       "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                       "--initial-cluster", cluster, "--log-level", "warn"]
            members.append(Process(command, data + ".log"))
        return members, urls

    def start(self):
        for member in self.members:
            member.start()
        names = [f"owner-{number}" for number in range(self.options.hubs)]
        cards = []
        for name in names:
            self.tansiq("pool", "keys", "owner", name, "--out", self.dir)
            self.tansiq("pool", "keys", "hub", f"{name}-hub", "--owner", name, "--out", self.dir)
            cards += [self.path(f"{name}.owner.toml"), self.path(f"{name}-hub.hub.toml")]
        genesis = self.path("genesis")
        self.tansiq("pool", "init", "genesis", "--name", "ci", "--out", genesis, *cards)
        self.tansiq("pool", "init", "etcd", "--genesis", genesis, "--no-auth", "--etcd", *self.urls)
        self.hubs = self.plan_hubs(names)
        for hub in self.hubs:
            hub.start()
        for hub in self.hubs:
            hub.wait()

    def plan_hubs(self, owners):
        count = len(owners)
        ports = free_ports(3 * count)
        hubs = [f"{owner}-hub" for owner in owners]
        peers = {hub: f"http://{HOST}:{port}" for hub, port in zip(hubs, ports[2 * count:])}
        fingerprint = subprocess.run(["sha256sum", self.path("genesis")], check=True,
                                     stdout=subprocess.PIPE, text=True).stdout.split()[0]
        planned = []
        for number, hub in enumerate(hubs):
            port, admin_port, peer_port = ports[number::count]
            # Each hub asks the member beside it first.
            urls = self.urls[number:] + self.urls[:number]
            others = [f"--peer={name}={url}" for name, url in peers.items() if name != hub]
            joined = self.tansiq("pool", "join", hub, "--genesis", self.path("genesis"),
                                 "--expect", fingerprint, "--hub-key", self.path(f"{hub}.key.pem"),
                                 "--no-auth", "--peer-listen", f"{HOST}:{peer_port}", *others,
                                 "--etcd", *urls)
            config = self.path(f"{hub}.toml")
            with open(config, "w", encoding="utf-8") as file:
                file.write(joined)
            command = [self.options.tansiq, "hub", "--config", config, "--listen",
                       f"{HOST}:{port}", "--admin-listen", f"{HOST}:{admin_port}",
                       "--data", self.path(hub), *self.options.hub_options]
            planned.append(Hub(hub, command, self.path(f"{hub}.log"), port, admin_port))
        return planned

    def restart_next(self):
        hub = self.hubs[next(self.turn) % len(self.hubs)]
        hub.kill()
        hub.start()
        hub.wait()

    def stop(self):
        for process in self.hubs + self.members:
            process.kill()

    def path(self, name):
        return os.path.join(self.dir, name)

    def tansiq(self, *arguments):
        done = subprocess.run([self.options.tansiq, *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise RuntimeError(f"tansiq {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout


def read_message(stream, without_body=False):
    """Reads an HTTP/1.1 message as it is; returns its head and its body, or None at the end."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline(HEAD_BYTES_MAX)
        if not line or HEAD_BYTES_MAX < len(head) + len(line):
            return None
        head += line
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"transfer-encoding":
            raise ValueError("a chunked message; neither clients in CI nor hubs send any")
        if name.strip().lower() == b"content-length":
            length = int(value)
    return head, b"" if without_body else stream.read(length)


class RoundRobin(socketserver.ThreadingTCPServer):
    """Passes each request on to the next hub, byte by byte, and its answer back."""
    allow_reuse_address = daemon_threads = True
    request_queue_size = CONNECTIONS_WAITING_MAX

    def __init__(self, pool):
        super().__init__((HOST, 0), Connection)
        self.pool, self.turn, self.passed_on = pool, itertools.count(), {}

    def next_hub(self):
        hub = self.pool.hubs[next(self.turn) % len(self.pool.hubs)]
        self.passed_on[hub.name] = self.passed_on.get(hub.name, 0) + 1
        return hub


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        while message := read_message(self.rfile):
            head, body = message
            if head.startswith(b"POST /.ci/restart "):
                self.server.pool.restart_next()
                self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                continue
            answer = self.ask(self.server.next_hub(), head, body)
            if not answer:
                return
            self.wfile.write(answer[0] + answer[1])
            if b"connection: close" in answer[0].lower():
                return

    def ask(self, hub, head, body):
        """Asks over a connection of its own, so that none is kept to a hub that is killed."""
        try:
            with socket.create_connection((HOST, hub.port), timeout=ANSWER_S_MAX) as asked:
                asked.sendall(head + body)
                with asked.makefile("rb") as answer:
                    return read_message(answer, without_body=head.startswith(b"HEAD "))
        except OSError as error:
            print(f"{hub.name}: {error}", file=sys.stderr)
            return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    for name in ("--tansiq", "--etcd", "--dir"):
        parser.add_argument(name, required=True)
    parser.add_argument("--hubs", type=int, default=3)
    parser.add_argument("hub_options", nargs="*")
    pool = Pool(parser.parse_args())
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        pool.start()
        front = RoundRobin(pool)
        threading.Thread(target=front.serve_forever, daemon=True).start()
        print(f"http://{HOST}:{front.server_address[1]}", flush=True)
        ended.wait()
        print("passed on:", *(f"{name} {count}" for name, count in front.passed_on.items()))
    except RuntimeError as error:
        sys.exit(str(error))
    finally:
        pool.stop()


if __name__ == "__main__":
    main()
