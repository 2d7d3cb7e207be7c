"""The programs that travel to hosts, as files: small, static, and able to catch an exception."""

import datetime
import json
import os
import pathlib
import struct
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
# The x86_64 one comes out of the release build, with the texts of `gpustack doc` in its modules.
LIMITS = {"aarch64": 4_000_000, "x86_64": 5_250_000}
PT_INTERP = 3
PT_GNU_EH_FRAME = 0x6474E550


def program_headers(image):
    """Types of the segments of a 64-bit little-endian ELF file."""
    start, = struct.unpack_from("<Q", image, 32)
    size, count = struct.unpack_from("<HH", image, 54)
    return [struct.unpack_from("<I", image, start + size * index)[0] for index in range(count)]


class RunnerFile(unittest.TestCase):
    def runners(self):
        for architecture, limit in LIMITS.items():
            path = SOURCE / f"build/bin/gpustack-runner-{architecture}"
            if not path.exists():
                self.skipTest(f"{path} is missing: ./dev build makes it")
            yield architecture, path.read_bytes(), limit

    def test_it_is_small(self):
        for architecture, image, limit in self.runners():
            with self.subTest(architecture):
                self.assertLessEqual(len(image), limit)

    def test_it_is_static(self):
        for architecture, image, _ in self.runners():
            with self.subTest(architecture):
                self.assertNotIn(PT_INTERP, program_headers(image))

    def test_an_exception_finds_its_handler(self):
        # Without this index a static aarch64 program ends at the first exception, caught or not.
        for architecture, image, _ in self.runners():
            with self.subTest(architecture):
                self.assertIn(PT_GNU_EH_FRAME, program_headers(image))

    def test_rules_of_time_zones_are_read(self):
        # The runner reads them without the C library's sscanf().
        for zone in ("EST5EDT,M3.2.0,M11.1.0", "<+0530>-5:30", "A5B,J60/2,J300/2:30:10", "A5B,59/2,299", "XYZ-1:30:15", "Europe/Berlin", "none,"):
            with self.subTest(zone):
                environment = {**os.environ, "TZ": zone, "GPUSTACK_PERSIST": "false"}
                now = [sys.executable, "-c", "import datetime; print(datetime.datetime.now())"]
                before = subprocess.run(now, env=environment, capture_output=True, text=True, check=True).stdout.strip()
                shown = subprocess.run([SOURCE / "build/bin/gpustack", "adhoc", "localhost", "-i", "localhost,", "-c", "local", "-m", "command", "-a", "true",
                                        "--output", "json"], env=environment, capture_output=True, text=True, check=True).stdout
                start = next(json.loads(line)["result"]["start"] for line in shown.splitlines() if '"start"' in line)
                passed = datetime.datetime.fromisoformat(start) - datetime.datetime.fromisoformat(before)
                self.assertLess(abs(passed), datetime.timedelta(minutes=1), f"{before} and {start}")


if __name__ == "__main__":
    unittest.main()
