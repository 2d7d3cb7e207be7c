// Which facts the texts of a site name.
#include "core/engine/read_facts.hpp"

#include "core/engine/fact_names.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace gpustack::engine {
namespace {

/// The families, with spaces between; `all`.
std::string read_by(std::string_view text) {
  ReadFacts read;
  read.read(text);
  if (read.all()) return "all";
  std::string out;
  for (const std::string_view family : read.families()) out += std::string(family) + " ";
  return out;
}

TEST(ReadFacts, AreThoseOfTheNames) {
  EXPECT_EQ(read_by("- debug: {msg: nothing}"), "");
  EXPECT_EQ(read_by("when: ansible_distribution == 'Debian'"), "distribution ");
  EXPECT_EQ(read_by("{{ ansible_hostname }} {{ansible_default_ipv4.address}}"),
            "network platform ");
  EXPECT_EQ(read_by("{{ ansible_facts.os_family }} {{ ansible_facts['memtotal_mb'] }}"),
            "distribution hardware ");
  EXPECT_EQ(read_by("{{ ansible_local.site.name }} {{ ansible_gpustack.profile }}"),
            "gpustack local ");
}

TEST(ReadFacts, AnUnknownNameMayBeAnInterface) {
  EXPECT_EQ(read_by("{{ ansible_eth0.mtu }}"), "network ");
  EXPECT_EQ(read_by("{{ ansible_facts.enp3s0 }}"), "network ");
}

TEST(ReadFacts, AreNotVariablesOfConnectionsAndOfTheRun) {
  EXPECT_EQ(read_by("ansible_host: 10.0.0.1\nansible_user: ann\nansible_become: true\n"
                    "ansible_ssh_common_args: -C\nansible_group_priority: "
                    "2\nansible_python_interpreter: /usr/bin/python3\n"
                    "{{ ansible_check_mode }} {{ ansible_managed }} {{ ansible_play_hosts }}"),
            "");
  EXPECT_EQ(read_by("my_ansible_kernel: 1"), "");
}

TEST(ReadFacts, AreAllWhereNamesCannotBeTold) {
  for (const char* text : {"{{ ansible_facts | to_json }}",
                           "{{ ansible_facts[family] }}",
                           "{{ ansible_facts.items() }}",
                           "{{ ansible_facts.gather_subset }}",
                           "{{ vars['ansible_' ~ name] }}",
                           "{{ hostvars[other][name] }}",
                           "{{ hostvars | dict2items }}",
                           "{{ query('varnames', '^a') }}",
                           "module_defaults: {setup: {filter: x}}",
                           "$ANSIBLE_VAULT;1.1;AES256"}) {
    EXPECT_EQ(read_by(text), "all") << text;
  }
}

TEST(ReadFacts, OfOtherHostsAreReadByTheirNames) {
  EXPECT_EQ(read_by("{{ hostvars['db'].ansible_kernel }} {{ hostvars[a[0]]['port'] }}"),
            "platform ");
  EXPECT_EQ(read_by("{{ hostvars.db.ansible_facts.fips }}"), "fips ");
}

TEST(ReadFacts, StandInValuesAndInFiles) {
  const std::string folder = testing::TempDir() + "/read-facts";
  std::filesystem::create_directories(folder + "/templates/deep");
  std::filesystem::create_directories(folder + "/.git");
  std::ofstream(folder + "/templates/deep/a.j2") << "{{ ansible_kernel }}";
  std::ofstream(folder + "/.git/b") << "{{ ansible_fips }}";
  std::ofstream(folder + "/program") << std::string("\0 ansible_facts", 15);
  ReadFacts read;
  read.read_value(Value::map({{"a", Value::list({"{{ ansible_lsb.id }}"})}}));
  read.read_folder(folder);
  EXPECT_FALSE(read.all());
  EXPECT_EQ(read.families(), (ReadFacts::Families{"lsb", "platform"}));
  EXPECT_EQ(read.subset(), Value::list({"!all", "!min", "lsb", "platform"}));
  EXPECT_TRUE(read.is_within({"dns", "lsb", "platform"}));
  EXPECT_FALSE(read.is_within({"platform"}));
  read.read_folder(folder + "/missing");
  EXPECT_TRUE(read.all());
  EXPECT_TRUE(read.subset().is_null());
  std::filesystem::remove_all(folder);
}

TEST(ReadFacts, AreAllWhereAFolderHasAnotherFileSystemBelow) {
  const std::string folder = testing::TempDir() + "/read-facts-mounts";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder + "/files");
  std::ofstream(folder + "/files/empty").close();
  ReadFacts own;
  own.read_folder(folder);
  EXPECT_FALSE(own.all());
  std::filesystem::create_directory_symlink("/proc", folder + "/files/proc");
  ReadFacts with_proc;
  with_proc.read_folder(folder);
  EXPECT_TRUE(with_proc.all());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace gpustack::engine
