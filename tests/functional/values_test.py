#!/usr/bin/python3
"""Values of role variables that mean nothing: misspelled names, other types, words that are no choice. Each is refused before a change, with
the variable, what was found, and what is expected."""
import os
import pathlib
import re
import sys
import unittest

import yaml

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tests/functional/support"))
from recorded_run import scenes  # noqa: E402

GPU, RUNTIME = "hardware/gpu", "containers/runtime"


def sharing(strategy, **details):
    return {"containers_gpu_slicing": {"strategy": strategy, **details}}


# Role, host, variables, words of the refusal.
VALUES = [
    (RUNTIME, "x86-h100", sharing("time-slicin"), ("ERR-SLICING time-slicin", "unknown strategy", "level-zero")),
    (GPU, "x86-h100", sharing("time-slicin"), ("ERR-SLICING time-slicin", "expected a map whose strategy is one of auto, none")),
    (RUNTIME, "x86-h100", sharing(["mig"]), ("ERR-SLICING", '["mig"]', "a text")),
    (GPU, "x86-h100", sharing(["mig"]), ("ERR-SLICING", "expected a map whose strategy")),
    (GPU, "x86-h100", {"containers_gpu_slicing": "mig"}, ("ERR-SLICING", 'is "mig", expected a map')),
    (GPU, "x86-h100", {"containers_gpu_slicing": {"strategie": "mig"}}, ("ERR-SLICING", "strategie")),
    (RUNTIME, "x86-h100", {"containers_gpu_slicing": {"strategie": "mig"}}, ("containers_gpu_slicing", "strategie")),
    (RUNTIME, "gh200", sharing("mig", mig="1g.12gb"), ("mig", "dict")),
    (RUNTIME, "gh200", sharing("mig", mig={"profiles": "1g.12gb"}), ("ERR-MIG-PROFILE", 'is "1g.12gb", expected a list')),
    (RUNTIME, "gh200", sharing("mig", mig={"profiles": 7}), ("ERR-MIG-PROFILE", "is 7, expected a list")),
    (RUNTIME, "x86-h100", sharing("time-slicing", time_slicing={"replicas": "many"}), ("time_slicing.replicas", 'is "many", expected a number')),
    (RUNTIME, "x86-h100", sharing("time-slicing", time_slicing={"replicas": [4]}), ("time_slicing.replicas", "is [4], expected a number")),
    (RUNTIME, "x86-h100", sharing("time-slicing", time_slicing={"replicas": -1}), ("time_slicing.replicas", "is -1, expected a number")),
    (RUNTIME, "x86-flex170", sharing("sriov", sriov={"vf_count": "all"}), ("sriov.vf_count", "expected a number")),
    (RUNTIME, "x86-h100", {"containers_runtime": "dokcer"}, ("containers_runtime is 'dokcer'", "expected auto, docker")),
    (RUNTIME, "x86-h100", {"containers_runtime": ["docker", "rkt"]}, ("containers_runtime", "rkt")),
    (RUNTIME, "x86-h100", {"containers_runtime": {"docker": True}}, ('containers_runtime is {"docker": true}', "or a list")),
    (RUNTIME, "x86-h100", {"containers_install": "dockr"}, ("containers_install must be one of", "dockr")),
    (RUNTIME, "x86-h100", {"containers_gpu_vendor": ["nvidia"]}, ("containers_gpu_vendor must be one of",)),
    (RUNTIME, "x86-h100", {"containers_enable_gpu_support": "perhaps"}, ("containers_enable_gpu_support", "perhaps")),
    (RUNTIME, "x86-h100", {"containers_nvidia_mode": "cdii"}, ("containers_nvidia_mode must be one of", "cdii")),
    (RUNTIME, "x86-h100", {"containers_toolkit_version": "newest"}, ('containers_toolkit_version is "newest"', "such as 1.18.0")),
    (RUNTIME, "x86-h100", {"containers_gpu_slcing": {"strategy": "mig"}}, ("containers_gpu_slcing is not a variable of this role",)),
    (GPU, "x86-h100", {"gpu_driver_brnch": "570"}, ("gpu_driver_brnch is not a variable of this role",)),
    (GPU, "x86-h100", {"jetson_powermode": "15W"}, ("jetson_powermode is not a variable of this role",)),
    (GPU, "x86-h100", {"gpu_stack_vendor": "nvidea"}, ('gpu_stack_vendor is "nvidea", expected one of auto, nvidia',)),
    (GPU, "x86-h100", {"gpu_stack_vendor": {"a": 1}}, ('gpu_stack_vendor is {"a": 1}',)),
    (GPU, "x86-h100", {"gpu_stack_mode": "servr"}, ("gpu_stack_mode must be one of", "servr")),
    (GPU, "x86-h100", {"gpu_driver_source": "ppa"}, ("gpu_driver_source must be one of", "ppa")),
    (GPU, "gh200-no-driver", {"gpu_driver_branch": "latest"}, ('gpu_driver_branch is "latest"', "such as 580")),
    (GPU, "gh200-no-driver", {"gpu_driver_version": "580"}, ('gpu_driver_version is "580"', "such as 580.95.05")),
    (GPU, "gh200-no-driver", {"gpu_fabricmanager": "maybe"}, ('gpu_fabricmanager is "maybe"', "auto, true or false")),
    (GPU, "gh200-no-driver", {"gpu_imex_nodes": "192.0.2.1"}, ("gpu_imex_nodes is", "expected a list")),
    (GPU, "x86-h100", {"gpu_cuda_toolkit": "13.0"}, ('gpu_cuda_toolkit is "13.0"', "such as 13-0")),
    (GPU, "x86-h100", {"gpu_extra_packages": "htop"}, ("gpu_extra_packages", "expected a list")),
    (GPU, "x86-h100", {"gpu_extra_packages": [{"a": 1}]}, ("gpu_extra_packages", "expected a list of texts")),
    (GPU, "rpi5", {"gpu_users": "root"}, ("gpu_users", "expected a list")),
    (GPU, "jetson-agx-orin-jp62", {"jetson_power_mode": ["15W"]}, ("jetson_power_mode", "expected keep")),
    (GPU, "gh200-no-driver", {"gpu_disk_least_mib": "lots"}, ("gpu_disk_least_mib", "int")),
]
# What looks odd and means something.
GOOD = [
    (GPU, "gh200-no-driver", {"gpu_driver_branch": 570}),
    (GPU, "gh200-no-driver", {"gpu_fabricmanager": "yes"}),
    (GPU, "jetson-agx-orin-jp62", {"jetson_power_mode": 2}),
    (GPU, "x86-ryzen-rtx", {"gpu_stack_vendor": ["nvidia", "amd"], "gpu_driver_source": "none"}),
    (RUNTIME, "x86-h100", sharing("time-slicing", time_slicing={"replicas": "4"})),
    (RUNTIME, "x86-h100", {"containers_gpu_slicing": {"strategy": "auto", "auto_strategy": {"bare_metal": "mig"}}}),
    (RUNTIME, "x86-h100", {"containers_gpu_slicing": {}}),
    (RUNTIME, "x86-h100", {"containers_site_notes": "mine"}),
]


class Values(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = {}
        for role in (GPU, RUNTIME):
            table = {f"{kind}{number}": case[1:3] for kind, cases in (("bad", VALUES), ("good", GOOD)) for number, case in enumerate(cases)
                     if case[0] == role}
            cls.plays.update(scenes(table, roles=(role,)))

    def test_each_is_refused_by_name_before_a_change(self):
        for number, (role, _, variables, words) in enumerate(VALUES):
            with self.subTest(role=role, variables=variables):
                play = self.plays[f"bad{number}"][0]
                self.assertIsNotNone(play.failure, "nothing was refused")
                self.assertEqual([], [task.name for task in play.by("changed")])
                for word in words:
                    self.assertIn(word, play.failure)

    def test_what_means_something_is_taken(self):
        for number, (role, _, variables) in enumerate(GOOD):
            with self.subTest(role=role, variables=variables):
                self.assertIsNone(self.plays[f"good{number}"][0].failure)


class KnownNames(unittest.TestCase):
    """A name that a role has and its list lacks would be refused as misspelled."""

    def test_the_lists_hold_what_there_is(self):
        for role, start in ((GPU, "gpu"), (RUNTIME, "containers")):
            folder = SOURCE / "roles" / role
            known = yaml.safe_load((folder / "vars/main/known.yml").read_text())
            names = set(yaml.safe_load((folder / "vars/main/refused.yml").read_text())[f"{start}_refused_variables"])
            for path in [*folder.glob("defaults/*.yml"), *folder.glob("vars/main/*.yml")]:
                names |= set(yaml.safe_load(path.read_text()) or {})
            for path in [*folder.glob("tasks/*.yml"), *folder.glob("handlers/*.yml")]:
                text = path.read_text()
                names |= set(re.findall(r"register: (\w+)", text)) | set(re.findall(r"^ +(\w+):(?: |$)", text, re.MULTILINE))
            own = {name for name in names if re.match(known[f"{start}_own_names"], name)}
            with self.subTest(role):
                self.assertEqual(sorted(own), sorted(known[f"{start}_known_variables"]))


if __name__ == "__main__":
    unittest.main()
