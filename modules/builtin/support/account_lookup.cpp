#include "modules/builtin/support/account_lookup.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

// `files`, `compat` and `systemd` are answered by the files (systemd's dynamic users are never
// managed here).
bool has_directory_service(const SystemView& view, std::string_view database) {
  const auto text = view.read("/etc/nsswitch.conf");
  if (!text) return false;
  for (const std::string& line : split_lines(*text)) {
    const std::string_view entry = trim(line);
    if (!entry.starts_with(database) || !entry.substr(database.size()).starts_with(':')) continue;
    const auto sources = split_words(entry.substr(database.size() + 1));
    return std::ranges::any_of(sources, [](const std::string& source) {
      return source != "files" && source != "compat" && source != "systemd" &&
             !source.starts_with('[');
    });
  }
  return false;
}

Result<std::string> ask_directory(const SystemView& view,
                                  const std::string& database,
                                  std::string_view key) {
  if (!has_directory_service(view, database) || view.find_program("getent").empty())
    return std::string();
  GS_TRY(const CommandResult answer,
         view.query(parsable_command({"getent", database, std::string(key)})));
  return answer.status == 0 ? answer.output : std::string();
}

}  // namespace

Result<std::optional<User>> look_up_user(const SystemView& view, std::string_view name) {
  GS_TRY(auto user, find_user(view, name));
  if (user) return user;
  GS_TRY(const std::string answer, ask_directory(view, "passwd", name));
  auto found = parse_passwd(answer);
  if (found.empty()) return std::optional<User>();
  return std::optional<User>(std::move(found.front()));
}

Result<std::optional<Group>> look_up_group(const SystemView& view,
                                           std::string_view name_or_number) {
  const auto number = parse_integer(name_or_number);
  if (number && *number >= 0 && *number <= 0xFFFFFFFFLL) {
    GS_TRY(auto by_number, find_group(view, static_cast<std::uint32_t>(*number)));
    if (by_number) return by_number;
  }
  GS_TRY(auto group, find_group(view, name_or_number));
  if (group) return group;
  GS_TRY(const std::string answer, ask_directory(view, "group", name_or_number));
  auto found = parse_group(answer);
  if (found.empty()) return std::optional<Group>();
  return std::optional<Group>(std::move(found.front()));
}

Error missing_program(std::string_view name) {
  return Error(ErrorCode::module_failed,
               "Failed to find required executable \"" + std::string(name) + "\" in PATH");
}

Result<std::string> required_program(const SystemView& view, std::string_view name) {
  std::string path = view.find_program(name);
  if (path.empty()) return missing_program(name);
  return path;
}

}  // namespace gpustack::modules
