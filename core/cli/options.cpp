#include "core/cli/options.hpp"

#include "core/base/json.hpp"
#include "core/base/suggest.hpp"
#include "modules/sdk/arguments.hpp"

#include <CLI/CLI.hpp>

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace gpustack::cli {

Error as_usage(const Error& found, const std::string& option) {
  return Error(ErrorCode::usage, option + ": " + found.message()).hint(found.hint());
}

CLI::Validator one_of(const std::vector<std::string>& choices) {
  return CLI::Validator(
      [choices](std::string& text) -> std::string {
        if (std::ranges::find(choices, text) != choices.end()) return {};
        std::string listed;
        for (std::size_t i = 0; i < choices.size(); ++i)
          listed += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i];
        return "expected " + listed + ", found '" + text + "'\n" + suggest(text, choices);
      },
      "");
}

namespace {

bool is_whole_number(const std::string& text) {
  return !text.empty() && text.size() < 10 &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

CLI::Validator whole_number() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        if (is_whole_number(text)) return {};
        return "expected a whole number, found '" + text + "'";
      },
      "");
}

CLI::Validator whole_number_above_zero() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        if (is_whole_number(text) && text.find_first_not_of('0') != std::string::npos) return {};
        return "expected a whole number above 0, found '" + text + "'";
      },
      "");
}

void add_inventory_options(CLI::App& app, CommonOptions& options) {
  app.add_option("-i,--inventory,--inventory-file",
                 options.inventories,
                 "Inventory: a file, folder, script, or a list of hosts with a comma")
      ->type_name("SOURCE")
      ->allow_extra_args(false);
  app.add_option("-l,--limit",
                 options.limit,
                 "Only hosts that match this pattern, or @FILE with one a line")
      ->type_name("PATTERN");
  app.add_option("-e,--extra-vars",
                 options.extra_vars,
                 "Variables above all others: key=value, YAML or JSON, or @FILE")
      ->type_name("VARS")
      ->allow_extra_args(false);
  app.add_option("--vault-id", options.vault_ids, "Vault password as LABEL@SOURCE")
      ->type_name("ID")
      ->allow_extra_args(false);
  app.add_option("--vault-password-file,--vault-pass-file",
                 options.vault_password_files,
                 "File, or program, that gives the vault password")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_flag("-J,--ask-vault-pass,--ask-vault-password",
               options.ask_vault_password,
               "Ask for the vault password");
}

void add_run_options(CLI::App& app, CommonOptions& options) {
  add_host_options(app, options);
  app.add_option("-t,--tags", options.tags, "Only tasks with these tags")
      ->type_name("TAGS")
      ->allow_extra_args(false);
  app.add_option("--skip-tags", options.skip_tags, "No tasks with these tags")
      ->type_name("TAGS")
      ->allow_extra_args(false);
}

void add_host_options(CLI::App& app, CommonOptions& options) {
  add_inventory_options(app, options);
  app.add_flag("-C,--check", options.check, "Dry run: say what would change, change nothing");
  app.add_flag("-D,--diff", options.diff, "Show what changes inside files and settings");
  app.add_flag("-b,--become", options.become, "Run as another user");
  app.add_option("--become-user", options.become_user, "That user (root)")->type_name("USER");
  app.add_option("--become-method", options.become_method, "sudo, su or doas (sudo)")
      ->type_name("METHOD")
      ->check(one_of({"sudo", "su", "doas"}));
  app.add_flag("-K,--ask-become-pass",
               options.ask_become_password,
               "Ask for the password of the become method");
  app.add_option("-u,--user", options.user, "User to log in as")->type_name("USER");
  app.add_flag("-k,--ask-pass", options.ask_password, "Ask for the login password");
  app.add_option("--private-key,--key-file", options.private_key, "Private key to log in with")
      ->type_name("FILE");
  app.add_option("-c,--connection", options.connection, "ssh or local (ssh)")
      ->type_name("KIND")
      ->check(one_of({"ssh", "local", "smart", "paramiko"}));
  app.add_option("--ssh-common-args", options.ssh_common_args, "Options as for ssh")
      ->type_name("ARGS");
  app.add_option("--ssh-extra-args", options.ssh_extra_args, "More options, behind the common ones")
      ->type_name("ARGS");
  app.add_option("-T,--timeout", options.timeout, "Seconds for a connection to stand")
      ->type_name("SECONDS")
      ->check(whole_number_above_zero());
  app.add_option("-f,--forks", options.forks, "Hosts worked on at once (50)")
      ->type_name("N")
      ->check(whole_number_above_zero());
  app.add_flag("-v,--verbose", options.verbosity, "More to read; again for more");
  app.add_option("--output", options.output, "pretty, plain, ansible or json")
      ->type_name("FORMAT")
      ->check(one_of({"pretty", "plain", "ansible", "json"}));
  app.add_option("-M,--module-path", options.module_paths, "Folders with more modules, ':' between")
      ->type_name("FOLDERS")
      ->allow_extra_args(false);
  app.add_option("--roles-path", options.role_paths, "Folders to look for roles in")
      ->type_name("FOLDER")
      ->allow_extra_args(false);
}

void add_persist_option(CLI::App& app, CommonOptions& options) {
  app.add_flag("--no-persist",
               options.no_persist,
               "Log in anew, and leave no connection open for the next run");
}

Result<Value> extra_variables(const std::vector<std::string>& texts, yaml::VaultReader* vault) {
  Value all{Map()};
  for (const std::string& text : texts) {
    Value part;
    if (text.starts_with('@')) {
      GS_TRY(auto document, yaml::load_file(text.substr(1), vault));
      part = document.root.to_value();
    } else if (text.starts_with('{') || text.starts_with('[') || text.starts_with('/') ||
               text.starts_with("---")) {
      GS_TRY(auto document, yaml::load("--extra-vars", text, vault));
      part = document.root.to_value();
    } else {
      auto words = modules::parse_key_value(text, false);
      if (!words) return as_usage(words.error(), "-e");
      part = std::move(*words);
    }
    if (!part.is_map() || part.find("_raw_params") != nullptr) {
      return Error(ErrorCode::usage,
                   "-e needs key=value, a dictionary or @FILE, found '" + text + "'")
          .hint(text.find(": ") != std::string::npos ? "YAML is written '{key: value}'" : "");
    }
    for (const auto& [key, value] : part.as_map()) all.set(to_text(key), value);
  }
  return all;
}

Result<std::string> ask_secret(const std::string& prompt) {
  if (::isatty(STDIN_FILENO) == 0) {
    std::string line;
    if (std::getline(std::cin, line)) return line;
    return Error(ErrorCode::usage, "'" + prompt + "' needs a terminal or a line on standard input");
  }
  std::cerr << prompt << std::flush;
  termios before{};
  ::tcgetattr(STDIN_FILENO, &before);
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &silent);
  std::string line;
  const bool got = static_cast<bool>(std::getline(std::cin, line));
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
  std::cerr << "\n";
  if (!got) return Error(ErrorCode::usage, "no password was given");
  return line;
}

}  // namespace gpustack::cli
