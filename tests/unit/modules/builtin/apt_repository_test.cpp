#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec apt_repository_module;

namespace {

using test::MemorySystem;

constexpr const char* kSource =
    "deb [signed-by=/usr/share/keyrings/x.gpg] "
    "https://user:secret@nvidia.github.io/libnvidia-container/stable/deb /";

TEST(AptRepository, GetsAFileNamedAfterItsAddress) {
  MemorySystem system;
  system.when({"apt-get", "update"}, "")
      .file("/etc/apt/sources.list", "deb http://mirror.test/debian bookworm main\n");

  const Value result =
      test::expect_converges(apt_repository_module, Value::map({{"repo", kSource}}), system);

  const std::string path =
      "/etc/apt/sources.list.d/nvidia_github_io_libnvidia_container_stable_deb.list";
  EXPECT_EQ(system.text(path), std::string(kSource) + "\n");
  EXPECT_EQ(system.info(path).mode, 0644U);
  EXPECT_EQ(to_text(result.get("sources_added")), "['" + path + "']");
  EXPECT_EQ(system.commands().size(), 1U);
}

TEST(AptRepository, UsesTheNameAndModeAskedFor) {
  MemorySystem system;
  system.folder("/etc/apt/sources.list.d");

  test::expect_converges(apt_repository_module,
                         Value::map({{"repo", "deb  http://x.org/debian   stable main"},
                                     {"filename", "x"},
                                     {"mode", "0600"},
                                     {"update_cache", false}}),
                         system);

  EXPECT_EQ(system.text("/etc/apt/sources.list.d/x.list"), "deb http://x.org/debian stable main\n");
  EXPECT_EQ(system.info("/etc/apt/sources.list.d/x.list").mode, 0600U);
}

TEST(AptRepository, EnablesALineThatIsCommentedOut) {
  MemorySystem system;
  system.file("/etc/apt/sources.list",
              "# deb http://x.org/debian stable main # ours\ndeb http://y.org/ stable main\n");

  test::expect_converges(
      apt_repository_module,
      Value::map({{"repo", "deb http://x.org/debian stable main"}, {"update_cache", false}}),
      system);

  EXPECT_EQ(system.text("/etc/apt/sources.list"),
            "deb http://x.org/debian stable main # ours\ndeb http://y.org/ stable main\n");
}

TEST(AptRepository, IsRemovedFromEveryFile) {
  MemorySystem system;
  system.file("/etc/apt/sources.list", "deb http://x.org/ a b\ndeb http://y.org/ a b\n")
      .file("/etc/apt/sources.list.d/x.list", "deb http://x.org/ a b\n");

  test::expect_converges(
      apt_repository_module,
      Value::map({{"repo", "deb http://x.org/ a b"}, {"state", "absent"}, {"update_cache", false}}),
      system);

  EXPECT_EQ(system.text("/etc/apt/sources.list"), "deb http://y.org/ a b\n");
  EXPECT_FALSE(system.exists("/etc/apt/sources.list.d/x.list"));
}

TEST(AptRepository, IsTakenBackWhenTheListsCannotBeFetched) {
  MemorySystem system;
  system.when({"apt-get", "update"}, "", 100, "E: The repository is not signed.\n")
      .file("/etc/apt/sources.list", "deb http://y.org/ a b\n");

  const Value result =
      test::run(apt_repository_module,
                Value::map({{"repo", "deb http://x.org/ a b"}, {"update_cache_retries", 1}}),
                system);

  EXPECT_EQ(to_text(result.get("msg")),
            "Failed to update apt cache: E: The repository is not signed.");
  EXPECT_FALSE(system.exists("/etc/apt/sources.list.d/x_org.list"));
}

TEST(AptRepository, MakesTheFolderOfItsFile) {
  MemorySystem system;
  ASSERT_FALSE(system.exists("/etc/apt"));

  test::expect_converges(apt_repository_module,
                         Value::map({{"repo", "deb http://x.org/ a b"}, {"update_cache", false}}),
                         system);

  EXPECT_EQ(system.text("/etc/apt/sources.list.d/x_org.list"), "deb http://x.org/ a b\n");
  EXPECT_EQ(system.info("/etc/apt/sources.list.d").mode, 0755U);
}

Value remove_with_one_try(MemorySystem& system) {
  return test::run(
      apt_repository_module,
      Value::map(
          {{"repo", "deb http://x.org/ a b"}, {"state", "absent"}, {"update_cache_retries", 1}}),
      system);
}

TEST(AptRepository, PutsBackAFileItRemovedAsItWas) {
  MemorySystem system;
  system.when({"apt-get", "update"}, "", 100, "E: no\n")
      .file("/etc/apt/sources.list.d/x.list", "deb http://x.org/ a b\n", 0600, 7, 8);

  const Value result = remove_with_one_try(system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(system.text("/etc/apt/sources.list.d/x.list"), "deb http://x.org/ a b\n");
  EXPECT_EQ(system.info("/etc/apt/sources.list.d/x.list").mode, 0600U);
  EXPECT_EQ(system.info("/etc/apt/sources.list.d/x.list").uid, 7U);
}

TEST(AptRepository, IsTakenBackWhenAptCannotBeStarted) {
  MemorySystem system;
  system.fail("run", "apt-get update -q", Error(ErrorCode::command_failed, "no such program"));

  const Value result =
      test::run(apt_repository_module, Value::map({{"repo", "deb http://x.org/ a b"}}), system);

  EXPECT_EQ(to_text(result.get("msg")), "no such program");
  EXPECT_FALSE(system.exists("/etc/apt/sources.list.d/x_org.list"));
}

TEST(AptRepository, SaysThatPuttingBackFailedToo) {
  const std::string path = "/etc/apt/sources.list.d/x.list";
  MemorySystem system;
  system.when({"apt-get", "update"}, "", 100, "E: no\n")
      .file(path, "deb http://x.org/ a b\n")
      .fail("write", path, Error(ErrorCode::module_failed, "the disk is full"));

  const Value result = remove_with_one_try(system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(to_text(result.get("msg")),
            "Failed to update apt cache: E: no; the sources could not be put back: the disk is "
            "full");
}

TEST(AptRepository, RefusesPpasAndLinesThatAreNone) {
  MemorySystem system;

  EXPECT_NE(test::expect_refused(
                apt_repository_module, Value::map({{"repo", "ppa:graphics-drivers/ppa"}}), system)
                .find("PPA"),
            std::string::npos);
  EXPECT_EQ(
      test::expect_refused(apt_repository_module, Value::map({{"repo", "http://x.org"}}), system),
      "Invalid repository string: http://x.org");
}

}  // namespace
}  // namespace gpustack::modules
