#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec deb822_repository_module;

namespace {

using test::MemorySystem;

Value cuda() {
  return Value::map({{"name", "NVIDIA CUDA_repo"},
                     {"types", Value::list({"deb", "deb-src"})},
                     {"uris", "https://developer.download.nvidia.com/x/sbsa/"},
                     {"suites", "/"},
                     {"enabled", true},
                     {"signed_by", "/usr/share/keyrings/cuda.gpg"}});
}

TEST(Deb822Repository, IsAStanzaInTheOrderItWasWritten) {
  MemorySystem system;
  system.folder("/etc/apt/sources.list.d");

  const Value result = test::expect_converges(deb822_repository_module, cuda(), system);

  EXPECT_EQ(to_text(result.get("dest")), "/etc/apt/sources.list.d/nvidia-cuda-repo.sources");
  EXPECT_EQ(system.text("/etc/apt/sources.list.d/nvidia-cuda-repo.sources"),
            "X-Repolib-Name: NVIDIA CUDA_repo\nTypes: deb deb-src\nURIs: "
            "https://developer.download.nvidia.com/x/sbsa/\nSuites: /\n"
            "Enabled: yes\nSigned-By: /usr/share/keyrings/cuda.gpg\n");
}

TEST(Deb822Repository, IndentsAKeyBlock) {
  MemorySystem system;
  system.folder("/etc/apt/sources.list.d");
  Value args = cuda();
  args.set("signed_by",
           "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----");

  test::run(deb822_repository_module, args, system);

  EXPECT_TRUE(system.text("/etc/apt/sources.list.d/nvidia-cuda-repo.sources")
                  .ends_with("Signed-By:\n    -----BEGIN PGP PUBLIC KEY BLOCK-----\n    .\n    "
                             "AAAA\n    -----END PGP PUBLIC KEY BLOCK-----\n"));
}

TEST(Deb822Repository, ChangesTheModeAlone) {
  MemorySystem system;
  system.folder("/etc/apt/sources.list.d");
  test::run(deb822_repository_module, cuda(), system);
  Value args = cuda();
  args.set("mode", "0600");

  test::expect_converges(deb822_repository_module, args, system);

  EXPECT_EQ(system.info("/etc/apt/sources.list.d/nvidia-cuda-repo.sources").mode, 0600U);
}

TEST(Deb822Repository, IsRemovedWithItsKey) {
  MemorySystem system;
  system.file("/etc/apt/sources.list.d/cuda.sources", "x")
      .file("/etc/apt/keyrings/cuda.asc", "key");

  test::expect_converges(
      deb822_repository_module, Value::map({{"name", "cuda"}, {"state", "absent"}}), system);

  EXPECT_FALSE(system.exists("/etc/apt/sources.list.d/cuda.sources"));
  EXPECT_FALSE(system.exists("/etc/apt/keyrings/cuda.asc"));
}

TEST(Deb822Repository, RefusesAKeyByAddress) {
  MemorySystem system;
  Value args = cuda();
  args.set("signed_by", "https://x.org/key");

  EXPECT_NE(test::expect_refused(deb822_repository_module, args, system).find("get_url"),
            std::string::npos);
}

}  // namespace
}  // namespace gpustack::modules
