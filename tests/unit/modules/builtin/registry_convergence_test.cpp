/// Plan, apply, plan of every module: the second plan is empty. Modules whose own tests go that way
/// are counted; those that drive a program of the host have a host here whose program remembers
/// what was done.
#include "tests/support/convergence.hpp"
#include "tests/support/convergence_record.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

using test::MemorySystem;
using Words = std::vector<std::string>;

/// A host on which one thing is still to be done.
class Host {
 public:
  /// What a query prints before and after.
  Host& tells(const Words& argv,
              std::string before,
              std::string after,
              int status_before = 0,
              int status_after = 0) {
    system_.when(argv, [=, done = done_](const Command&, MemorySystem&) {
      CommandResult shown;
      shown.output = *done ? after : before;
      shown.status = *done ? status_after : status_before;
      return shown;
    });
    return *this;
  }
  Host& always(const Words& argv, std::string output, int status = 0) {
    system_.when(argv, std::move(output), status);
    return *this;
  }
  /// The command that does it; what it changes in files is up to `effect`.
  Host& makes(
      const Words& argv,
      std::string output = {},
      std::function<void(MemorySystem&)> effect = [](MemorySystem&) {}) {
    system_.when(argv, [=, done = done_](const Command&, MemorySystem& host) {
      *done = true;
      effect(host);
      CommandResult shown;
      shown.output = output;
      return shown;
    });
    return *this;
  }
  MemorySystem& system() { return system_; }

 private:
  MemorySystem system_;
  std::shared_ptr<bool> done_ = std::make_shared<bool>(false);
};

struct Case {
  const char* module;
  Value arguments;
  void (*arrange)(Host&);
};

void arrange_apt(Host& host) {
  const std::string bash = "bash\tamd64\tinstall ok installed\t5.2-1\n";
  const std::string tool = "nvtop\tamd64\tinstall ok installed\t3.0-1\n";
  host.system().folder("/var/lib/apt/lists").file("/var/lib/dpkg/status", "");
  host.tells({"dpkg-query"}, bash, bash + tool, 1, 0)
      .always({"apt-cache", "policy"},
              "nvtop:\n  Installed: (none)\n  Candidate: 3.0-1\n  Version table:\n     3.0-1 500\n "
              "       500 http://mirror.test/debian bookworm/main amd64 Packages\n")
      .always({"apt-cache", "showpkg"}, "Package: nvtop\nVersions: \n\nReverse Provides: \n")
      .always({"apt-get", "--simulate"},
              "0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.\nInst nvtop (3.0-1 "
              "Debian:12/stable [amd64])\n")
      .makes({"apt-get"}, "done\n");
}

void arrange_systemd(Host& host) {
  host.system().folder("/run/systemd/system");
  host.always({"systemctl"}, "")
      .tells({"systemctl", "show"},
             "LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\n",
             "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n")
      .makes({"systemctl", "start"});
}

const Case kCases[] = {
    {"acl",
     Value::map({{"path", "/srv"}, {"entry", "user:ml:rx"}, {"state", "present"}}),
     [](Host& host) {
       host.system().folder("/srv");
       host.always({"getfacl"}, "user::rwx\n")
           .tells({"setfacl", "--test"}, "/srv: u::rwx,u:ml:rx,*\n", "/srv: *,*\n")
           .makes({"setfacl", "-m"});
     }},
    {"alternatives",
     Value::map({{"name", "cuda"}, {"path", "/usr/local/cuda-13"}}),
     [](Host& host) {
       const std::string head = "Name: cuda\nLink: /usr/local/cuda\nStatus: auto\n";
       const std::string old = "\nAlternative: /usr/local/cuda-12\nPriority: 120\n";
       const std::string fresh = "\nAlternative: /usr/local/cuda-13\nPriority: 50\n";
       host.system().folder("/usr/local/cuda-12").folder("/usr/local/cuda-13");
       host.always({"update-alternatives"}, "")
           .tells({"update-alternatives", "--query", "cuda"},
                  head + "Value: /usr/local/cuda-12\n" + old,
                  head + "Value: /usr/local/cuda-13\n" + old + fresh)
           .makes({"update-alternatives", "--set"});
     }},
    {"apk",
     Value::map({{"name", "nano"}}),
     [](Host& host) {
       host.system().file("/etc/apk/world", "busybox\n");
       host.always({"apk"}, "")
           .always({"apk", "-v", "info", "--installed"}, "", 1)
           .always({"apk", "add", "--simulate"}, "(1/1) Installing nano (7-r0)\n")
           .makes({"apk", "add"}, "(1/1) Installing nano (7-r0)\n", [](MemorySystem& system) {
             system.file("/etc/apk/world", "busybox\nnano\n");
           });
     }},
    {"apt", Value::map({{"name", "nvtop"}}), arrange_apt},
    {"at",
     Value::map({{"command", "ufw disable"}, {"count", 5}, {"units", "minutes"}, {"unique", true}}),
     [](Host& host) {
       host.tells({"atq"}, "", "1\tFri Jan 1 00:00:00 2027 a root\n")
           .always({"at", "-c", "1"}, "#!/bin/sh\ncd /root\nufw disable\n")
           .makes({"at"}, "job 1 at Fri\n");
     }},
    {"capabilities",
     Value::map({{"path", "/usr/bin/x"}, {"capability", "cap_sys_nice+ep"}, {"state", "present"}}),
     [](Host& host) {
       host.tells({"getcap"}, "/usr/bin/x\n", "/usr/bin/x cap_sys_nice=ep\n").makes({"setcap"});
     }},
    {"dnf",
     Value::map({{"name", "nvtop"}}),
     [](Host& host) {
       host.system().program("dnf");
       host.tells({"rpm", "-q"}, "package nvtop is not installed\n", "nvtop-3.0-1\n", 1, 0)
           .always({"rpm", "-q", "--qf"}, "", 1)
           .always({"dnf", "--assumeno"},
                   "Installing:\n nvtop  x86_64  3.0-1  epel  70 k\n\nTransaction Summary\n",
                   1)
           .makes({"dnf", "-y"}, "Complete!\n");
     }},
    {"firewalld",
     Value::map({{"service", "ssh"}, {"state", "enabled"}}),
     [](Host& host) {
       host.always({"firewall-cmd"}, "", 1)
           .always({"firewall-cmd", "--state"}, "running\n")
           .always({"firewall-cmd", "--get-default-zone"}, "public\n")
           .tells({"firewall-cmd", "--query-service"}, "no\n", "yes\n", 1, 0)
           .makes({"firewall-cmd", "--add-service=ssh"}, "success\n");
     }},
    {"group",
     Value::map({{"name", "gpu"}, {"gid", 4000}}),
     [](Host& host) {
       host.makes({"groupadd"}, "", [](MemorySystem& system) { system.group("gpu", 4000); });
     }},
    {"iptables",
     Value::map({{"chain", "INPUT"}, {"protocol", "tcp"}, {"jump", "ACCEPT"}}),
     [](Host& host) {
       host.always({"iptables"}, "")
           .always({"iptables", "--version"}, "iptables v1.8.9 (nf_tables)\n")
           .always({"iptables", "-S", "INPUT"}, "-P INPUT ACCEPT\n")
           .tells({"iptables", "-C"}, "", "", 1, 0)
           .makes({"iptables", "-A"});
     }},
    {"package", Value::map({{"name", "nvtop"}}), arrange_apt},
    {"pacman",
     Value::map({{"name", "vim"}}),
     [](Host& host) {
       host.always({"pacman"}, "done\n")
           .tells({"pacman", "--query"}, "bash 5.2-1\n", "bash 5.2-1\nvim 9-1\n")
           .always({"pacman", "--query", "--upgrades"}, "")
           .always({"pacman", "--sync", "--list"}, "core bash 5.2-1\nextra vim 9-1\n")
           .always({"pacman", "--sync", "--groups", "--groups"}, "")
           .always({"pacman", "--sync", "--print-format", "%n %v"}, "vim 9-1\n")
           .makes({"pacman", "--sync", "--noconfirm"});
     }},
    {"seboolean",
     Value::map({{"name", "container_use_devices"}, {"state", true}}),
     [](Host& host) {
       const std::string file = "/sys/fs/selinux/booleans/container_use_devices";
       host.system().file("/sys/fs/selinux/enforce", "1").file(file, "0 0");
       host.always({"semanage"}, "").makes({"setsebool"}, "", [](MemorySystem& system) {
         system.file("/sys/fs/selinux/booleans/container_use_devices", "1 1");
       });
     }},
    {"service", Value::map({{"name", "docker"}, {"state", "started"}}), arrange_systemd},
    {"systemd", Value::map({{"name", "docker"}, {"state", "started"}}), arrange_systemd},
    {"template",
     Value::map({{"src", "x.j2"}, {"dest", "/etc/x"}, {"_content", Content::of("x\n").to_value()}}),
     [](Host&) {}},
    {"ufw",
     Value::map({{"state", "enabled"}}),
     [](Host& host) {
       host.tells({"ufw", "status", "verbose"}, "Status: inactive\n", "Status: active\n")
           .always({"ufw", "--version"}, "ufw 0.36.2\n")
           .makes({"ufw", "-f", "enable"}, "Firewall is active\n");
     }},
    {"user",
     Value::map({{"name", "ml"}, {"uid", 2000}}),
     [](Host& host) {
       host.makes({"useradd"}, "", [](MemorySystem& system) {
         system.user("ml", 2000, 2000, "/home/ml").folder("/home/ml");
       });
     }},
    {"xattr",
     Value::map({{"path", "/f"}, {"key", "user.origin"}, {"value", "new"}}),
     [](Host& host) {
       host.system().file("/f", "");
       host.tells({"getfattr"},
                  "# file: /f\nuser.origin=\"old\"\n",
                  "# file: /f\nuser.origin=\"new\"\n")
           .makes({"setfattr"});
     }},
    {"zypper",
     Value::map({{"name", "nano"}}),
     [](Host& host) {
       const Words start = {"zypper", "--quiet", "--non-interactive", "--xmlout", "install"};
       Words dry = start;
       dry.emplace_back("--dry-run");
       const std::string xml = "<stream><solvable type=\"package\" name=\"nano\"/></stream>\n";
       host.tells({"rpm", "-q", "--qf"}, "", "nano\n", 1, 0).always(dry, xml).makes(start, xml);
     }},
};

class Convergence : public testing::TestWithParam<Case> {};

TEST_P(Convergence, LeavesNothingToDo) {
  const Case& one = GetParam();
  Host host;
  one.arrange(host);

  test::expect_converges(*find_module(one.module), one.arguments, host.system());
}

INSTANTIATE_TEST_SUITE_P(OfModules, Convergence, testing::ValuesIn(kCases), [](const auto& test) {
  return std::string(test.param.module);
});

TEST(Lookers, NeverHaveAnythingToDo) {
  for (const char* name : {"ping", "service_facts", "setup"}) {
    MemorySystem system;
    system.when({"service", "--status-all"}, " [ + ]  ssh\n");
    const Value arguments = std::string_view(name) == "setup"
                                ? Value::map({{"gather_subset", Value::list({"!all", "!min"})}})
                                : Value(Map());

    test::expect_unchanged(*find_module(name), arguments, system);
  }
}

/// Whose effect nobody can look up afterwards, and why; they are skipped in a dry run or act each
/// time.
const std::set<std::string> kActEachTime = {
    "async_status",  // tells how a job is doing
    "command",       // what a program does is its own matter
    "expect",        // the same
    "raw",           // the same
    "script",        // the same
    "shell",         // the same
    "reboot",        // a host that was rebooted can be rebooted again
    "tempfile",      // makes another file each time
    "uri",           // a request is a request
    "wait_for",      // changes nothing, waits for others
};

/// EngineStory plays them against what a real engine answered, second runs among it.
const std::set<std::string> kPlayed = {
    "containers",  // its work is docker_container's
    "docker_container",
    "docker_image",
    "docker_network",
    "docker_volume",
};

/// Those that only look: nothing is ever left to do.
const std::set<std::string> kOnlyLook = {"container_image_info",
                                         "fetch",
                                         "find",
                                         "gather_facts",
                                         "getent",
                                         "nvidia_driver_facts",
                                         "package_facts",
                                         "ping",
                                         "service_facts",
                                         "setup",
                                         "slurp",
                                         "stat"};

/// After all tests of the program: every module that works on hosts has gone through plan, apply,
/// plan.
class EveryModule : public testing::Environment {
 public:
  void TearDown() override {
    if (testing::GTEST_FLAG(filter) != "*") return;
    for (const ModuleSpec* spec : all_modules()) {
      const std::string name(spec->name);
      if (spec->plan == nullptr || kActEachTime.contains(name) || kPlayed.contains(name)) continue;
      const auto& seen =
          kOnlyLook.contains(name) ? test::unchanged_modules() : test::converged_modules();
      EXPECT_TRUE(seen.contains(name))
          << "no test takes '" << name << "' through plan, apply, plan";
    }
  }
};

const testing::Environment* const kEveryModule = testing::AddGlobalTestEnvironment(new EveryModule);

}  // namespace
}  // namespace gpustack::modules
