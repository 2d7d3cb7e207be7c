#include "core/cli/session.hpp"

#include "core/cli/inventory_settings.hpp"
#include "core/cli/vault_passwords.hpp"
#include "core/config/config.hpp"
#include "core/report/renderer.hpp"
#include "core/report/text.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

namespace gpustack::cli {

namespace fs = std::filesystem;
using config::Config;

namespace {

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

/// @error config_invalid
Result<std::string> one_of(const Config& config,
                           std::string_view name,
                           std::initializer_list<std::string_view> words) {
  return config.one_of(name, {words.begin(), words.size()});
}

/// Settings that would change what plays mean, and that are not followed. @error config_invalid
Result<void> refuse_unsupported(const Config& config) {
  struct Only {
    const char* name;
    bool value;
  };
  for (const Only& only :
       {Only{"DEFAULT_UNDEFINED_VAR_BEHAVIOR", true}, Only{"INJECT_FACTS_AS_VARS", true}}) {
    GS_TRY(const bool value, config.boolean(only.name));
    if (value == only.value) continue;
    return config.refusal(only.name,
                          std::string("must be ") + (value ? "false" : "true") + " here");
  }
  return {};
}

/// What is written on the command line, else what the configuration has; nothing where neither is.
std::optional<std::string> given_or(const std::string& text,
                                    const Config& config,
                                    const char* name) {
  if (!text.empty()) return text;
  return config.is_set(name) ? config.text(name) : std::nullopt;
}

std::string text_or(const std::string& text, const Config& config, const char* name) {
  return given_or(text, config, name).value_or("");
}

Result<std::unique_ptr<vault::VaultSecrets>> open_vault(const CommonOptions& options,
                                                        const Config& config) {
  GS_TRY(const VaultDefaults defaults, vault_defaults(config));
  VaultSources sources;
  sources.ids = options.vault_ids;
  sources.password_files = options.vault_password_files;
  sources.asks_without_another = false;
  sources.leaves_values_closed = options.manner == Manner::ansible;
  sources.add(defaults);
  const bool has_none = sources.ids.empty() && sources.password_files.empty();
  sources.ask = options.ask_vault_password || (defaults.ask && has_none);
  return read_passwords(sources, Purpose::open, [](const std::string& question) -> Result<Secret> {
    GS_TRY(const std::string text, ask_secret(question));
    return Secret(text);
  });
}

Result<void> load_inventory(const CommonOptions& options, const Config& config, Session& session) {
  GS_TRY(auto settings,
         inventory_settings(options, config, session.vault.get(), session.run.extra_vars));
  GS_TRY(session.warns_of_localhost, config.boolean("LOCALHOST_WARNING"));
  std::vector<std::string> sources = options.inventories;
  if (sources.empty()) {
    sources = config.list("DEFAULT_HOST_LIST");
    // The place that nobody named need not be there.
    std::error_code ignored;
    if (!config.is_set("DEFAULT_HOST_LIST"))
      std::erase_if(sources, [&](const std::string& path) { return !fs::exists(path, ignored); });
  }
  session.inventory = inventory::Inventory(std::move(settings));
  auto done = session.inventory.read(sources);
  tell_warnings(session.inventory, *session.teller);
  GS_TRY_VOID(std::move(done));
  return options.manner == Manner::gpustack ? check_limit(session.inventory, options.limit)
                                            : Result<void>();
}

Result<void> set_connection(const CommonOptions& options,
                            const Config& config,
                            engine::RunOptions& run) {
  run.ssh_args = text_or("", config, "SSH_ARGS");
  run.ssh_common_args = text_or(options.ssh_common_args, config, "SSH_COMMON_ARGS");
  run.ssh_extra_args = text_or(options.ssh_extra_args, config, "SSH_EXTRA_ARGS");
  run.remote_user = given_or(options.user, config, "DEFAULT_REMOTE_USER");
  std::error_code problem;
  if (!options.private_key.empty() && !options.private_key.starts_with('~') &&
      !fs::exists(options.private_key, problem)) {
    return Error(ErrorCode::usage, "--private-key: there is no file '" + options.private_key + "'");
  }
  run.private_key_file = options.private_key.empty() ? config.path("DEFAULT_PRIVATE_KEY_FILE")
                                                     : std::optional(options.private_key);
  run.connection = given_or(options.connection, config, "DEFAULT_TRANSPORT");
  if (options.timeout > 0) {
    run.timeout = options.timeout;
  } else if (config.is_set("DEFAULT_TIMEOUT")) {
    GS_TRY(run.timeout, config.integer("DEFAULT_TIMEOUT"));
  }
  GS_TRY(run.host_key_checking, config.boolean("HOST_KEY_CHECKING"));
  if (options.become) {
    run.become = true;
  } else if (config.is_set("DEFAULT_BECOME")) {
    GS_TRY(run.become, config.boolean("DEFAULT_BECOME"));
  }
  run.become_user = given_or(options.become_user, config, "DEFAULT_BECOME_USER");
  run.become_method = given_or(options.become_method, config, "DEFAULT_BECOME_METHOD");
  return {};
}

Result<void> set_fact_cache(const Config& config, engine::RunOptions& run) {
  GS_TRY(const std::string plugin,
         one_of(config,
                "CACHE_PLUGIN",
                {"memory", "jsonfile", "ansible.builtin.memory", "ansible.builtin.jsonfile"}));
  if (plugin.ends_with("memory")) return {};
  run.fact_cache_folder = config.path("CACHE_PLUGIN_CONNECTION").value_or("");
  if (run.fact_cache_folder.empty())
    return config.refusal("CACHE_PLUGIN", "needs a folder in fact_caching_connection");
  run.fact_cache_prefix = config.text("CACHE_PLUGIN_PREFIX").value_or("");
  GS_TRY(run.fact_cache_seconds, config.integer("CACHE_PLUGIN_TIMEOUT"));
  return {};
}

/// How plays behave where neither they nor the command line say.
Result<void> set_defaults(const Config& config, engine::RunOptions& run) {
  run.config_file = config.file();
  run.managed_text = *config.text("DEFAULT_MANAGED_STR");
  GS_TRY(run.strategy,
         one_of(config,
                "DEFAULT_STRATEGY",
                {"linear",
                 "free",
                 "host_pinned",
                 "ansible.builtin.linear",
                 "ansible.builtin.free",
                 "ansible.builtin.host_pinned"}));
  run.gathering = *config.text("DEFAULT_GATHERING");
  GS_TRY(const auto behaviour, one_of(config, "DEFAULT_HASH_BEHAVIOUR", {"replace", "merge"}));
  run.merge_hashes = behaviour == "merge";
  GS_TRY(run.native_templates, config.boolean("DEFAULT_JINJA2_NATIVE"));
  GS_TRY_VOID(one_of(config, "DEFAULT_GATHERING", {"implicit", "explicit", "smart"}));
  GS_TRY_VOID(set_fact_cache(config, run));
  GS_TRY(run.error_on_missing_handler, config.boolean("ERROR_ON_MISSING_HANDLER"));
  GS_TRY(run.any_errors_fatal, config.boolean("ANY_ERRORS_FATAL"));
  GS_TRY(run.no_log, config.boolean("DEFAULT_NO_LOG"));
  GS_TRY(run.task_timeout, config.integer("TASK_TIMEOUT"));
  GS_TRY(run.poll_interval, config.integer("DEFAULT_POLL_INTERVAL"));
  GS_TRY(run.remote_port, config.integer("DEFAULT_REMOTE_PORT"));
  GS_TRY(run.show_custom_stats, config.boolean("SHOW_CUSTOM_STATS"));
  run.become_executable = config.text("DEFAULT_BECOME_EXE").value_or("");
  run.become_flags = config.text("DEFAULT_BECOME_FLAGS").value_or("");
  GS_TRY(run.become_same_user, config.boolean("BECOME_ALLOW_SAME_USER"));
  if (config.is_set("DEFAULT_GATHER_SUBSET")) {
    List subset;
    for (std::string& name : config.list("DEFAULT_GATHER_SUBSET"))
      subset.emplace_back(std::move(name));
    run.gather_subset = Value(std::move(subset));
  }
  GS_TRY(const auto duplicates,
         one_of(config, "DUPLICATE_YAML_DICT_KEY", {"ignore", "warn", "error"}));
  yaml::set_duplicate_keys(duplicates == "warn"     ? yaml::DuplicateKeys::warn
                           : duplicates == "ignore" ? yaml::DuplicateKeys::ignore
                                                    : yaml::DuplicateKeys::error);
  return refuse_unsupported(config);
}

Result<void> ask_passwords(const CommonOptions& options,
                           const Config& config,
                           engine::RunOptions& run) {
  GS_TRY(const bool asks, config.boolean("DEFAULT_ASK_PASS"));
  GS_TRY(const bool asks_become, config.boolean("DEFAULT_BECOME_ASK_PASS"));
  if (options.ask_password || asks) {
    GS_TRY(auto text, ask_secret("SSH password: "));
    run.connection_password = Value(std::move(text)).mark(Mark::secret);
  }
  if (options.ask_become_password || asks_become) {
    GS_TRY(auto text, ask_secret("BECOME password: "));
    const bool as_for_ssh = text.empty() && !run.connection_password.is_null();
    run.become_password =
        as_for_ssh ? run.connection_password : Value(std::move(text)).mark(Mark::secret);
  }
  return {};
}

/// @param runners  where the user says they are
Places find_places(std::string runners) {
  std::error_code problem;
  const fs::path program = fs::read_symlink("/proc/self/exe", problem);
  const fs::path folder = program.parent_path();
  Places places;
  places.runners = std::move(runners);
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

/// The first playbook's folder has gpustack.yml; where there is none, the current one.
Result<void> read_site_settings(const std::vector<std::string>& playbook_folders,
                                const config::Sources& sources,
                                Session& session) {
  const std::string& folder = playbook_folders.empty() ? sources.folder : playbook_folders.front();
  GS_TRY(session.settings, config::SiteConfig::load(folder, sources));
  for (const auto& warning : session.settings.warnings())
    session.teller->warn(warning.message, warning.span);
  session.places = find_places(session.settings.text("runners"));
  return {};
}

/// Where roles, modules and collections are looked for, in order.
void set_search_paths(const CommonOptions& options, const Config& config, Session& session) {
  engine::RunOptions& run = session.run;
  for (const std::string& folders : options.module_paths) {
    for (std::string& folder : split(folders, ':')) run.library_paths.push_back(std::move(folder));
  }
  run.role_paths = options.role_paths;
  for (std::string& folder : config.list("DEFAULT_ROLES_PATH"))
    run.role_paths.push_back(std::move(folder));
  if (!session.places.roles.empty()) run.role_paths.push_back(session.places.roles);
  session.collection_paths = config.list("COLLECTIONS_PATHS");
  for (std::string& folder : config.list("DEFAULT_MODULE_PATH"))
    run.library_paths.push_back(std::move(folder));
}

/// What the files and the environment have set, for `-v`.
void tell_settings(const Config& config, const config::SiteConfig& settings) {
  if (!config.file().empty()) std::cerr << "Using " << config.file() << " as config file\n";
  for (const std::string& setting : config.described()) std::cerr << "setting " << setting << "\n";
  if (!settings.file().empty()) std::cerr << "Using " << settings.file() << " as settings file\n";
  for (const std::string& setting : settings.described())
    std::cerr << "setting " << setting << "\n";
}

}  // namespace

void tell_warnings(inventory::Inventory& inventory, Teller& teller) {
  for (const auto& warning : inventory.take_warnings()) teller.warn(warning.message, warning.span);
  for (const inventory::Note& note : inventory.take_notes()) teller.note(note);
}

Result<Session> make_session(const CommonOptions& options,
                             const std::vector<std::string>& playbook_folders) {
  Session session;
  session.teller = std::make_unique<Teller>(options.verbosity);
  const config::Sources sources = config::process_sources();
  GS_TRY(const Config config, Config::load(sources));
  for (const std::string& warning : config.warnings()) session.teller->warn(warning);
  engine::RunOptions& run = session.run;
  GS_TRY_VOID(set_defaults(config, run));
  GS_TRY_VOID(read_site_settings(playbook_folders, sources, session));
  GS_TRY(session.vault, open_vault(options, config));
  GS_TRY(run.extra_vars, extra_variables(options.extra_vars, session.vault.get()));
  GS_TRY_VOID(load_inventory(options, config, session));
  run.playbook_folders = playbook_folders;
  run.check = options.check;
  GS_TRY(const bool always_diff, config.boolean("DIFF_ALWAYS"));
  run.diff = options.diff || always_diff;
  GS_TRY(const std::int64_t verbosity, config.integer("DEFAULT_VERBOSITY"));
  run.verbosity = std::max(options.verbosity, static_cast<int>(verbosity));
  if (run.verbosity > 0) tell_settings(config, session.settings);
  if (options.forks > 0) {
    run.forks = options.forks;
  } else {
    GS_TRY(const std::int64_t forks, config.integer("DEFAULT_FORKS"));
    if (forks < 1) return config.refusal("DEFAULT_FORKS", "must be above 0");
    run.forks = static_cast<std::size_t>(forks);
  }
  auto tags = split_list(options.tags);
  if (tags.empty()) tags = config.list("TAGS_RUN");
  if (!tags.empty()) run.tags = tags;
  run.skip_tags = split_list(options.skip_tags);
  if (run.skip_tags.empty()) run.skip_tags = config.list("TAGS_SKIP");
  run.limit = options.limit;
  run.start_at_task = options.start_at_task;
  run.step = options.step;
  GS_TRY(const bool forces_handlers, config.boolean("DEFAULT_FORCE_HANDLERS"));
  run.force_handlers = options.force_handlers || forces_handlers;
  GS_TRY_VOID(set_connection(options, config, run));
  GS_TRY_VOID(ask_passwords(options, config, run));
  set_search_paths(options, config, session);
  return session;
}

Result<void> check_pattern(const Session& session, const std::string& pattern) {
  auto selection = session.inventory.select({pattern}, {});
  if (!selection) return as_usage(selection.error(), "the host pattern");
  if (!selection->hosts.empty() || selection->unmatched.empty()) return {};
  const Error& note = selection->unmatched.front();
  return Error(ErrorCode::usage, note.message()).hint(note.hint());
}

Result<std::unique_ptr<report::Sink>> make_output(const CommonOptions& options,
                                                  const Session& session) {
  static report::DescriptorOutput out(STDOUT_FILENO);
  static report::DescriptorOutput err(STDERR_FILENO);
  report::RendererOptions render = report::terminal_options();
  render.verbosity = options.verbosity;
  std::string format = options.output.empty() ? session.settings.text("output") : options.output;
  if (format.empty()) format = render.is_terminal ? "pretty" : "ansible";
  auto sink = report::make_renderer(format, render, out, err);
  if (!sink) return Error(ErrorCode::usage, "--output knows no format '" + format + "'");
  return sink;
}

}  // namespace gpustack::cli
