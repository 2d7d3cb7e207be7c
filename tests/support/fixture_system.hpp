#pragma once
/// @file A recorded host: a tree from tests/fixtures/hosts that answers as that board or server
/// would.

#include "modules/sdk/kernel.hpp"
#include "tests/support/memory_system.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace gpustack::test {

/// A kernel that answers from data.
class RecordedKernel : public modules::Kernel {
 public:
  modules::KernelName names;
  std::uint64_t page_bytes = 4096;
  unsigned cpus = 0;
  std::vector<modules::InterfaceAddress> interface_addresses;
  std::optional<modules::Route> route_v4, route_v6;

  modules::KernelName name() const override { return names; }
  std::uint64_t page_size() const override { return page_bytes; }
  unsigned usable_cpus() const override { return cpus; }
  std::vector<modules::InterfaceAddress> addresses() const override { return interface_addresses; }
  std::optional<modules::Route> route_to(const std::string& address) const override;
  std::optional<modules::FileSystemUse> usage(const std::string& path,
                                              std::chrono::milliseconds patience) const override;
  modules::LocalTime local_time(std::chrono::system_clock::time_point when) const override;
};

/// The host in tests/fixtures/hosts/NAME, in memory: its files, device nodes, commands and kernel.
/// `.gpustack-fixture/` in the tree holds uname.json (what uname(2) and the page size are),
/// nodes.json (device nodes by path) and commands.json (argv prefixes with stdout and rc). Files
/// below a `bin` or `sbin` folder are programs.
class FixtureSystem : public MemorySystem {
 public:
  explicit FixtureSystem(const std::string& name);

  const modules::Kernel& kernel() const override { return recorded; }
  static std::filesystem::path folder_of(const std::string& name);
  static std::vector<std::string> all_names();

  RecordedKernel recorded;

 private:
  void load_tree(const std::filesystem::path& root);
  void load_records(const std::filesystem::path& folder);
};

/// All facts `setup` gives for a host, with Ansible's names.
inline Value setup_facts(const modules::SystemView& host, Value arguments) {
  const modules::ModuleSpec* setup = modules::find_module("setup");
  GS_ASSERT(setup != nullptr, "setup is among the modules");
  auto checked = modules::check_arguments(*setup, arguments);
  GS_ASSERT(checked.has_value(), "the test's arguments are setup's");
  return modules::plan_module(*setup, *checked, host).get("ansible_facts");
}

/// The `gpustack` facts of a host.
inline Value gpustack_facts(const modules::SystemView& host) {
  return setup_facts(host,
                     Value::map({{"gather_subset", Value::list({"!all", "!min", "gpustack"})}}))
      .get("ansible_gpustack");
}

}  // namespace gpustack::test
