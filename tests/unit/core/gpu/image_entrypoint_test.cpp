#include "core/gpu/image_entrypoint.hpp"

#include "core/base/json.hpp"

#include <gtest/gtest.h>

#include <map>

namespace gpustack::gpu {
namespace {

std::string elf(unsigned char machine, bool is_big = false) {
  std::string bytes(
      "\x7f"
      "ELF",
      4);
  bytes.resize(64, '\0');
  bytes[5] = is_big ? '\2' : '\1';
  bytes[is_big ? 19 : 18] = static_cast<char>(machine);
  return bytes;
}

/// An image of these files.
std::string found(const std::string& config, const std::map<std::string, std::string>& files) {
  const auto answer = find_entrypoint(
      *parse_json(config), [&](const std::string& path) -> Result<std::optional<std::string>> {
        const auto file = files.find(path);
        return file == files.end() ? std::nullopt : std::optional(file->second);
      });
  EXPECT_TRUE(answer.has_value());
  if (!answer || !*answer) return "";
  return (*answer)->path + " " + (*answer)->architecture;
}

TEST(ElfHeader, NamesTheMachine) {
  EXPECT_EQ(elf_architecture(elf(62)), "amd64");
  EXPECT_EQ(elf_architecture(elf(183)), "arm64");
  EXPECT_EQ(elf_architecture(elf(40)), "arm");
  EXPECT_EQ(elf_architecture(elf(243)), "riscv64");
  EXPECT_EQ(elf_architecture(elf(22, true)), "s390x");
  EXPECT_EQ(elf_architecture(elf(200)), "");
  EXPECT_EQ(elf_architecture("\x7f"
                             "ELF"),
            "");
  EXPECT_EQ(elf_architecture("#!/bin/sh\n"), "");
  EXPECT_EQ(elf_architecture(""), "");
}

TEST(Entrypoint, IsTheFirstWord) {
  EXPECT_EQ(found(R"({"Entrypoint": ["/app"], "Cmd": ["x"]})", {{"/app", elf(183)}}), "/app arm64");
  EXPECT_EQ(found(R"({"Cmd": ["/app"]})", {{"/app", elf(62)}}), "/app amd64");
  EXPECT_EQ(found("{}", {{"/app", elf(62)}}), "");
}

TEST(Entrypoint, IsLookedForInPathAndWorkingFolder) {
  const std::map<std::string, std::string> files = {{"/opt/bin/app", elf(62)},
                                                    {"/srv/run", elf(183)}};

  EXPECT_EQ(found(R"({"Cmd": ["app"], "Env": ["A=b", "PATH=/usr/bin:/opt/bin"]})", files),
            "/opt/bin/app amd64");
  EXPECT_EQ(found(R"({"Cmd": ["app"]})", files), "");
  EXPECT_EQ(found(R"({"Cmd": ["./run"], "WorkingDir": "/srv"})", {{"/srv/./run", elf(183)}}),
            "/srv/./run arm64");
}

TEST(Entrypoint, OfAScriptIsItsInterpreter) {
  EXPECT_EQ(found(R"({"Entrypoint": ["/start.sh"]})",
                  {{"/start.sh", "#!/bin/sh -e\necho\n"}, {"/bin/sh", elf(183)}}),
            "/bin/sh arm64");
  EXPECT_EQ(found(R"({"Entrypoint": ["/start"], "Env": ["PATH=/usr/bin"]})",
                  {{"/start", "#!/usr/bin/env -S python3 -u\n"}, {"/usr/bin/python3", elf(62)}}),
            "/usr/bin/python3 amd64");
  // A circle ends.
  EXPECT_EQ(found(R"({"Entrypoint": ["/a"]})", {{"/a", "#!/a\n"}}), "");
}

}  // namespace
}  // namespace gpustack::gpu
