#include "core/cli/session.hpp"

#include "core/cli/inventory_settings.hpp"
#include "core/vault/secrets.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace gpustack::cli {

namespace fs = std::filesystem;

namespace {

constexpr const char* kAnsibleHosts = "/etc/ansible/hosts";

std::string from_environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::string() : std::string(text);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find(separator, start), text.size());
    if (end > start) out.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

std::vector<std::string> split_list(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const std::string& text : texts) {
    const auto parts = split(text, ',');
    out.insert(out.end(), parts.begin(), parts.end());
  }
  return out;
}

/// A limit that leaves no host is a slip of the pen, never what was wanted.
Result<void> check_limit(const inventory::Inventory& inventory, const std::string& limit) {
  if (limit.empty()) return {};
  std::string hint;
  for (const char* hosts : {"all", "localhost"}) {
    auto selection = inventory.select({hosts}, {limit});
    if (!selection) {
      if (selection.error().code() == ErrorCode::file_not_found ||
          selection.error().code() == ErrorCode::file_unreadable)
        return selection.error();
      return as_usage(selection.error(), "--limit");
    }
    if (!selection->hosts.empty()) return {};
    if (!selection->unmatched.empty() && hint.empty()) hint = selection->unmatched.front().hint();
  }
  return Error(ErrorCode::usage, "no host fits --limit '" + limit + "'").hint(hint);
}

std::optional<std::string> given(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

/// What is written on the command line, else the environment's.
std::string given_or(const std::string& text, const char* variable) {
  return text.empty() ? from_environment(variable) : text;
}

Result<std::unique_ptr<vault::VaultSecrets>> open_vault(const CommonOptions& options) {
  vault::SecretOptions vault_options;
  vault_options.prompt = [](const std::string& id) -> Result<Secret> {
    GS_TRY(auto text,
           ask_secret(id == "default" ? "Vault password: " : "Vault password (" + id + "): "));
    return Secret(text);
  };
  auto secrets = std::make_unique<vault::VaultSecrets>(std::move(vault_options));
  for (const std::string& id : options.vault_ids) GS_TRY_VOID(secrets->add_source(id));
  for (const std::string& file : options.vault_password_files)
    GS_TRY_VOID(secrets->add_source(file));
  if (const char* file = std::getenv("ANSIBLE_VAULT_PASSWORD_FILE");
      file != nullptr && secrets->empty()) {
    GS_TRY_VOID(secrets->add_source(file));
  }
  if (options.ask_vault_password) GS_TRY_VOID(secrets->add_source("prompt"));
  return secrets;
}

Result<void> load_inventory(const CommonOptions& options, Session& session) {
  GS_TRY(auto settings, inventory_settings(options, session.vault.get(), session.run.extra_vars));
  std::vector<std::string> sources = options.inventories;
  if (const char* source = std::getenv("ANSIBLE_INVENTORY"); source != nullptr && sources.empty())
    sources.emplace_back(source);
  std::error_code ignored;
  if (sources.empty() && options.manner == Manner::ansible && fs::exists(kAnsibleHosts, ignored))
    sources.emplace_back(kAnsibleHosts);
  session.inventory = inventory::Inventory(std::move(settings));
  auto done = session.inventory.read(sources);
  tell_warnings(session.inventory, *session.teller);
  GS_TRY_VOID(std::move(done));
  return options.manner == Manner::gpustack ? check_limit(session.inventory, options.limit)
                                            : Result<void>();
}

Result<void> set_connection(const CommonOptions& options, engine::RunOptions& run) {
  run.ssh_args = from_environment("ANSIBLE_SSH_ARGS");
  run.ssh_common_args = given_or(options.ssh_common_args, "ANSIBLE_SSH_COMMON_ARGS");
  run.ssh_extra_args = given_or(options.ssh_extra_args, "ANSIBLE_SSH_EXTRA_ARGS");
  run.remote_user = given(options.user);
  run.private_key_file = given(options.private_key);
  std::error_code problem;
  if (!options.private_key.empty() && !options.private_key.starts_with('~') &&
      !fs::exists(options.private_key, problem)) {
    return Error(ErrorCode::usage, "--private-key: there is no file '" + options.private_key + "'");
  }
  run.connection = given(options.connection);
  if (options.timeout > 0) run.timeout = options.timeout;
  if (const char* checking = std::getenv("ANSIBLE_HOST_KEY_CHECKING")) {
    GS_TRY(run.host_key_checking, parse_bool(Value(checking)));
  }
  if (options.become) run.become = true;
  run.become_user = given(options.become_user);
  run.become_method = given(options.become_method);
  return {};
}

Result<void> ask_passwords(const CommonOptions& options, engine::RunOptions& run) {
  if (options.ask_password) {
    GS_TRY(auto text, ask_secret("SSH password: "));
    run.connection_password = Value(std::move(text)).mark(Mark::secret);
  }
  if (options.ask_become_password) {
    GS_TRY(auto text, ask_secret("BECOME password: "));
    const bool as_for_ssh = text.empty() && !run.connection_password.is_null();
    run.become_password =
        as_for_ssh ? run.connection_password : Value(std::move(text)).mark(Mark::secret);
  }
  return {};
}

}  // namespace

Places find_places() {
  std::error_code problem;
  const fs::path program = fs::read_symlink("/proc/self/exe", problem);
  const fs::path folder = program.parent_path();
  Places places;
  if (const char* runners = std::getenv("GPUSTACK_RUNNERS")) places.runners = runners;
  for (const fs::path& candidate : {folder, folder / "../lib/gpustack", folder / "../../bin"}) {
    if (!places.runners.empty()) break;
    for (const char* name : {"gpustack-runner-x86_64", "gpustack-runner-aarch64"}) {
      if (fs::exists(candidate / name, problem))
        places.runners = candidate.lexically_normal().string();
    }
  }
  for (const fs::path& candidate :
       {folder / "../share/gpustack/roles", folder / "../../roles", folder / "../../../roles"}) {
    if (fs::is_directory(candidate, problem)) {
      places.roles = candidate.lexically_normal().string();
      break;
    }
  }
  return places;
}

void tell_warnings(inventory::Inventory& inventory, Teller& teller) {
  for (const auto& warning : inventory.take_warnings()) teller.warn(warning.message, warning.span);
  for (const inventory::Note& note : inventory.take_notes()) teller.note(note);
}

Result<Session> make_session(const CommonOptions& options,
                             const std::vector<std::string>& playbook_folders) {
  Session session;
  GS_TRY(session.vault, open_vault(options));
  session.teller = std::make_unique<Teller>(options.manner, options.verbosity);
  GS_TRY(session.run.extra_vars, extra_variables(options.extra_vars, session.vault.get()));
  GS_TRY_VOID(load_inventory(options, session));
  engine::RunOptions& run = session.run;
  run.playbook_folders = playbook_folders;
  run.check = options.check;
  run.diff = options.diff;
  run.verbosity = options.verbosity;
  if (options.forks > 0) run.forks = options.forks;
  const auto tags = split_list(options.tags);
  if (!tags.empty()) run.tags = tags;
  run.skip_tags = split_list(options.skip_tags);
  run.limit = options.limit;
  run.start_at_task = options.start_at_task;
  run.force_handlers = options.force_handlers;
  GS_TRY_VOID(set_connection(options, run));
  GS_TRY_VOID(ask_passwords(options, run));
  for (const std::string& folders : options.module_paths) {
    for (std::string& folder : split(folders, ':')) run.library_paths.push_back(std::move(folder));
  }
  for (std::string& folder : split(from_environment("ANSIBLE_LIBRARY"), ':'))
    run.library_paths.push_back(std::move(folder));
  run.role_paths = options.role_paths;
  for (std::string& folder : split(from_environment("ANSIBLE_ROLES_PATH"), ':'))
    run.role_paths.push_back(std::move(folder));
  if (const Places places = find_places(); !places.roles.empty())
    run.role_paths.push_back(places.roles);
  return session;
}

Result<void> check_pattern(const Session& session, const std::string& pattern) {
  auto selection = session.inventory.select({pattern}, {});
  if (!selection) return as_usage(selection.error(), "the host pattern");
  if (!selection->hosts.empty() || selection->unmatched.empty()) return {};
  const Error& note = selection->unmatched.front();
  return Error(ErrorCode::usage, note.message()).hint(note.hint());
}

}  // namespace gpustack::cli
