"""The programs that travel to hosts, as files: small, static, and able to catch an exception."""

import os
import pathlib
import struct
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


if __name__ == "__main__":
    unittest.main()
