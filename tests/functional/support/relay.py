"""A TCP relay between the controller and a host that can be made to hold back what goes to the host.

usage: relay.py LISTEN_PORT HOST PORT HOLD_AFTER

Bytes towards the host pass until HOLD_AFTER of them have been seen on one connection; then `held COUNT` is printed and
the rest is swallowed. So the moment "in the middle of an upload" lasts for as long as a test wants. The end of either side
is passed on at once. The way back from the host is always open.
"""
import socket
import sys
import threading


def pump(source, sink, allowed, report):
    """Moves bytes until one side ends. @param allowed  how many pass, or None for all of them"""
    passed = 0
    held = False
    try:
        while piece := source.recv(65536):
            if allowed is not None:
                piece = piece[:max(0, allowed - passed)]
            if piece:
                sink.sendall(piece)
                passed += len(piece)
            if allowed is not None and passed >= allowed and not held:
                held = True
                report(f"held {passed}")
    except OSError:
        pass
    for side in (source, sink):
        try:
            side.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def report(line):
    print(line, flush=True)


def main(arguments):
    port, host, host_port, hold_after = int(arguments[0]), arguments[1], int(arguments[2]), int(arguments[3])
    with socket.create_server(("0.0.0.0", port)) as server:
        report("listening")
        while True:
            client, _ = server.accept()
            target = socket.create_connection((host, host_port))
            for side in (client, target):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=pump, args=(client, target, hold_after, report), daemon=True).start()
            threading.Thread(target=pump, args=(target, client, None, report), daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1:])
