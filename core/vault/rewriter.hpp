#pragma once
/// @file Encrypts, decrypts, rekeys and edits whole files, as ansible-vault does.

#include "core/vault/secrets.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace gpustack::vault {

/// `plain` as vault text, under the identity's id.
/// @error vault_header  it is vault text already; usage  an id that no header can hold, or too long
/// a text
Result<std::string> encrypt_text(std::string_view plain, const Identity& identity);

/// Vault text as a YAML value that can be pasted into a file of variables; `name` may be empty. No
/// line end behind it.
std::string as_yaml_value(std::string_view vault_text, const std::string& name);

/// What `-` stands for as the name of a file.
struct Streams {
  std::function<Result<std::string>()> read;
  std::function<Result<void>(std::string_view)> write;
};

/// Lets the user work on the file at `path`, which holds plain text.
using EditText = std::function<Result<void>(const std::string& path)>;

/// Every file is replaced in one step or stays as it was; a fault in one leaves those before it
/// done and those behind it alone. Plain text that replaces vault text is its owner's alone.
class Rewriter {
 public:
  /// @param secrets  outlives this object
  Rewriter(const VaultSecrets& secrets, Streams streams)
      : secrets_(&secrets), streams_(std::move(streams)) {}

  /// @error file_*; vault_header  it is not vault text; vault_no_secret
  Result<Opened> open(const std::string& path) const;
  /// @param output  a file, `-`, or nothing for `path` itself
  Result<void> encrypt(const std::string& path,
                       const std::string& output,
                       const Identity& identity) const;
  /// @return what the text was opened with
  Result<Identity> decrypt(const std::string& path, const std::string& output) const;
  Result<Identity> rekey(const std::string& path, const Identity& identity) const;
  /// A text that comes back as it was leaves the file alone, to the byte.
  Result<Identity> edit(const std::string& path, const EditText& edit) const;
  Result<void> create(const std::string& path,
                      const Identity& identity,
                      const EditText& edit) const;

 private:
  Result<std::string> read(const std::string& path) const;

  const VaultSecrets* secrets_;
  Streams streams_;
};

}  // namespace gpustack::vault
