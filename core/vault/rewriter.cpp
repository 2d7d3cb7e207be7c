#include "core/vault/rewriter.hpp"

#include "core/process/run.hpp"
#include "core/vault/cipher.hpp"
#include "core/vault/envelope.hpp"
#include "core/vault/files.hpp"

#include <algorithm>
#include <filesystem>

namespace gpustack::vault {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kStream = "-";
constexpr std::size_t kLargestText = 1ULL << 30U;
constexpr std::size_t kValueIndent = 10;

/// The header's line: the only one of an encrypted file that may be shown.
SourceSpan header_of(const std::string& path, const std::string& vault_text) {
  constexpr std::uint32_t kMagicLength = 14;  // "$ANSIBLE_VAULT"
  return {intern_source(path, vault_text.substr(0, vault_text.find('\n'))), 1, 1, kMagicLength};
}

/// In ansible-vault's words, which scripts look for; what we know beyond them is the hint.
Error in_its_words(const Error& found, const std::string& path) {
  if (found.code() != ErrorCode::vault_no_secret) return found;
  return Error(ErrorCode::vault_no_secret,
               "Decryption failed (no vault secrets were found that could decrypt) on " + path)
      .at(found.span())
      .hint(found.message() + (found.hint().empty() ? "" : "; " + found.hint()));
}

Result<void> check_is_file(const std::string& path, const std::string& action) {
  if (path != kStream) return {};
  return Error(ErrorCode::usage, "'" + action + "' needs a file, found '-'")
      .hint("'decrypt' and 'encrypt' go from standard input to standard output");
}

/// What the user makes of `plain`. Until the plain text is gone again no signal ends us.
Result<std::string> edited(const std::string& plain,
                           const std::string& name,
                           const EditText& edit) {
  const process::SignalHold hold;
  GS_TRY(const PrivateFolder folder, PrivateFolder::make());
  const std::string file = folder.path() + "/" + name;
  GS_TRY_VOID(create_file(file, plain));
  GS_TRY_VOID(edit(file));
  return read_file(file);
}

}  // namespace

Result<std::string> encrypt_text(std::string_view plain, const Identity& identity) {
  if (is_encrypted(plain)) {
    return Error(ErrorCode::vault_header, "input is already encrypted")
        .hint("'rekey' changes its password");
  }
  const bool fits_header = std::ranges::all_of(
      identity.vault_id, [](char c) { return c >= ' ' && c <= '~' && c != ';'; });
  if (!fits_header) {
    return Error(
        ErrorCode::usage,
        "expected a vault id of ASCII letters without ';', found '" + identity.vault_id + "'");
  }
  if (plain.size() > kLargestText)
    return Error(ErrorCode::usage, "expected at most 1 GiB of text to encrypt");
  return write_envelope(vault::encrypt(plain, identity.password, identity.vault_id));
}

std::string as_yaml_value(std::string_view vault_text, const std::string& name) {
  std::string out = name.empty() ? "!vault |" : name + ": !vault |";
  while (!vault_text.empty()) {
    const std::size_t end = std::min(vault_text.find('\n'), vault_text.size());
    out.append("\n").append(kValueIndent, ' ').append(vault_text.substr(0, end));
    vault_text.remove_prefix(std::min(end + 1, vault_text.size()));
  }
  return out;
}

Result<std::string> Rewriter::read(const std::string& path) const {
  return path == kStream ? streams_.read() : read_file(path);
}

Result<Opened> Rewriter::open(const std::string& path) const {
  GS_TRY(const std::string text, read(path));
  if (!is_encrypted(text)) {
    return Error(ErrorCode::vault_header,
                 "input is not vault encrypted data. " + path + " is not a vault encrypted file");
  }
  // A source file lives as long as the process: the whole text becomes one only to show a fault.
  auto opened = secrets_->unlock(text, header_of(path, text));
  if (opened) return opened;
  if (opened.error().code() == ErrorCode::vault_header) {
    const SourceSpan start{intern_source(path, text), 1, 1, 1};
    GS_TRY_VOID(read_envelope(text, start));
  }
  return in_its_words(opened.error(), path);
}

Result<void> Rewriter::encrypt(const std::string& path,
                               const std::string& output,
                               const Identity& identity) const {
  GS_TRY(std::string plain, read(path));
  auto text = encrypt_text(plain, identity);
  if (!text) {
    const bool shows_header = text.error().code() == ErrorCode::vault_header;
    return std::move(text).error().at_if_unknown(shows_header ? header_of(path, plain)
                                                              : SourceSpan{});
  }
  wipe(plain);
  const std::string target = output.empty() ? path : home_expanded(output);
  if (target == kStream) return streams_.write(*text);
  return replace_file(target,
                      *text,
                      Readers::as_before,
                      output.empty() ? OldBytes::overwritten : OldBytes::forgotten);
}

Result<Identity> Rewriter::decrypt(const std::string& path, const std::string& output) const {
  GS_TRY(Opened opened, open(path));
  const std::string target = output.empty() ? path : home_expanded(output);
  if (target == kStream) {
    GS_TRY_VOID(streams_.write(opened.plain));
  } else {
    GS_TRY_VOID(replace_file(target, opened.plain, Readers::owner));
  }
  wipe(opened.plain);
  return std::move(opened.identity);
}

Result<Identity> Rewriter::rekey(const std::string& path, const Identity& identity) const {
  GS_TRY_VOID(check_is_file(path, "rekey"));
  GS_TRY(Opened opened, open(path));
  GS_TRY(const std::string text, encrypt_text(opened.plain, identity));
  wipe(opened.plain);
  GS_TRY_VOID(replace_file(path, text, Readers::as_before));
  return std::move(opened.identity);
}

Result<Identity> Rewriter::edit(const std::string& path, const EditText& edit) const {
  GS_TRY_VOID(check_is_file(path, "edit"));
  GS_TRY(Opened opened, open(path));
  GS_TRY(std::string plain, edited(opened.plain, fs::path(path).filename().string(), edit));
  if (plain == opened.plain) return std::move(opened.identity);
  // The header keeps its id, whatever id the password goes by here.
  const Identity identity{opened.text_id, opened.identity.password};
  GS_TRY(const std::string text, encrypt_text(plain, identity));
  wipe(plain);
  wipe(opened.plain);
  GS_TRY_VOID(replace_file(path, text, Readers::as_before));
  return std::move(opened.identity);
}

Result<void> Rewriter::create(const std::string& path,
                              const Identity& identity,
                              const EditText& edit) const {
  GS_TRY_VOID(check_is_file(path, "create"));
  std::error_code problem;
  if (fs::exists(fs::symlink_status(path, problem))) {
    return Error(ErrorCode::file_unwritable, path + " exists, please use 'edit' instead");
  }
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty()) fs::create_directories(folder, problem);
  if (!folder.empty() && !fs::is_directory(folder, problem)) {
    return Error(ErrorCode::file_unwritable,
                 "cannot make the folder '" + folder.string() + "': " + problem.message());
  }
  GS_TRY(std::string plain, edited({}, fs::path(path).filename().string(), edit));
  GS_TRY(const std::string text, encrypt_text(plain, identity));
  wipe(plain);
  return create_file(path, text);
}

}  // namespace gpustack::vault
