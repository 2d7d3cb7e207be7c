"""The relay forwards all bytes both ways, counts them, is never faster than its link, passes ends on and ends with its input."""

import json
import os
import pathlib
import socket
import subprocess
import threading
import time
import unittest

BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", "build/release"))


class Relay(unittest.TestCase):
    def setUp(self):
        self.echo = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.echo.close)
        self.server = threading.Thread(target=self.serve, daemon=True)
        self.server.start()

    def serve(self):
        """Sends back what it gets, once; then ends its half."""
        peer, _ = self.echo.accept()
        with peer:
            while piece := peer.recv(65536):
                peer.sendall(piece)

    def start(self, delay_us, bytes_per_second):
        way = f"127.0.0.1:0=127.0.0.1:{self.echo.getsockname()[1]}"
        relay = subprocess.Popen([str(BUILD / "bin/bench_relay"), str(delay_us), str(bytes_per_second), way],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(relay.stdout.close)
        self.addCleanup(relay.wait)
        self.addCleanup(relay.stdin.close)
        word, port = relay.stdout.readline().split()
        self.assertEqual("ready", word)
        self.place = ("127.0.0.1", int(port))
        return relay

    def exchange(self, message):
        """@return what came back until the end, and the seconds it took"""
        begin = time.monotonic()
        with socket.create_connection(self.place, timeout=30) as client:
            sender = threading.Thread(target=lambda: (client.sendall(message), client.shutdown(socket.SHUT_WR)))
            sender.start()
            back = b""
            while piece := client.recv(65536):
                back += piece
            sender.join()
        return back, time.monotonic() - begin

    def test_all_bytes_arrive_both_ways_and_are_counted(self):
        relay = self.start(0, 0)
        message = os.urandom(6 << 20)  # more than may be under way

        back, _ = self.exchange(message)

        relay.stdin.write("\n")
        relay.stdin.flush()
        self.assertEqual(message, back)
        self.assertEqual({"to_hosts": len(message), "from_hosts": len(message), "connections": 1}, json.loads(relay.stdout.readline()))

    def test_a_round_trip_after_that_of_the_handshake(self):
        self.start(20_000, 0)

        back, seconds = self.exchange(b"x")

        self.assertEqual(b"x", back)
        self.assertGreaterEqual(seconds, 0.08)

    def test_no_more_bytes_than_the_rate_lets_through(self):
        self.start(0, 100_000)

        _, seconds = self.exchange(b"x" * 10_000)

        self.assertGreaterEqual(seconds, 0.1)

    def test_the_end_of_its_input_ends_it(self):
        relay = self.start(0, 0)

        relay.stdin.close()

        self.assertEqual(0, relay.wait(30))


if __name__ == "__main__":
    unittest.main()
