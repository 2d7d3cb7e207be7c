#include "core/config/settings.hpp"

#include <algorithm>

namespace gpustack::config {

namespace {

using enum Type;

// By name: find_setting() searches by halves.
constexpr Setting kSettings[] = {
    {"ANY_ERRORS_FATAL", "defaults", "any_errors_fatal", "ANSIBLE_ANY_ERRORS_FATAL", boolean, "false"},
    {"BECOME_ALLOW_SAME_USER", "privilege_escalation", "become_allow_same_user", "ANSIBLE_BECOME_ALLOW_SAME_USER", boolean, "false"},
    {"CACHE_PLUGIN", "defaults", "fact_caching", "ANSIBLE_CACHE_PLUGIN", text, "memory"},
    {"CACHE_PLUGIN_CONNECTION", "defaults", "fact_caching_connection", "ANSIBLE_CACHE_PLUGIN_CONNECTION"},
    {"CACHE_PLUGIN_PREFIX", "defaults", "fact_caching_prefix", "ANSIBLE_CACHE_PLUGIN_PREFIX", text, "ansible_facts"},
    {"CACHE_PLUGIN_TIMEOUT", "defaults", "fact_caching_timeout", "ANSIBLE_CACHE_PLUGIN_TIMEOUT", integer, "86400"},
    {"COLLECTIONS_PATHS", "defaults", "collections_path", "ANSIBLE_COLLECTIONS_PATH", path_list, "~/.ansible/collections:/usr/share/ansible/collections", "ANSIBLE_COLLECTIONS_PATHS"},
    {"DEFAULT_ASK_PASS", "defaults", "ask_pass", "ANSIBLE_ASK_PASS", boolean, "false"},
    {"DEFAULT_ASK_VAULT_PASS", "defaults", "ask_vault_pass", "ANSIBLE_ASK_VAULT_PASS", boolean, "false"},
    {"DEFAULT_BECOME", "privilege_escalation", "become", "ANSIBLE_BECOME", boolean, "false"},
    {"DEFAULT_BECOME_ASK_PASS", "privilege_escalation", "become_ask_pass", "ANSIBLE_BECOME_ASK_PASS", boolean, "false"},
    {"DEFAULT_BECOME_EXE", "privilege_escalation", "become_exe", "ANSIBLE_BECOME_EXE"},
    {"DEFAULT_BECOME_FLAGS", "privilege_escalation", "become_flags", "ANSIBLE_BECOME_FLAGS"},
    {"DEFAULT_BECOME_METHOD", "privilege_escalation", "become_method", "ANSIBLE_BECOME_METHOD", text, "sudo"},
    {"DEFAULT_BECOME_USER", "privilege_escalation", "become_user", "ANSIBLE_BECOME_USER", text, "root"},
    {"DEFAULT_EXECUTABLE", "defaults", "executable", "ANSIBLE_EXECUTABLE", path, "/bin/sh"},
    {"DEFAULT_FORCE_HANDLERS", "defaults", "force_handlers", "ANSIBLE_FORCE_HANDLERS", boolean, "false"},
    {"DEFAULT_FORKS", "defaults", "forks", "ANSIBLE_FORKS", integer, "50"},
    {"DEFAULT_GATHERING", "defaults", "gathering", "ANSIBLE_GATHERING", text, "implicit"},
    {"DEFAULT_GATHER_SUBSET", "defaults", "gather_subset", "ANSIBLE_GATHER_SUBSET", list},
    {"DEFAULT_HASH_BEHAVIOUR", "defaults", "hash_behaviour", "ANSIBLE_HASH_BEHAVIOUR", text, "replace"},
    {"DEFAULT_HOST_LIST", "defaults", "inventory", "ANSIBLE_INVENTORY", path_list, "/etc/ansible/hosts"},
    {"DEFAULT_JINJA2_NATIVE", "defaults", "jinja2_native", "ANSIBLE_JINJA2_NATIVE", boolean, "false"},
    {"DEFAULT_LOAD_CALLBACK_PLUGINS", "defaults", "bin_ansible_callbacks", "ANSIBLE_LOAD_CALLBACK_PLUGINS", boolean, "false"},
    {"DEFAULT_MANAGED_STR", "defaults", "ansible_managed", "", text, "Ansible managed"},
    {"DEFAULT_MODULE_NAME", "defaults", "module_name", "", text, "command"},
    {"DEFAULT_MODULE_PATH", "defaults", "library", "ANSIBLE_LIBRARY", path_list, "~/.ansible/plugins/modules:/usr/share/ansible/plugins/modules"},
    {"DEFAULT_NO_LOG", "defaults", "no_log", "ANSIBLE_NO_LOG", boolean, "false"},
    {"DEFAULT_POLL_INTERVAL", "defaults", "poll_interval", "ANSIBLE_POLL_INTERVAL", integer, "15"},
    {"DEFAULT_PRIVATE_KEY_FILE", "defaults", "private_key_file", "ANSIBLE_PRIVATE_KEY_FILE", path},
    {"DEFAULT_REMOTE_PORT", "defaults", "remote_port", "ANSIBLE_REMOTE_PORT", integer},
    {"DEFAULT_REMOTE_USER", "defaults", "remote_user", "ANSIBLE_REMOTE_USER"},
    {"DEFAULT_ROLES_PATH", "defaults", "roles_path", "ANSIBLE_ROLES_PATH", path_list, "~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles"},
    {"DEFAULT_STRATEGY", "defaults", "strategy", "ANSIBLE_STRATEGY", text, "linear"},
    {"DEFAULT_TIMEOUT", "defaults", "timeout", "ANSIBLE_TIMEOUT", integer, "10"},
    {"DEFAULT_TRANSPORT", "defaults", "transport", "ANSIBLE_TRANSPORT", text, "smart"},
    {"DEFAULT_UNDEFINED_VAR_BEHAVIOR", "defaults", "error_on_undefined_vars", "ANSIBLE_ERROR_ON_UNDEFINED_VARS", boolean, "true"},
    {"DEFAULT_VAULT_ENCRYPT_IDENTITY", "defaults", "vault_encrypt_identity", "ANSIBLE_VAULT_ENCRYPT_IDENTITY"},
    {"DEFAULT_VAULT_IDENTITY", "defaults", "vault_identity", "ANSIBLE_VAULT_IDENTITY", text, "default"},
    {"DEFAULT_VAULT_IDENTITY_LIST", "defaults", "vault_identity_list", "ANSIBLE_VAULT_IDENTITY_LIST", list},
    {"DEFAULT_VAULT_ID_MATCH", "defaults", "vault_id_match", "ANSIBLE_VAULT_ID_MATCH", boolean, "false"},
    {"DEFAULT_VAULT_PASSWORD_FILE", "defaults", "vault_password_file", "ANSIBLE_VAULT_PASSWORD_FILE", path},
    {"DEFAULT_VERBOSITY", "defaults", "verbosity", "ANSIBLE_VERBOSITY", integer, "0"},
    {"DIFF_ALWAYS", "diff", "always", "ANSIBLE_DIFF_ALWAYS", boolean, "false"},
    {"DUPLICATE_YAML_DICT_KEY", "defaults", "duplicate_dict_key", "ANSIBLE_DUPLICATE_YAML_DICT_KEY", text, "warn"},
    {"ERROR_ON_MISSING_HANDLER", "defaults", "error_on_missing_handler", "ANSIBLE_ERROR_ON_MISSING_HANDLER", boolean, "true"},
    {"FORCE_COLOR", "defaults", "force_color", "ANSIBLE_FORCE_COLOR", boolean, "false"},
    {"HOST_KEY_CHECKING", "defaults", "host_key_checking", "ANSIBLE_HOST_KEY_CHECKING", boolean, "true"},
    {"HOST_PATTERN_MISMATCH", "inventory", "host_pattern_mismatch", "ANSIBLE_HOST_PATTERN_MISMATCH", text, "warning"},
    {"INJECT_FACTS_AS_VARS", "defaults", "inject_facts_as_vars", "ANSIBLE_INJECT_FACT_VARS", boolean, "true"},
    {"INVENTORY_ENABLED", "inventory", "enable_plugins", "ANSIBLE_INVENTORY_ENABLED", list, "host_list,script,auto,yaml,ini,toml"},
    {"NOCOLOR", "defaults", "nocolor", "ANSIBLE_NOCOLOR", boolean, "false", "NO_COLOR"},
    {"PERSISTENT_CONNECT_TIMEOUT", "persistent_connection", "connect_timeout", "ANSIBLE_PERSISTENT_CONNECT_TIMEOUT", integer, "30"},
    {"PLAYBOOK_DIR", "defaults", "playbook_dir", "ANSIBLE_PLAYBOOK_DIR", path},
    {"RETRY_FILES_ENABLED", "defaults", "retry_files_enabled", "ANSIBLE_RETRY_FILES_ENABLED", boolean, "false"},
    {"SHOW_CUSTOM_STATS", "defaults", "show_custom_stats", "ANSIBLE_SHOW_CUSTOM_STATS", boolean, "false"},
    {"SSH_ARGS", "ssh_connection", "ssh_args", "ANSIBLE_SSH_ARGS"},
    {"SSH_COMMON_ARGS", "ssh_connection", "ssh_common_args", "ANSIBLE_SSH_COMMON_ARGS"},
    {"SSH_EXTRA_ARGS", "ssh_connection", "ssh_extra_args", "ANSIBLE_SSH_EXTRA_ARGS"},
    {"TAGS_RUN", "tags", "run", "ANSIBLE_RUN_TAGS", list},
    {"TAGS_SKIP", "tags", "skip", "ANSIBLE_SKIP_TAGS", list},
    {"TASK_TIMEOUT", "defaults", "task_timeout", "ANSIBLE_TASK_TIMEOUT", integer, "0"},
};

static_assert(std::ranges::is_sorted(kSettings, {}, &Setting::name));

}  // namespace

std::span<const Setting> settings() { return kSettings; }

const Setting* find_setting(std::string_view name) {
  const auto* found = std::ranges::lower_bound(kSettings, name, {}, &Setting::name);
  return found != std::end(kSettings) && found->name == name ? found : nullptr;
}

}  // namespace gpustack::config
