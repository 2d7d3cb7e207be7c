#include "core/vault/secrets.hpp"

#include "core/base/sealed.hpp"
#include "core/process/run.hpp"
#include "core/vault/cipher.hpp"
#include "core/vault/files.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace gpustack::vault {

namespace {

constexpr std::string_view kDefaultId = "default";
constexpr int kUnknownIdExit = 2;

std::string stripped(std::string_view text, std::string_view what) {
  const std::size_t first = text.find_first_not_of(what);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(what) - first + 1));
}

bool is_client(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  return name.substr(0, dot == 0 ? std::string::npos : dot).ends_with("-client");
}

// A program's last words, short enough for a message.
std::string last_line(const std::string& errors) {
  const std::string text = stripped(errors, " \t\r\n");
  return text.substr(text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1)
      .substr(0, 200);
}

}  // namespace

VaultSecrets::VaultSecrets(SecretOptions options) : options_(std::move(options)) {}

void VaultSecrets::add(std::string vault_id, Secret password) {
  const std::lock_guard lock(mutex_);
  entries_.push_back(Identity{vault_id.empty() ? std::string(kDefaultId) : std::move(vault_id),
                              std::move(password)});
}

bool VaultSecrets::empty() const {
  const std::lock_guard lock(mutex_);
  return entries_.empty();
}

std::vector<Identity> VaultSecrets::identities() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

Result<void> VaultSecrets::add_source(std::string_view source) {
  const std::size_t at = source.find('@');
  const std::string vault_id(at == std::string_view::npos || at == 0 ? kDefaultId
                                                                     : source.substr(0, at));
  const std::string place(at == std::string_view::npos ? source : source.substr(at + 1));
  if (place.empty()) {
    return Error(ErrorCode::vault_source,
                 "expected 'LABEL@SOURCE' for a vault id, found '" + std::string(source) + "'")
        .hint("SOURCE is 'prompt', a file, or an executable");
  }
  GS_TRY(Secret password, read_source(vault_id, place));
  if (password.empty())
    return Error(ErrorCode::vault_source, "the vault password from '" + place + "' is empty");
  add(vault_id, std::move(password));
  return {};
}

Result<Secret> VaultSecrets::read_source(const std::string& vault_id, const std::string& source) {
  if (source == "prompt" || source == "prompt_ask_vault_pass") {
    if (!options_.prompt) {
      return Error(ErrorCode::vault_source,
                   "cannot ask for the password of the vault id '" + vault_id + "': no terminal")
          .hint("give a file: --vault-id " + vault_id + "@FILE");
    }
    return options_.prompt(vault_id);
  }
  const std::string path = home_expanded(source);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return Error(errno == ENOENT ? ErrorCode::file_not_found : ErrorCode::file_unreadable,
                 "cannot read the vault password file '" + path + "': " + std::strerror(errno));
  }
  if (S_ISDIR(status.st_mode)) {
    return Error(ErrorCode::file_unreadable,
                 "cannot read the vault password file '" + path + "': it is a folder");
  }
  if ((status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0) return run_script(vault_id, path);
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Error(ErrorCode::file_unreadable,
                 "cannot read the vault password file '" + path + "': " + std::strerror(errno));
  }
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::string password = stripped(text, " \t\n\r\v\f");
  wipe(text);
  if (is_encrypted(password)) {
    const SourceSpan start{intern_source(path, password), 1, 1, 1};
    GS_TRY(password, plain_text(password, start));
  }
  Secret secret{stripped(password, "\r\n")};
  wipe(password);
  return secret;
}

Result<Secret> VaultSecrets::run_script(const std::string& vault_id,
                                        const std::string& path) const {
  const bool asks_by_id = is_client(path);
  process::Command command;
  command.arguments = {path.find('/') == std::string::npos ? "./" + path : path};
  if (asks_by_id) {
    command.arguments.insert(command.arguments.end(), {"--vault-id", vault_id});
  }
  command.timeout = options_.script_timeout;
  command.standard_error =
      asks_by_id ? process::StandardError::captured : process::StandardError::passed_on;
  command.terminal = process::Terminal::shared;  // it may ask the user
  auto done = process::run(command);
  if (!done) {
    return std::move(done).error().hint(
        "if '" + path + "' is not a program, take its executable bit away: chmod -x " + path);
  }
  if (asks_by_id && done->exit_code == kUnknownIdExit) {
    return Error(ErrorCode::vault_source,
                 "the program '" + path + "' knows no password for the vault id '" + vault_id + "'")
        .hint(last_line(done->errors));
  }
  if (done->exit_code != 0) {
    return Error(ErrorCode::vault_source,
                 "the vault password program '" + path + "' ended with exit code " +
                     std::to_string(done->exit_code))
        .hint(last_line(done->errors));
  }
  Secret secret{stripped(done->output, "\r\n")};
  wipe(done->output);
  return secret;
}

std::vector<const Identity*> VaultSecrets::candidates(const std::string& vault_id) const {
  std::vector<const Identity*> order;
  for (const Identity& entry : entries_) {
    if (entry.vault_id == vault_id) order.push_back(&entry);
  }
  if (options_.must_match_id) return order;
  for (const Identity& entry : entries_) {
    if (entry.vault_id != vault_id) order.push_back(&entry);
  }
  return order;
}

Result<Opened> VaultSecrets::try_all(std::string_view armoured, SourceSpan span) const {
  GS_TRY(const Envelope envelope, read_envelope(armoured, span));
  const std::string vault_id =
      envelope.vault_id.empty() ? std::string(kDefaultId) : envelope.vault_id;
  if (entries_.empty()) {
    return Error(ErrorCode::vault_no_secret,
                 "this text is encrypted, and no vault password was given")
        .at(span)
        .hint("pass --ask-vault-pass, --vault-password-file or --vault-id");
  }
  std::string tried;
  for (const Identity* entry : candidates(vault_id)) {
    auto plain = decrypt(envelope, entry->password);
    if (!plain) return std::move(plain).error().at_if_unknown(span);
    if (*plain) return Opened{std::move(**plain), vault_id, *entry};
    tried += (tried.empty() ? "'" : ", '") + entry->vault_id + "'";
  }
  return Error(ErrorCode::vault_no_secret,
               tried.empty()
                   ? "no password was given for the vault id '" + vault_id + "'"
                   : "none of the vault passwords opens this text (tried the ids " + tried + ")")
      .at(span)
      .hint(envelope.vault_id.empty() ? "is it the password that the text was encrypted with?"
                                      : "it was encrypted with the vault id '" + vault_id + "'");
}

Result<Value> VaultSecrets::open(std::string_view armoured, SourceSpan span) {
  const std::lock_guard lock(mutex_);
  if (const auto known = opened_.find(armoured); known != opened_.end()) return known->second;
  GS_TRY(Opened opened, try_all(armoured, span));
  Value value = Value(std::move(opened.plain)).marked(Mark::secret);
  opened_.emplace(armoured, value);
  return value;
}

Result<Value> VaultSecrets::open_value(std::string_view armoured, SourceSpan span) {
  auto opened = open(armoured, span);
  if (opened || !options_.leaves_values_closed ||
      opened.error().code() != ErrorCode::vault_no_secret)
    return opened;
  return make_object<SealedText>(std::string(armoured), std::move(opened).error());
}

Result<Opened> VaultSecrets::unlock(std::string_view armoured, SourceSpan span) const {
  const std::lock_guard lock(mutex_);
  return try_all(armoured, span);
}

Result<std::string> VaultSecrets::plain_text(std::string_view text, SourceSpan span) {
  if (!is_encrypted(text)) return std::string(text);
  GS_TRY(const Value opened, open(text, span));
  return opened.as_string();
}

Result<std::string> VaultSecrets::encrypt(std::string_view plain,
                                          std::optional<std::string_view> vault_id) const {
  const std::lock_guard lock(mutex_);
  for (const Identity& entry : entries_) {
    if (!vault_id || entry.vault_id == *vault_id) {
      return write_envelope(vault::encrypt(plain, entry.password, entry.vault_id));
    }
  }
  return Error(ErrorCode::vault_no_secret,
               vault_id ? "no password was given for the vault id '" + std::string(*vault_id) + "'"
                        : "no vault password was given")
      .hint("pass --ask-vault-pass, --vault-password-file or --vault-id");
}

}  // namespace gpustack::vault
