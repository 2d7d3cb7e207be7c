#pragma once
/// @file The vault passwords of a run: where they come from, and which one opens a text.

#include "core/base/secret.hpp"
#include "core/yaml/node.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::vault {

struct SecretOptions {
  /// Asks the user for the password of a vault id; without one, `prompt` is an unusable source.
  std::function<Result<Secret>(const std::string& vault_id)> prompt;
  bool must_match_id =
      false;  ///< Ansible's `vault_id_match`: only secrets of the text's own id are tried
  /// A single value that no password opens is a fault where it is used, as with Ansible, and not
  /// where it stands.
  bool leaves_values_closed = false;
  std::chrono::milliseconds script_timeout = std::chrono::minutes(2);
};

/// A vault password and the id it goes by.
struct Identity {
  std::string vault_id;
  Secret password;
};

/// A text that was opened, and with what: who writes it back takes the same.
struct Opened {
  std::string plain;
  std::string text_id;  ///< the id in the text's header; `default` when there is none
  Identity identity;
};

/// Thread: any; opening is serialised, opened texts are remembered for the run.
class VaultSecrets : public yaml::VaultReader {
 public:
  explicit VaultSecrets(SecretOptions options = {});

  /// A password that is already known. Earlier ones are tried first.
  void add(std::string vault_id, Secret password);
  /// `LABEL@SOURCE` or `SOURCE`; SOURCE is `prompt`, a file, or an executable that prints the
  /// password (one whose name ends in `-client` is called with `--vault-id LABEL`).
  /// @error vault_source, file_not_found, file_unreadable
  Result<void> add_source(std::string_view source);
  bool empty() const;
  /// In the order they were added.
  std::vector<Identity> identities() const;

  /// Vault text to its plain text; the value is marked secret.
  /// @error vault_header, vault_no_secret
  Result<Value> open(std::string_view armoured, SourceSpan span) override;
  /// A SealedText where SecretOptions::leaves_values_closed holds and no password fits.
  /// @error as open()
  Result<Value> open_value(std::string_view armoured, SourceSpan span) override;
  /// The same for one who rewrites the text: nothing is remembered. @error as open()
  Result<Opened> unlock(std::string_view armoured, SourceSpan span) const;
  /// `text` itself when it is not vault text, else its plain text. @error as open()
  Result<std::string> plain_text(std::string_view text, SourceSpan span);
  /// Encrypts with the first secret of `vault_id`, or with the first of all. @error vault_no_secret
  Result<std::string> encrypt(std::string_view plain,
                              std::optional<std::string_view> vault_id = std::nullopt) const;

 private:
  Result<Secret> read_source(const std::string& vault_id, const std::string& source);
  Result<Secret> run_script(const std::string& vault_id, const std::string& path) const;
  Result<Opened> try_all(std::string_view armoured, SourceSpan span) const;
  std::vector<const Identity*> candidates(const std::string& vault_id) const;

  SecretOptions options_;
  std::vector<Identity> entries_;
  std::map<std::string, Value, std::less<>> opened_;
  mutable std::mutex mutex_;
};

}  // namespace gpustack::vault
