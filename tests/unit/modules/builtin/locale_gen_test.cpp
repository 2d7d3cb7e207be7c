#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec locale_gen_module;

namespace {

using test::MemorySystem;

MemorySystem& install_locales(MemorySystem& system) {
  system
      .file("/etc/locale.gen",
            "# locales\n# de_DE.UTF-8 UTF-8\n en_US.UTF-8 UTF-8\nfr_FR.UTF-8 UTF-8\n")
      .when({"locale", "-a"}, "C\nfr_FR.utf8\n");
  return system.when({"locale-gen"}, [](const Command&, MemorySystem& host) {
    const bool german = host.text("/etc/locale.gen").find("\nde_DE") != std::string::npos;
    const bool french = host.text("/etc/locale.gen").find("\nfr_FR") != std::string::npos;
    host.when({"locale", "-a"},
              std::string("C\n") + (german ? "de_DE.utf8\n" : "") + (french ? "fr_FR.utf8\n" : ""));
    return CommandResult{};
  });
}

TEST(LocaleGen, GeneratesALocale) {
  MemorySystem system;
  install_locales(system);

  test::expect_converges(locale_gen_module, Value::map({{"name", "de_DE.UTF-8"}}), system);

  EXPECT_NE(system.text("/etc/locale.gen").find("\nde_DE.UTF-8 UTF-8\n"), std::string::npos);
}

TEST(LocaleGen, RemovesALocale) {
  MemorySystem system;
  install_locales(system);

  test::expect_converges(
      locale_gen_module, Value::map({{"name", "fr_FR.UTF-8"}, {"state", "absent"}}), system);

  EXPECT_NE(system.text("/etc/locale.gen").find("\n# fr_FR.UTF-8 UTF-8\n"), std::string::npos);
}

TEST(LocaleGen, RefusesALocaleThatIsNotThere) {
  MemorySystem system;
  install_locales(system);

  EXPECT_NE(test::expect_refused(locale_gen_module, Value::map({{"name", "xx_XX.UTF-8"}}), system)
                .find("xx_XX.UTF-8"),
            std::string::npos);
}

TEST(LocaleGen, FailsWithItsError) {
  MemorySystem system;
  install_locales(system).when({"locale-gen"}, "", 1, "no space\n");

  EXPECT_TRUE(test::run(locale_gen_module, Value::map({{"name", "de_DE.UTF-8"}}), system)
                  .get("failed")
                  .truthy());
}

}  // namespace
}  // namespace gpustack::modules
