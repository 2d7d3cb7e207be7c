#include "core/cli/vault_passwords.hpp"

#include <iostream>
#include <string_view>

namespace gpustack::cli {

namespace {

/// `--ask-vault-pass` and its like: the one source whose questions name no id.
constexpr std::string_view kAsked = "prompt_ask_vault_pass";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

struct Source {
  std::string vault_id;
  std::string place;
};

Source split_source(const std::string& text) {
  const std::size_t at = text.find('@');
  if (at == std::string::npos || at == 0) return {"default", text.substr(at == 0 ? 1 : 0)};
  return {text.substr(0, at), text.substr(at + 1)};
}

std::vector<std::string> questions(const Source& source, Purpose purpose) {
  if (source.place == kAsked) {
    if (purpose == Purpose::open) return {"Vault password: "};
    return {"New Vault password: ", "Confirm New Vault password: "};
  }
  const std::string id = " (" + source.vault_id + "): ";
  if (purpose == Purpose::open) return {"Vault password" + id};
  return {"New vault password" + id, "Confirm new vault password" + id};
}

Result<Secret> ask_password(const Source& source, Purpose purpose, const AskHidden& ask) {
  std::optional<Secret> first;
  for (const std::string& question : questions(source, purpose)) {
    GS_TRY(const Secret typed, ask(question));
    const Secret password{trimmed(typed.reveal())};
    if (password.empty())
      return Error(ErrorCode::vault_source, "Invalid vault password was provided: it is empty");
    if (first && first->reveal() != password.reveal())
      return Error(ErrorCode::vault_source, "Passwords do not match");
    first = password;
  }
  return *first;
}

std::vector<std::string> sources_in_order(const VaultSources& sources) {
  std::vector<std::string> all = sources.ids;
  for (const std::string& file : sources.password_files) all.push_back("default@" + file);
  if (sources.ask || (all.empty() && sources.asks_without_another))
    all.push_back("default@" + std::string(kAsked));
  return all;
}

}  // namespace

Result<VaultDefaults> vault_defaults(const config::Config& config) {
  VaultDefaults defaults;
  defaults.ids = config.list("DEFAULT_VAULT_IDENTITY_LIST");
  defaults.password_file = config.path("DEFAULT_VAULT_PASSWORD_FILE").value_or("");
  defaults.encrypt_id = config.text("DEFAULT_VAULT_ENCRYPT_IDENTITY").value_or("");
  GS_TRY(defaults.must_match_id, config.boolean("DEFAULT_VAULT_ID_MATCH"));
  GS_TRY(defaults.ask, config.boolean("DEFAULT_ASK_VAULT_PASS"));
  return defaults;
}

void VaultSources::add(const VaultDefaults& defaults) {
  ids.insert(ids.begin(), defaults.ids.begin(), defaults.ids.end());
  if (!defaults.password_file.empty()) password_files.push_back(defaults.password_file);
  must_match_id = defaults.must_match_id;
}

Result<std::unique_ptr<vault::VaultSecrets>> read_passwords(const VaultSources& sources,
                                                            Purpose purpose,
                                                            const AskHidden& ask) {
  vault::SecretOptions options;
  options.must_match_id = sources.must_match_id;
  options.leaves_values_closed = sources.leaves_values_closed;
  auto secrets = std::make_unique<vault::VaultSecrets>(std::move(options));
  std::vector<Error> passed_over;
  for (const std::string& text : sources_in_order(sources)) {
    const Source source = split_source(text);
    if (source.place == "prompt" || source.place == kAsked) {
      GS_TRY(Secret password, ask_password(source, purpose, ask));
      secrets->add(source.vault_id, std::move(password));
    } else if (auto added = secrets->add_source(text); !added) {
      passed_over.push_back(added.error());
    }
  }
  if (secrets->empty() && !passed_over.empty()) return passed_over.back();
  for (const Error& problem : passed_over) std::cerr << "warning: " << problem.one_line() << "\n";
  return secrets;
}

std::string list_ids(const vault::VaultSecrets& secrets,
                     const std::string& separator,
                     const std::string& quote) {
  std::string text;
  for (const vault::Identity& identity : secrets.identities()) {
    if (!text.empty()) text += separator;
    text.append(quote).append(identity.vault_id).append(quote);
  }
  return text;
}

Result<vault::Identity> find_identity(const vault::VaultSecrets& secrets,
                                      const std::string& vault_id) {
  for (const vault::Identity& identity : secrets.identities()) {
    if (vault_id.empty() || identity.vault_id == vault_id) return identity;
  }
  return Error(ErrorCode::vault_no_secret,
               "Did not find a match for --encrypt-vault-id=" + vault_id +
                   " in the known vault-ids [" + list_ids(secrets, ", ", "'") + "]");
}

}  // namespace gpustack::cli
