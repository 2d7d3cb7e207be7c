#include "core/transport/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <utility>

namespace gpustack::transport {

namespace {

/// Reads the first of several spellings that is set.
class Variables {
 public:
  Variables(const std::string& host, const Map& variables) : host_(host), variables_(variables) {}

  const Value* find(std::initializer_list<const char*> names) {
    for (const char* name : names) {
      const Value* value = variables_.find(std::string_view(name));
      if (value == nullptr || value->is_undefined() || value->is_null()) continue;
      name_ = name;
      return value;
    }
    return nullptr;
  }

  /// The text of a string or number; empty when unset.
  Result<std::string> text(std::initializer_list<const char*> names) {
    const Value* value = find(names);
    if (value == nullptr) return std::string();
    if (!value->is_string() && !value->is_number()) return wrong(*value, "text");
    std::string result = to_text(*value);
    // These end up in messages and in requests to the server; a line end or NUL in them is never
    // meant.
    if (result.find_first_of(std::string_view("\n\r\0", 3)) != std::string::npos)
      return wrong(*value, "one line of text");
    return result;
  }

  Error wrong(const Value& value, std::string_view expected) const {
    std::string shown = value.is_secret() ? std::string("<secret>") : to_text(value);
    Error error(ErrorCode::connection_settings,
                fmt::format("'{}' of host '{}' is '{}' ({}): expected {}",
                            name_,
                            host_,
                            shown,
                            type_name(value),
                            expected));
    if (value.origin() != nullptr) return std::move(error).at(value.origin()->span);
    return error;
  }

 private:
  const std::string& host_;
  const Map& variables_;
  std::string name_;
};

/// A whole number given as number or as text.
Result<std::int64_t> whole_number(const Variables& variables,
                                  const Value& value,
                                  std::int64_t least,
                                  std::int64_t most,
                                  std::string_view expected) {
  std::int64_t number = 0;
  if (value.is_integer()) {
    number = value.as_integer();
  } else if (value.is_string()) {
    const std::string& text = value.as_string();
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc() || end != text.data() + text.size())
      return variables.wrong(value, expected);
  } else {
    return variables.wrong(value, expected);
  }
  if (number < least || number > most) return variables.wrong(value, expected);
  return number;
}

Result<void> read_kind(Target& target, Variables& variables) {
  const Value* value = variables.find({"ansible_connection"});
  if (value == nullptr) return {};
  if (!value->is_string()) return variables.wrong(*value, "the name of a connection");
  std::string_view kind = value->as_string();
  for (const std::string_view prefix : {"ansible.builtin.", "ansible.legacy."}) {
    if (kind.starts_with(prefix)) kind.remove_prefix(prefix.size());
  }
  if (kind == "local") {
    target.kind = ConnectionKind::local;
  } else if (kind == "ssh" || kind == "smart" || kind == "paramiko" || kind == "paramiko_ssh") {
    target.kind = ConnectionKind::ssh;
  } else {
    return variables.wrong(*value, "ssh or local");
  }
  return {};
}

/// libssh refuses some names by itself, without saying where they come from.
Result<void> check_user(const Target& target, Variables& variables) {
  const bool has_odd_character =
      target.user.find_first_of("\"'`$\\;&<>|(){} \t") != std::string::npos;
  if (target.user.empty() || (!target.user.starts_with('-') && !has_odd_character)) return {};
  const std::string expected = "a user name without shell characters and without a leading '-'";
  const Value* value = variables.find({"ansible_user", "ansible_ssh_user"});
  if (value != nullptr) return variables.wrong(*value, expected);
  return Error(ErrorCode::connection_settings,
               fmt::format("the user '{}' of host '{}' is unusable: expected {}",
                           target.user,
                           target.name,
                           expected));
}

Result<void> read_arguments(Target& target, Variables& variables, const char* variable) {
  GS_TRY(const std::string arguments, variables.text({variable}));
  if (arguments.empty()) return {};
  Result<void> applied = apply_ssh_arguments(target, arguments);
  if (applied) return {};
  const Value* value = variables.find({variable});
  const SourceSpan span = value->origin() != nullptr ? value->origin()->span : target.span;
  return std::move(applied).error().at(span).while_doing(
      fmt::format("reading '{}' of host '{}'", variable, target.name));
}

/// The settings with variables of their own, unless ansible_ssh_args has given them.
Result<void> read_settings(Target& target, const Target& defaults, Variables& variables) {
  const auto is_given = [&](std::string_view option) {
    return std::ranges::find(target.options_given, option) != target.options_given.end();
  };
  std::optional<HostKeyPolicy> host_keys = defaults.host_keys;
  if (const Value* checking =
          variables.find({"ansible_host_key_checking", "ansible_ssh_host_key_checking"})) {
    const Result<bool> flag = parse_bool(*checking);
    if (!flag) return variables.wrong(*checking, "a boolean");
    // As in Ansible: no is a setting, yes leaves the choice to what follows.
    host_keys = *flag ? std::nullopt : std::optional(HostKeyPolicy::off);
  }
  if (!is_given("stricthostkeychecking")) target.host_keys = host_keys;
  std::uint16_t port = defaults.port;
  if (const Value* value = variables.find({"ansible_port", "ansible_ssh_port"})) {
    GS_TRY(const std::int64_t number,
           whole_number(variables, *value, 1, 65535, "a port from 1 to 65535"));
    port = static_cast<std::uint16_t>(number);
  }
  if (!is_given("port")) target.port = port;
  GS_TRY(const std::string key,
         variables.text({"ansible_private_key_file", "ansible_ssh_private_key_file"}));
  if (!key.empty()) {
    target.key_files.push_back(key);
  } else {
    target.key_files.insert(
        target.key_files.end(), defaults.key_files.begin(), defaults.key_files.end());
  }
  GS_TRY(const std::string user, variables.text({"ansible_user", "ansible_ssh_user"}));
  if (!is_given("user")) target.user = user.empty() ? defaults.user : user;
  std::chrono::milliseconds connect = defaults.timeouts.connect;
  const Value* timeout = variables.find({"ansible_ssh_timeout", "ansible_timeout"});
  if (timeout != nullptr) {
    GS_TRY(const std::int64_t seconds,
           whole_number(variables, *timeout, 1, 86'400, "seconds from 1 to 86400"));
    connect = std::chrono::seconds(seconds);
  }
  if (!is_given("connecttimeout")) {
    target.timeouts.connect = connect;
    target.timeouts.connect_is_for_all = timeout != nullptr;
    if (timeout != nullptr) target.options_given.emplace_back("connecttimeout");
  }
  return {};
}

Result<void> read_ssh(Target& target, const Target& defaults, Variables& variables) {
  target.port = 0;
  target.user.clear();
  target.key_files.clear();
  target.host_keys.reset();
  target.timeouts.connect = Timeouts().connect;
  target.timeouts.connect_is_for_all = false;
  GS_TRY_VOID(read_arguments(target, variables, "ansible_ssh_args"));
  GS_TRY_VOID(read_settings(target, defaults, variables));
  GS_TRY_VOID(read_arguments(target, variables, "ansible_ssh_common_args"));
  GS_TRY_VOID(read_arguments(target, variables, "ansible_ssh_extra_args"));
  GS_TRY(std::string password,
         variables.text({"ansible_password", "ansible_ssh_pass", "ansible_ssh_password"}));
  if (!password.empty()) target.password = Secret(password);
  wipe(password);
  GS_TRY(std::string passphrase,
         variables.text({"ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase"}));
  if (!passphrase.empty()) target.key_passphrase = Secret(passphrase);
  wipe(passphrase);
  return check_user(target, variables);
}

}  // namespace

Result<Target> target_from_variables(const std::string& name,
                                     const Map& variable_map,
                                     const Target& defaults) {
  Target target = defaults;
  target.name = name;
  Variables variables(name, variable_map);
  GS_TRY_VOID(read_kind(target, variables));
  GS_TRY(std::string address, variables.text({"ansible_host", "ansible_ssh_host"}));
  if (!address.empty()) target.address = std::move(address);
  if (target.kind == ConnectionKind::ssh) GS_TRY_VOID(read_ssh(target, defaults, variables));
  return target;
}

}  // namespace gpustack::transport
