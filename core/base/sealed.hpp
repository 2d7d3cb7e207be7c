#pragma once
/// @file Encrypted text that no password opens: an error where it is used, and nowhere before.

#include "core/base/value.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace gpustack {

/// A `!vault` text that stays closed. Conditions, templates and arguments that need its content end
/// with `reason`; a value that nobody asks for costs nothing.
class SealedText final : public Object {
 public:
  /// @param armoured  the vault text with its header
  SealedText(std::string armoured, Error reason)
      : armoured_(std::move(armoured)), reason_(std::move(reason)) {}

  /// Ansible's name for it, as `type_debug` tells.
  [[nodiscard]] std::string_view type_name() const override {
    return "AnsibleVaultEncryptedUnicode";
  }
  /// The encrypted text: a listing shows no more than the file does.
  [[nodiscard]] std::string to_text() const override { return armoured_; }
  [[nodiscard]] const std::string& armoured() const { return armoured_; }
  [[nodiscard]] const Error& reason() const { return reason_; }

 private:
  std::string armoured_;
  Error reason_;
};

/// The value as sealed text; nullptr when it is anything else.
const SealedText* as_sealed(const Value& value);
/// The first sealed text in the value or in what it holds; nullptr when there is none.
const SealedText* find_sealed(const Value& value);

}  // namespace gpustack
