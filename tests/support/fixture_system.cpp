#include "tests/support/fixture_system.hpp"

#include "core/base/json.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace gpustack::test {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  const std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

Value load_json(const fs::path& path) {
  if (!fs::exists(path)) return {};
  auto parsed = parse_json(slurp(path));
  GS_ASSERT(parsed.has_value(), "the fixture's records are JSON");
  return *parsed;
}

std::string text_of(const Value& map, std::string_view key) {
  return map.get(key).is_string() ? map.get(key).as_string() : "";
}

std::uint32_t number_of(const Value& map, std::string_view key) {
  return map.get(key).is_integer() ? static_cast<std::uint32_t>(map.get(key).as_integer()) : 0;
}

}  // namespace

std::optional<modules::Route> RecordedKernel::route_to(const std::string& address) const {
  return address.find(':') == std::string::npos ? route_v4 : route_v6;
}

std::optional<modules::FileSystemUse> RecordedKernel::usage(const std::string&,
                                                            std::chrono::milliseconds) const {
  return modules::FileSystemUse{.block_size = 4096,
                                .fragment_size = 4096,
                                .blocks = 1000,
                                .blocks_available = 400,
                                .inodes = 100,
                                .inodes_available = 60};
}

modules::LocalTime RecordedKernel::local_time(std::chrono::system_clock::time_point) const {
  return {.year = 2026,
          .month = 3,
          .day = 9,
          .hour = 7,
          .minute = 5,
          .second = 4,
          .weekday = 1,
          .year_day = 67,
          .zone = "CET",
          .summer_zone = "CEST",
          .offset_seconds = 3600};
}

fs::path FixtureSystem::folder_of(const std::string& name) {
  const char* source = std::getenv("GPUSTACK_SOURCE_DIR");
  return fs::path(source != nullptr ? source : GPUSTACK_SOURCE_DIR) / "tests/fixtures/hosts" / name;
}

std::vector<std::string> FixtureSystem::all_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_of(""))) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

FixtureSystem::FixtureSystem(const std::string& name) {
  const fs::path root = folder_of(name);
  GS_ASSERT(fs::is_directory(root), "the fixture exists");
  remove_file("/etc/os-release").has_value();
  load_tree(root);
  load_records(root / ".gpustack-fixture");
}

void FixtureSystem::load_tree(const fs::path& root) {
  for (auto entry = fs::recursive_directory_iterator(root);
       entry != fs::recursive_directory_iterator();
       ++entry) {
    const std::string path =
        "/" + fs::relative(entry->path().parent_path(), root).lexically_normal().string() + "/" +
        entry->path().filename().string();
    const std::string place = fs::path(path).lexically_normal().string();
    if (place.starts_with("/.gpustack-fixture")) continue;
    if (entry->is_symlink()) {
      link(fs::read_symlink(entry->path()).string(), place);
    } else if (entry->is_directory()) {
      folder(place);
    } else if (entry->path().filename() != ".keep") {
      const std::string parent = entry->path().parent_path().filename().string();
      file(place, slurp(entry->path()), parent == "bin" || parent == "sbin" ? 0755 : 0644);
    }
  }
}

void FixtureSystem::load_records(const fs::path& records) {
  const Value names = load_json(records / "uname.json");
  recorded.names = {text_of(names, "system"),
                    text_of(names, "node"),
                    text_of(names, "release"),
                    text_of(names, "version"),
                    text_of(names, "machine")};
  recorded.page_bytes = number_of(names, "page_size");
  recorded.cpus = number_of(names, "cpus");
  if (const Value nodes = load_json(records / "nodes.json"); nodes.is_map()) {
    for (const auto& [path, node] : nodes.as_map())
      file(path.as_string(), "", 0660, 0, number_of(node, "gid"));
  }
  if (const Value commands = load_json(records / "commands.json"); commands.is_list()) {
    for (const Value& command : commands.as_list()) {
      std::vector<std::string> argv;
      for (const Value& word : command.get("argv").as_list()) argv.push_back(word.as_string());
      when(std::move(argv), text_of(command, "stdout"), static_cast<int>(number_of(command, "rc")));
    }
  }
}

}  // namespace gpustack::test
