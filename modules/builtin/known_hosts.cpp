#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/known_hosts_line.hpp"
#include "modules/builtin/support/text_edit.hpp"
#include "modules/sdk/text.hpp"

#include <random>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .required = true,
     .aliases = "host",
     .doc = "The host, as in the file: a name, an address, or [name]:port."},
    {.name = "key", .doc = "The whole line: host, type and key."},
    {.name = "path", .type = ArgType::path, .fallback = "~/.ssh/known_hosts", .doc = "The file."},
    {.name = "hash_host",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Write the host's name as a hash."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the key shall be there; absent without a key removes all of the host."},
};

constexpr Example kExamples[] = {
    {.title = "Trust a host's key",
     .yaml = "known_hosts:\n  name: git.example.com\n  key: \"{{ lookup('file', "
             "'keys/git.example.com') }}\"\n  path: /etc/ssh/ssh_known_hosts"},
    {.title = "Forget a host", .yaml = "known_hosts:\n  name: old.example.com\n  state: absent"},
};

constexpr ResultKey kResults[] = {
    {"name", "The host."},
    {"path", "The file."},
    {"state", "Whether the key shall be there."},
};

struct Search {
  bool found = false;    ///< some line is about the host
  bool differs = false;  ///< the key is to be added or to take another's place
  std::optional<std::size_t> line;
};

Search search(const std::vector<std::string>& lines,
              const std::string& host,
              const std::optional<KnownHost>& key) {
  Search result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto known = parse_known_host(lines[i]);
    if (!known || !names_host(*known, host)) continue;
    result.found = true;
    if (!key) continue;
    KnownHost wanted = *key;
    // Two hashes of one name differ by their salt alone.
    if (wanted.is_hashed() && known->is_hashed()) wanted.hosts = known->hosts;
    if (wanted == *known) return Search{.found = true, .differs = false, .line = i};
    if (wanted.type == known->type) return Search{.found = true, .differs = true, .line = i};
  }
  result.differs = result.found && key.has_value();
  return result;
}

std::string random_salt() {
  std::random_device device;
  std::string salt;
  for (int i = 0; i < 20; ++i) salt += static_cast<char>(device() & 0xffU);
  return salt;
}

Result<std::string> line_to_write(const Args& args, const std::string& host) {
  std::string line(trim(args.text("key")));
  const auto key = parse_known_host(line);
  if (!key || !names_host(*key, host)) {
    return Error(ErrorCode::invalid_argument,
                 "the key is not one of the host '" + host + "': expected HOST TYPE KEY, found '" +
                     line + "'");
  }
  if (!args.boolean("hash_host") || key->is_hashed()) return line + "\n";
  const std::size_t at = line.find(key->hosts, key->marker.size());
  return line.replace(at, key->hosts.size(), hashed_host(host, random_salt())) + "\n";
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string host = lower(args.text("name"));
  const bool present = args.text("state") == "present";
  if (host.find(',') != std::string::npos) {
    return Error(ErrorCode::invalid_argument, "name '" + host + "' is a list, expected one host");
  }
  if (present && !args.has("key"))
    return Error(ErrorCode::missing_argument, "state 'present' needs key");
  std::string line;
  if (args.has("key")) {
    GS_TRY(line, line_to_write(args, host));
  }
  GS_TRY(const TextFile file, open_text(view, args.text("path")));
  std::vector<std::string> lines = lines_with_ends(file.content);
  const std::optional<KnownHost> key = line.empty() ? std::nullopt : parse_known_host(line);
  const Search found = search(lines, host, key);

  Plan plan;
  for (const std::string_view name : {"name", "key", "path", "hash_host", "state"})
    plan.set(name, args.get(name));
  if (!present && !key) {
    std::erase_if(lines, [&](const std::string& one) {
      const auto known = parse_known_host(one);
      return known && names_host(*known, host);
    });
  } else if (found.line && (found.differs || !present)) {
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(*found.line));
  }
  if (present && (found.differs || !found.found)) {
    if (!lines.empty() && !lines.back().ends_with('\n')) lines.back() += '\n';
    lines.push_back(line);
  }
  std::string content = joined(lines);
  if (content == file.content) return plan;
  plan.changed = true;
  add_content_diff(
      plan, view, file.content, content, file.exists() ? file.path : "/dev/null", file.path);
  WriteOptions options;
  options.follow = true;
  plan.step(WriteFile{file.path, Content::of(std::move(content)), options});
  return plan;
}

}  // namespace

extern const ModuleSpec known_hosts_module;
const ModuleSpec known_hosts_module{
    .name = "known_hosts",
    .summary = "Have a host's key in a known_hosts file, or have it removed.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .has_diff = true,
    .plan = plan};

}  // namespace gpustack::modules
