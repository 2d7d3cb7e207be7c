#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec yum_repository_module;

namespace {

using test::MemorySystem;

const std::string kFile = "/etc/yum.repos.d/cuda.repo";

Value cuda(std::initializer_list<std::pair<Value, Value>> more = {}) {
  Value arguments = Value::map({{"name", "cuda"},
                                {"description", "CUDA"},
                                {"baseurl", Value::list({"https://a", "https://b"})}});
  for (const auto& [key, value] : more) arguments.set(key.as_string(), value);
  return arguments;
}

TEST(YumRepository, IsWrittenInOrder) {
  MemorySystem system;
  system.folder("/etc/yum.repos.d");

  const Value result = test::expect_converges(yum_repository_module,
                                              cuda({{"gpgcheck", true},
                                                    {"enabled", false},
                                                    {"exclude", Value::list({"a*", "b"})},
                                                    {"client_key", "/k"},
                                                    {"mode", "0640"}}),
                                              system);

  EXPECT_EQ(system.text(kFile),
            "[cuda]\nbaseurl = https://a\n\thttps://b\nenabled = 0\nexclude = a* b\ngpgcheck = "
            "1\nname = CUDA\nsslclientkey = /k\n\n");
  EXPECT_EQ(system.info(kFile).mode, 0640U);
  EXPECT_EQ(to_text(result.get("repo")), "cuda");
}

TEST(YumRepository, LeavesItsNeighboursInPlace) {
  MemorySystem system;
  system.file(kFile,
              "# gone\n[b]\nName: B\nbaseurl = x\n  y\n\n  z\n; gone\n[cuda]\nname=old\n[a]\nk "
              "=\n[DEFAULT]\nd=1\n");

  test::expect_converges(yum_repository_module, cuda(), system);

  EXPECT_EQ(system.text(kFile),
            "[DEFAULT]\nd = 1\n\n[b]\nname = B\nbaseurl = x\n\ty\n\t\n\tz\n\n[a]\nk = "
            "\n\n[cuda]\nbaseurl = https://a\n\thttps://b\nname = CUDA\n\n");
}

TEST(YumRepository, IsRemovedWithTheFileOnceThatIsEmpty) {
  MemorySystem system;
  system.file(kFile, "[cuda]\nname=old\n[a]\nk=1\n");
  const auto absent = [](const char* name) {
    return Value::map({{"name", name}, {"file", "cuda"}, {"state", "absent"}});
  };

  test::expect_converges(yum_repository_module, absent("cuda"), system);
  EXPECT_EQ(system.text(kFile), "[a]\nk = 1\n\n");
  test::expect_converges(yum_repository_module, absent("a"), system);
  EXPECT_FALSE(system.exists(kFile));
  test::expect_unchanged(yum_repository_module, absent("a"), system);
}

TEST(YumRepository, ChangesOnlyTheModeWhereTheRestIsRight) {
  MemorySystem system;
  system.folder("/etc/yum.repos.d");
  test::expect_converges(yum_repository_module, cuda(), system);

  test::expect_converges(yum_repository_module, cuda({{"mode", "0600"}}), system);

  EXPECT_EQ(system.info(kFile).mode, 0600U);
}

TEST(YumRepository, ShowsTheFileSorted) {
  MemorySystem system;
  system.file(kFile, "[z]\nb=1\na=2\n").diff_mode(true);

  const Value result =
      test::dry_run(yum_repository_module,
                    Value::map({{"name", "z"}, {"file", "cuda"}, {"state", "absent"}}),
                    system);

  EXPECT_EQ(to_text(result.get("diff").get("before")), "[z]\na = 2\nb = 1\n\n");
  EXPECT_EQ(to_text(result.get("diff").get("after")), "");
}

TEST(YumRepository, RefusesFaultyFilesAndArguments) {
  for (const char* text : {"x\n", "[a]\nx\n", "[a]\n[a]\n", "[a]\nx=1\nX=2\n", "[a]\n=1\n"}) {
    MemorySystem system;
    system.file(kFile, text);
    EXPECT_NE(test::expect_refused(yum_repository_module, cuda(), system).find("line "),
              std::string::npos)
        << text;
  }
  MemorySystem system;
  EXPECT_EQ(test::expect_refused(yum_repository_module, cuda(), system),
            "Repo directory '/etc/yum.repos.d' does not exist.");
  system.folder("/etc/yum.repos.d");
  for (const Value& arguments : {Value::map({{"name", "x"}}),
                                 Value::map({{"name", "x"}, {"baseurl", "y"}}),
                                 cuda({{"params", Value::map({{"x", 1}})}}),
                                 cuda({{"keepcache", "2"}}),
                                 cuda({{"mode", "rwx"}})}) {
    EXPECT_FALSE(test::expect_refused(yum_repository_module, arguments, system).empty());
  }
}

}  // namespace
}  // namespace gpustack::modules
