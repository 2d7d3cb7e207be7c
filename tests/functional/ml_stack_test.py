#!/usr/bin/python3
"""ml/stack on recorded hosts with a recorded pip: the index of each platform, what is refused, and each way a package comes."""
import os
import pathlib
import sys
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tests/functional/support"))
from recorded_run import OnRecordedHosts, scenes  # noqa: E402

WHEELS = "https://download.pytorch.org/whl/"
# scene: (recorded host, variables, index or refusal)
PLATFORMS = {
    "grace": ("gh200", {}, WHEELS + "cu130"),
    "grace_stable": ("gh200", {"ml_cuda": "12.8"}, WHEELS + "cu128"),
    "grace_126": ("gh200", {"ml_cuda": "12.6"}, WHEELS + "cu126"),
    "ampere_126": ("altra-a100", {"ml_cuda": "12.6"}, "ERR-ML-INDEX"),
    "spark": ("dgx-spark", {}, WHEELS + "cu130"),
    "spark_128": ("dgx-spark", {"ml_cuda": "12.8"}, "ERR-ML-INDEX"),
    "spark_128_allowed": ("dgx-spark", {"ml_cuda": "12.8", "ml_allow_sm120": True}, WHEELS + "cu128"),
    "thor": ("jetson-thor-jp70", {}, WHEELS + "cu130"),
    "orin_72": ("jetson-agx-orin-jp72", {}, WHEELS + "cu130"),
    "orin_62": ("jetson-agx-orin-jp62", {}, "https://pypi.jetson-ai-lab.io/jp6/cu126"),
    "orin_51": ("jetson-orin-nano-jp51", {}, "ERR-ML-INDEX"),
    "orin_51_named": ("jetson-orin-nano-jp51", {"ml_torch_index": "https://wheels.example.com/jp5", "ml_allow_legacy": True},
                      "https://wheels.example.com/jp5"),
    "nano": ("jetson-nano-jp46-focal", {}, "ERR-ML-INDEX"),
    "h100": ("x86-h100", {}, WHEELS + "cu130"),
    "cu121_arm": ("gh200", {"ml_torch_index": WHEELS + "cu121"}, "ERR-ML-INDEX"),
    "cu121_x86": ("x86-h100", {"ml_torch_index": WHEELS + "cu121"}, WHEELS + "cu121"),
    "rock": ("rock5b-mainline", {}, WHEELS + "cpu"),
    "rock_cuda": ("rock5b-mainline", {"ml_cuda": "13.0"}, "ERR-ML-INDEX"),
    "graviton": ("graviton-c7g", {}, WHEELS + "cpu"),
    "amd": ("x86-mi210", {}, WHEELS + "rocm6.4"),
    "intel": ("x86-flex170", {}, WHEELS + "xpu"),
    "mirror": ("altra-a100", {"ml_torch_index": "https://mirror.example.com/whl/cu130"}, "https://mirror.example.com/whl/cu130"),
    "python_of_focal": ("jetson-xavier-nx-jp51", {"ml_cuda": "13.0"}, "ERR-ML-INDEX"),
    "processor": ("gh200", {"ml_cuda": "none"}, WHEELS + "cpu"),
}
WAYS = {
    "plain": ("gh200", {"ml_train_config": "/opt/train.yaml"}),
    "no_rust_needed": ("gh200", {}),
    "rust_needed": ("gh200+no-wheel-tokenizers", {}),
    "rust_never": ("gh200+no-wheel-tokenizers", {"ml_rust": "never"}),
    "rust_always": ("gh200", {"ml_rust": "always"}),
    "bitsandbytes_built": ("gh200+no-wheel-bitsandbytes", {}),
    "bitsandbytes_not_built": ("gh200+no-wheel-bitsandbytes", {"ml_source_builds": False}),
    "deepspeed": ("gh200", {"ml_deepspeed": "cpu_adam"}),
    "flash": ("gh200", {"ml_flash_attn": "build"}),
    "flash_x86": ("x86-h100", {"ml_flash_attn": "build"}),
    "not_built": ("gh200", {"ml_flash_attn": "build", "ml_source_builds": False}),
    "wrong_torch": ("gh200+torch-is-for-the-processor", {}),
}


class Index(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = scenes({name: scene[:2] for name, scene in PLATFORMS.items()}, check=False, times=2, roles=("ml/stack",))

    def test_each_platform_has_its_index(self):
        for name, (_, _, expected) in PLATFORMS.items():
            play = self.plays[name][0]
            with self.subTest(name):
                if expected.startswith("ERR-"):
                    self.assertTrue((play.failure or "nothing was refused").startswith(expected), play.failure)
                    self.assertEqual([], play.by("changed"))
                else:
                    self.assertIsNone(play.failure)
                    self.assertIn(f"install --index-url {expected} torch torchvision torchaudio", " ".join(play.commands))

    def test_a_second_run_changes_nothing(self):
        for name, (first, second) in self.plays.items():
            with self.subTest(name):
                self.assertEqual([], [task.name for task in second.by("changed")])
                if first.failure is None:
                    self.assertIsNone(second.failure)

    def test_a_python_without_packages_is_refused(self):
        plays = scenes({"old": ("altra-a100+python-3.8", {}), "new": ("altra-a100+python-3.15", {}), "jetson": ("jetson-agx-orin-jp62+python-3.12", {})},
                       roles=("ml/stack",))
        for name, found in {"old": "Python 3.8", "new": "Python 3.15", "jetson": "for 3.10 to 3.10"}.items():
            self.assertTrue(plays[name][0].failure.startswith("ERR-ML-PYTHON"), plays[name][0].failure)
            self.assertIn(found, " ".join(plays[name][0].failure.split()))

    def test_it_is_proven_that_torch_reaches_the_gpu(self):
        self.assertTrue(any("compute capability" in note for note in self.plays["grace"][0].notes))
        self.assertTrue(any("processor only" in note for note in self.plays["rock"][0].notes))


class Ways(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = {name: plays[0] for name, plays in scenes(WAYS, check=False, roles=("ml/stack",)).items()}

    def test_torch_is_kept_from_being_replaced(self):
        play = self.plays["plain"]
        self.assertIn("torch==2.9.0+cu130", play.files["/opt/gpustack-ml/gpustack-constraints.txt"])
        later = [words for words in play.commands if " install " in words and "--index-url" not in words.split(" install ")[1].split()[0]]
        self.assertTrue(all("--constraint" in words for words in later if "torchvision" not in words), later)

    def test_settings_for_training(self):
        text = self.plays["plain"].files["/opt/train.yaml"]
        for line in ("mixed_precision: bf16", "enable_flash_attention_3: false", "enable_fp8_training: false", "enable_tf32_compute: true",
                     "enable_cudnn_sdp: true"):
            self.assertIn(line, text)

    def test_rust_comes_only_where_it_is_needed(self):
        self.assertNotIn("rustc", self.plays["no_rust_needed"].packages)
        self.assertIn("rustc", self.plays["rust_needed"].packages)
        self.assertNotIn("rustc", self.plays["rust_never"].packages)
        self.assertIn("rustc", self.plays["rust_always"].packages)

    def test_bitsandbytes_is_built_where_there_is_no_wheel(self):
        self.assertIn("--only-binary=bitsandbytes bitsandbytes", " ".join(self.plays["plain"].commands))
        self.assertIn("git+https://github.com/bitsandbytes-foundation/bitsandbytes.git", " ".join(self.plays["bitsandbytes_built"].commands))
        self.assertIn("ml_source_builds is false", self.plays["bitsandbytes_not_built"].failure)

    def test_deepspeed_is_built(self):
        self.assertIn("--no-cache-dir --constraint /opt/gpustack-ml/gpustack-constraints.txt deepspeed", " ".join(self.plays["deepspeed"].commands))
        self.assertNotIn("deepspeed", " ".join(self.plays["plain"].commands))

    def test_flash_attention_is_warned_of(self):
        play = self.plays["flash"]
        self.assertIn("--no-build-isolation", " ".join(play.commands))
        self.assertTrue(any("two hours" in note and "issues 1815 and 1969" in " ".join(note.split()) for note in play.notes), play.notes)
        self.assertTrue(any("two hours" in note and "1815" not in note for note in self.plays["flash_x86"].notes))
        self.assertTrue(self.plays["not_built"].failure.startswith("ERR-ML-INDEX"))

    def test_a_torch_without_the_gpu_is_an_error(self):
        self.assertIn("its packages are for the processor", self.plays["wrong_torch"].failure)


IMAGE = {"ml_check_image": False}
IMAGES = {
    "spark_ngc": ("dgx-spark+file:/usr/bin/docker", {**IMAGE, "ml_install": "ngc"}),
    "orin_ngc": ("jetson-agx-orin-jp62", {**IMAGE, "ml_install": "ngc"}),
    "orin_old_ngc": ("jetson-orin-nano-jp51+file:/usr/bin/docker", {**IMAGE, "ml_install": "ngc"}),
    "rock_ngc": ("rock5b-mainline", {**IMAGE, "ml_install": "ngc"}),
    "no_engine": ("gh200", {**IMAGE, "ml_install": "docker"}),
    "grace_docker": ("gh200+file:/usr/bin/docker", {**IMAGE, "ml_install": "docker"}),
    "rock_docker": ("rock5b-mainline", {**IMAGE, "ml_install": "docker", "ml_packages": []}),
    "cu121": ("gh200+file:/usr/bin/docker", {**IMAGE, "ml_install": "docker", "ml_torch_index": WHEELS + "cu121"}),
    "blind": ("gh200+file:/usr/bin/docker+torch-is-for-the-processor", {**IMAGE, "ml_install": "ngc"}),
    "unchecked": ("gh200+file:/usr/bin/docker", {"ml_install": "ngc"}),  # nobody answers there
}


class Images(OnRecordedHosts, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = scenes(IMAGES, check=False, times=2, roles=("ml/stack",))

    def test_nvidias_image_is_fetched_and_asked(self):
        for scene, image in {"spark_ngc": "pytorch:25.09-py3", "orin_ngc": "pytorch:25.06-py3-igpu"}.items():
            with self.subTest(scene):
                self.assertIn(f"docker pull nvcr.io/nvidia/{image}", self.play(scene).commands)
                self.assertIn(f"nvcr.io/nvidia/{image}", self.files(scene)["/usr/local/bin/gpustack-ml"])
                self.assertEqual([], self.names(scene))
        self.assertIn("--gpus all", self.files("spark_ngc")["/usr/local/bin/gpustack-ml"])
        self.assertIn("--runtime nvidia", self.files("orin_ngc")["/usr/local/bin/gpustack-ml"])

    def test_an_image_is_built_from_the_platforms_index(self):
        dockerfile = self.files("grace_docker")["/opt/gpustack-ml-image/Dockerfile"]
        self.assertIn(f"--index-url {WHEELS}cu130 torch torchvision torchaudio", dockerfile)
        self.assertIn("--constraint /opt/ml/constraints.txt", dockerfile)
        self.assertIn("python3 -c 'import torch'", dockerfile)
        self.assertIn("docker build --tag gpustack-ml:latest /opt/gpustack-ml-image", self.play("grace_docker").commands)
        dockerfile = self.files("rock_docker")["/opt/gpustack-ml-image/Dockerfile"]
        self.assertIn(f"--index-url {WHEELS}cpu", dockerfile)
        self.assertNotIn("--constraint", dockerfile)

    def test_what_cannot_run_is_refused_first(self):
        for scene, words in {"orin_old_ngc": "35.3.1", "rock_ngc": "'mali'", "no_engine": "neither Docker nor Podman", "cu121": "cu121"}.items():
            self.assertIn(words, self.refusal(scene, "ERR-ML-INDEX"))
        self.assertEqual([], self.play("unchecked").by("changed"))
        self.assertIsNotNone(self.play("unchecked").failure)

    def test_an_image_without_the_gpu_is_an_error(self):
        self.assertIn("sees no GPU", self.play("blind").failure)


if __name__ == "__main__":
    unittest.main()
