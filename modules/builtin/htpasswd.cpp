#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/password_hash.hpp"
#include "modules/builtin/support/text_edit.hpp"
#include "modules/sdk/random_name.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "path",
     .type = ArgType::path,
     .required = true,
     .aliases = "dest,destfile",
     .doc = "The file of users and passwords."},
    {.name = "name", .required = true, .aliases = "username", .doc = "The user."},
    {.name = "password",
     .is_secret = true,
     .doc = "The user's password; may be absent for one who is there."},
    {.name = "crypt_scheme",
     .fallback = "apr_md5_crypt",
     .doc = "How a new password is kept: apr_md5_crypt, md5_crypt, sha256_crypt, sha512_crypt, "
            "ldap_sha1 or plaintext."},
    {.name = "state",
     .fallback = "present",
     .choices = "present,absent",
     .doc = "Whether the user shall be there."},
    {.name = "create",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Make the file when absent."},
};
constexpr Example kExamples[] = {
    {.title = "Who may see the dashboard",
     .yaml = "htpasswd:\n  path: /etc/nginx/dashboard.users\n  name: ops\n  password: \"{{ "
             "dashboard_password }}\"\n  owner: root\n  group: www-data\n  mode: \"0640\""},
};
constexpr ResultKey kResults[] = {{"msg", "What was done."}};

/// Where the user's line is, and the hash in it.
struct UserLine {
  std::size_t index = 0;
  std::string hash;
};

std::optional<UserLine> find_user_line(const std::vector<std::string>& lines,
                                       const std::string& name) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].starts_with(name + ":")) continue;
    const std::string_view rest = std::string_view(lines[i]).substr(name.size() + 1);
    return UserLine{i, std::string(trim_right(rest, "\r\n"))};
  }
  return std::nullopt;
}

Result<void> check_user(const Args& args) {
  const std::string name = args.text("name");
  const bool is_clean = !name.empty() && name.find_first_of(":\r\n") == std::string::npos;
  if (!is_clean) {
    return Error(ErrorCode::invalid_argument,
                 "name is '" + name + "', expected a user's name without colon and line end");
  }
  const std::string scheme = args.text("crypt_scheme");
  const auto schemes = split_names(kPasswordSchemes);
  if (std::ranges::find(schemes, scheme) == schemes.end()) {
    return Error(
        ErrorCode::invalid_argument,
        "crypt_scheme is '" + scheme + "', expected one of " + std::string(kPasswordSchemes));
  }
  if (args.text("password").find_first_of("\r\n") != std::string::npos)
    return Error(ErrorCode::invalid_argument, "password has a line end where none may be");
  return {};
}

/// The line for the user; nothing when the one that is there will do.
Result<std::optional<std::string>> wanted_line(const Args& args,
                                               const std::optional<UserLine>& old) {
  const std::string name = args.text("name");
  if (!args.has("password")) {
    if (old) return std::optional<std::string>();
    return Error(ErrorCode::missing_argument,
                 "password is needed: the user '" + name + "' is not in the file");
  }
  if (old && verify_password(args.text("password"), old->hash)) return std::optional<std::string>();
  GS_TRY(const std::string hash,
         hash_password(args.text("crypt_scheme"), args.text("password"), random_name()));
  return std::optional<std::string>(name + ":" + hash + "\n");
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(check_user(args));
  const std::string name = args.text("name");
  GS_TRY(const TextFile file, open_text(view, args.text("path")));
  const bool present = args.text("state") == "present";
  Plan plan;
  if (!file.exists() && !present) {
    plan.set("msg", name + " not present");
    return plan;
  }
  if (!file.exists() && !args.boolean("create")) {
    return Error(ErrorCode::module_failed, "Destination " + file.path + " does not exist")
        .hint("create: yes makes it");
  }
  auto lines = lines_with_ends(file.content);
  const auto old = find_user_line(lines, name);
  std::string message = name + (present ? " already present" : " not present");
  if (present) {
    GS_TRY(const auto line, wanted_line(args, old));
    if (line && old) lines[old->index] = *line;
    if (line && !old) {
      if (!lines.empty() && !lines.back().ends_with('\n')) lines.back() += '\n';
      lines.push_back(*line);
    }
    if (line) message = "Add/update " + name;
    if (line && !file.exists()) message = "Created " + file.path + " and added " + name;
  } else if (old) {
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(old->index));
    message = "Remove " + name;
  }
  GS_TRY_VOID(finish_edit(plan, args, view, file, joined(lines), message));
  plan.set("msg", Value(std::move(message)));
  // Hashes are nobody's business.
  plan.diffs.clear();
  plan.set("path", file.path);
  GS_TRY_VOID(add_present_path_info(plan, view));
  return plan;
}

}  // namespace

extern const ModuleSpec htpasswd_module;
const ModuleSpec htpasswd_module{.name = "htpasswd",
                                 .collection = "community.general",
                                 .summary = "Users and passwords of a web server.",
                                 .args = kArgs,
                                 .examples = kExamples,
                                 .results = kResults,
                                 .file_arguments = true,
                                 .plan = plan,
                                 .apply = apply_with_path_info};

}  // namespace gpustack::modules
