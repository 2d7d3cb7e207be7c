#include "core/engine/facts.hpp"

#include <gtest/gtest.h>

namespace gpustack::engine {
namespace {

TEST(TrustedFacts, SayNothingOfHowTheHostIsReachedOrWhatRunsThere) {
  for (const char* name : {"ansible_connection",
                           "ansible_host",
                           "ansible_ssh_common_args",
                           "ansible_become_exe",
                           "ansible_become",
                           "ansible_python_interpreter",
                           "ansible_playbook_python"})
    EXPECT_FALSE(is_trusted_fact(name)) << name;
  for (const char* name : {"ansible_hostname",
                           "ansible_ssh_host_key_rsa_public",
                           "ansible_local",
                           "ansible_ssh_bridge",
                           "python_interpreter",
                           "connection"})
    EXPECT_TRUE(is_trusted_fact(name)) << name;
}

TEST(KeptFacts, AreAllInAnsibleFactsAndUnsafe) {
  HostState host;
  const auto distrusted =
      keep_facts(host, Map{{"ansible_user", "evil"}, {"ansible_kernel", "{{ 1 }}"}});
  EXPECT_EQ(distrusted, std::vector<std::string>{"ansible_user"});
  EXPECT_EQ(host.bare_facts.get("user"), Value("evil"));
  EXPECT_EQ(host.facts.find("ansible_user"), nullptr);
  EXPECT_TRUE(host.facts.get("ansible_kernel").is_unsafe());
}

}  // namespace
}  // namespace gpustack::engine
