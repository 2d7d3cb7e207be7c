#include "core/engine/task_settings.hpp"

#include "core/play/keywords.hpp"

#include <array>
#include <cstdlib>
#include <span>

namespace gpustack::engine {

namespace {

// Asked for with every task.
const std::array<VariableName, 1> kConnection{VariableName("ansible_connection")};
const std::array<VariableName, 2> kPort{VariableName("ansible_port"),
                                        VariableName("ansible_ssh_port")};
const std::array<VariableName, 2> kTimeout{VariableName("ansible_ssh_timeout"),
                                           VariableName("ansible_timeout")};
const std::array<VariableName, 1> kBecome{VariableName("ansible_become")};
const std::array<VariableName, 1> kBecomeMethod{VariableName("ansible_become_method")};
const std::array<VariableName, 1> kBecomeExe{VariableName("ansible_become_exe")};
const std::array<VariableName, 1> kBecomeFlags{VariableName("ansible_become_flags")};
const std::array<VariableName, 2> kHost{VariableName("ansible_host"),
                                        VariableName("ansible_ssh_host")};
const std::array<VariableName, 2> kUser{VariableName("ansible_user"),
                                        VariableName("ansible_ssh_user")};
const std::array<VariableName, 2> kPrivateKey{VariableName("ansible_ssh_private_key_file"),
                                              VariableName("ansible_private_key_file")};
const std::array<VariableName, 3> kPassword{VariableName("ansible_password"),
                                            VariableName("ansible_ssh_pass"),
                                            VariableName("ansible_ssh_password")};
const std::array<VariableName, 2> kHostKeyChecking{VariableName("ansible_host_key_checking"),
                                                   VariableName("ansible_ssh_host_key_checking")};
const VariableName kSshArgs("ansible_ssh_args");
const VariableName kSshCommonArgs("ansible_ssh_common_args");
const VariableName kSshExtraArgs("ansible_ssh_extra_args");

/// Null when nobody sets it. What is set to `omit` is looked for further above.
Result<Value> keyword_value(Scope& scope, const play::Node* node, play::Keyword keyword) {
  for (; node != nullptr; node = play::inherited_from(*node)) {
    const play::Setting* setting = node->settings.find(keyword);
    if (setting == nullptr) continue;
    auto rendered = scope.render(setting->value);
    if (!rendered) return Error(std::move(rendered).error()).at_if_unknown(setting->span);
    if (!rendered->is_string() || rendered->as_string() != scope.run().omit) return rendered;
  }
  return Value();
}

/// The first of several variables that is set.
Result<Value> first_variable(Scope& scope, std::span<const VariableName> names) {
  for (const VariableName& name : names) {
    GS_TRY(auto value, scope.variable(name));
    if (!value.is_null()) return value;
  }
  return Value();
}

Result<std::string> text_setting(Scope& scope,
                                 const play::Node* node,
                                 play::Keyword keyword,
                                 std::span<const VariableName> variables,
                                 const std::optional<std::string>& option,
                                 const std::string& fallback) {
  GS_TRY(auto variable, first_variable(scope, variables));
  if (!variable.is_null()) return to_text(variable);
  GS_TRY(auto value, keyword_value(scope, node, keyword));
  if (!value.is_null()) return to_text(value);
  return option ? *option : fallback;
}

Result<void> add_environment(Scope& scope, const play::Setting& setting, Value& environment) {
  auto rendered = scope.render(setting.value);
  if (!rendered) return Error(std::move(rendered).error()).at_if_unknown(setting.span);
  const auto add = [&](const Value& part) -> Result<void> {
    if (part.is_null() || (part.is_string() && part.as_string() == scope.run().omit)) return {};
    if (!part.is_map()) {
      return Error(ErrorCode::yaml_type,
                   "environment must be a dictionary, found " + std::string(type_name(part)))
          .at(setting.span);
    }
    for (const auto& [key, value] : part.as_map()) {
      if (value.is_string() && value.as_string() == scope.run().omit) continue;
      environment.set(to_text(key), Value(to_text(value)));
    }
    return {};
  };
  if (rendered->is_list()) {
    for (const Value& part : rendered->as_list()) GS_TRY_VOID(add(part));
    return {};
  }
  return add(*rendered);
}

/// `async` or `poll`: whole seconds, as a number or as text.
Result<std::int64_t> seconds_setting(Scope& scope,
                                     const play::Task& task,
                                     const Value& written,
                                     const char* keyword,
                                     std::int64_t otherwise) {
  auto rendered = scope.render(written);
  if (!rendered) return Error(std::move(rendered).error()).at_if_unknown(task.span);
  if (rendered->is_null()) return otherwise;
  if (rendered->is_integer() && rendered->as_integer() >= 0) return rendered->as_integer();
  const std::string text = to_text(*rendered);
  if (text == scope.run().omit) return otherwise;
  char* end = nullptr;
  const std::int64_t seconds = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || seconds < 0) {
    return Error(ErrorCode::yaml_type,
                 "'" + std::string(keyword) + "' must be whole seconds, found '" + text + "'")
        .at(written.origin() != nullptr ? written.origin()->span : task.span);
  }
  return seconds;
}

Result<std::int64_t> whole_setting(Scope& scope,
                                   const play::Node& node,
                                   play::Keyword keyword,
                                   std::int64_t otherwise) {
  GS_TRY(const Value value, keyword_value(scope, &node, keyword));
  if (value.is_null()) return otherwise;
  if (value.is_integer()) return value.as_integer();
  const std::string text = to_text(value);
  char* end = nullptr;
  const std::int64_t number = std::strtoll(text.c_str(), &end, 10);
  if (!text.empty() && *end == '\0') return number;
  return Error(ErrorCode::yaml_type,
               "the field '" + std::string(play::keyword_name(keyword)) +
                   "' has an invalid value (" + text + "), and could not be converted to an int")
      .at_if_unknown(node.setting(keyword)->span);
}

/// ssh or local. @error connection_settings
Result<std::string> connection_kind(Scope& scope, const play::Node* node) {
  const std::string& host = scope.host().name;
  const bool implicit_local =
      host == "localhost" && scope.run().inventory->find_host(host) == nullptr;
  GS_TRY(std::string kind,
         text_setting(scope,
                      node,
                      play::Keyword::connection,
                      kConnection,
                      scope.run().options.connection,
                      implicit_local ? "local" : "ssh"));
  if (const auto dot = kind.rfind('.'); dot != std::string::npos) kind.erase(0, dot + 1);
  if (kind == "smart" || kind == "paramiko" || kind == "paramiko_ssh") kind = "ssh";
  if (kind == "ssh" || kind == "local") return kind;
  return Error(ErrorCode::connection_settings,
               "connection '" + kind + "' is not supported on host '" + host + "'")
      .hint("ssh and local are");
}

/// 0 where none is given. @error connection_settings
Result<std::uint16_t> connection_port(Scope& scope, const play::Node* node) {
  GS_TRY(auto port, first_variable(scope, kPort));
  if (port.is_null()) {
    GS_TRY(port, keyword_value(scope, node, play::Keyword::port));
  }
  if (port.is_null()) return static_cast<std::uint16_t>(scope.run().options.remote_port);
  const std::string text = to_text(port);
  char* end = nullptr;
  const std::int64_t number = std::strtol(text.c_str(), &end, 10);
  if (*end != '\0' || number < 1 || number > 65535) {
    return Error(
        ErrorCode::connection_settings,
        "ansible_port of host '" + scope.host().name + "' is '" + text + "', expected 1 to 65535");
  }
  return static_cast<std::uint16_t>(number);
}

/// Seconds; 0 where none are given. @error connection_settings
Result<std::int64_t> connection_timeout(Scope& scope) {
  GS_TRY(auto timeout, first_variable(scope, kTimeout));
  if (timeout.is_null()) return scope.run().options.timeout.value_or(0);
  const std::string text = to_text(timeout);
  char* end = nullptr;
  const std::int64_t seconds = std::strtol(text.c_str(), &end, 10);
  if (!text.empty() && *end == '\0' && seconds >= 1) return seconds;
  return Error(ErrorCode::connection_settings,
               "ansible_timeout of host '" + scope.host().name + "' is '" + text +
                   "', expected whole seconds");
}

}  // namespace

Result<bool> boolean_setting(Scope& scope,
                             const play::Node& node,
                             play::Keyword keyword,
                             bool otherwise) {
  GS_TRY(auto value, keyword_value(scope, &node, keyword));
  if (value.is_null()) return otherwise;
  const auto parsed = parse_bool(value);
  if (parsed) return *parsed;
  // @source ansible-core 2.14, FieldAttributeBase.post_validate: playbooks test for these words
  return Error(ErrorCode::yaml_type,
               "the field '" + std::string(play::keyword_name(keyword)) +
                   "' has an invalid value (" + to_text(value) +
                   "), and could not be converted to a bool: the value '" + to_text(value) +
                   "' is not a valid boolean")
      .at_if_unknown(node.setting(keyword)->span);
}

Result<std::int64_t> throttle_of(Scope& scope, const play::Task& task) {
  return whole_setting(scope, task, play::Keyword::throttle, 0);
}

Result<Become> resolve_become(Scope& scope, const play::Node* node) {
  const RunOptions& options = scope.run().options;
  Become become;
  GS_TRY(auto by_variable, first_variable(scope, kBecome));
  if (!by_variable.is_null()) {
    GS_TRY(become.active, parse_bool(by_variable));
  } else if (node != nullptr) {
    GS_TRY(become.active,
           boolean_setting(scope, *node, play::Keyword::become, options.become.value_or(false)));
  } else {
    become.active = options.become.value_or(false);
  }
  GS_TRY(
      become.method,
      text_setting(
          scope, node, play::Keyword::become_method, kBecomeMethod, options.become_method, "sudo"));
  const std::string prefix = "ansible_" + become.method + "_";
  const std::string user_name = prefix + "user";
  const std::array<VariableName, 2> users{VariableName("ansible_become_user"),
                                          VariableName(user_name)};
  GS_TRY(become.user,
         text_setting(scope, node, play::Keyword::become_user, users, options.become_user, "root"));
  GS_TRY(become.executable,
         text_setting(
             scope, node, play::Keyword::become_exe, kBecomeExe, {}, options.become_executable));
  GS_TRY(become.flags,
         text_setting(
             scope, node, play::Keyword::become_flags, kBecomeFlags, {}, options.become_flags));
  const std::string password_name = prefix + "pass";
  const std::array<VariableName, 3> passwords{VariableName("ansible_become_password"),
                                              VariableName("ansible_become_pass"),
                                              VariableName(password_name)};
  GS_TRY(auto password, first_variable(scope, passwords));
  become.same_user = options.become_same_user;
  become.password = password.is_null() ? options.become_password : password.marked(Mark::secret);
  return become;
}

Result<TaskSettings> resolve_settings(Scope& scope, const play::Task& task) {
  using play::Keyword;
  const RunOptions& options = scope.run().options;
  TaskSettings settings;
  GS_TRY(settings.check, boolean_setting(scope, task, Keyword::check_mode, options.check));
  GS_TRY(settings.diff, boolean_setting(scope, task, Keyword::diff, options.diff));
  GS_TRY(settings.no_log, boolean_setting(scope, task, Keyword::no_log, options.no_log));
  GS_TRY(settings.ignore_errors, boolean_setting(scope, task, Keyword::ignore_errors, false));
  GS_TRY(settings.ignore_unreachable,
         boolean_setting(scope, task, Keyword::ignore_unreachable, false));
  GS_TRY(settings.delegate_facts, boolean_setting(scope, task, Keyword::delegate_facts, false));
  GS_TRY(settings.timeout_seconds,
         whole_setting(scope, task, Keyword::timeout, options.task_timeout));
  GS_TRY(settings.async_seconds, seconds_setting(scope, task, task.async_seconds, "async", 0));
  GS_TRY(settings.poll_seconds,
         seconds_setting(scope, task, task.poll, "poll", options.poll_interval));
  GS_TRY(auto delegate, keyword_value(scope, &task, Keyword::delegate_to));
  if (!delegate.is_null()) settings.delegate_to = to_text(delegate);
  for (const play::Setting* part : play::all_settings(task, Keyword::environment)) {
    GS_TRY_VOID(add_environment(scope, *part, settings.environment));
  }
  return settings;
}

std::string ConnectionSettings::key() const {
  return kind + "\n" + address + "\n" + std::to_string(port) + "\n" + user + "\n" +
         private_key_file + "\n" + ssh_args + "\n" + common_args + "\n" + extra_args;
}

Result<ConnectionSettings> resolve_connection(Scope& scope, const play::Node* node) {
  const RunOptions& options = scope.run().options;
  const std::string& host = scope.host().name;
  ConnectionSettings settings;
  GS_TRY(settings.kind, connection_kind(scope, node));
  GS_TRY(auto address, first_variable(scope, kHost));
  settings.address = address.is_null() ? host : to_text(address);
  GS_TRY(settings.port, connection_port(scope, node));
  GS_TRY(settings.user,
         text_setting(scope, node, play::Keyword::remote_user, kUser, options.remote_user, ""));
  GS_TRY(auto key, first_variable(scope, kPrivateKey));
  settings.private_key_file = key.is_null() ? options.private_key_file.value_or("") : to_text(key);
  GS_TRY(auto password, first_variable(scope, kPassword));
  settings.password =
      password.is_null() ? options.connection_password : password.marked(Mark::secret);
  const auto arguments = [&](const VariableName& variable,
                             const std::string& otherwise) -> Result<std::string> {
    GS_TRY(auto value, scope.variable(variable));
    return value.is_null() ? otherwise : to_text(value);
  };
  GS_TRY(settings.ssh_args, arguments(kSshArgs, options.ssh_args));
  GS_TRY(settings.common_args, arguments(kSshCommonArgs, options.ssh_common_args));
  GS_TRY(settings.extra_args, arguments(kSshExtraArgs, options.ssh_extra_args));
  GS_TRY(auto checking, first_variable(scope, kHostKeyChecking));
  settings.host_key_checking = options.host_key_checking;
  if (!checking.is_null()) {
    GS_TRY(settings.host_key_checking, parse_bool(checking));
  }
  GS_TRY(settings.timeout_seconds, connection_timeout(scope));
  return settings;
}

}  // namespace gpustack::engine
