// vault, unvault
#include "core/base/sealed.hpp"
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/operators.hpp"
#include "core/vault/cipher.hpp"

namespace gpustack::jinja {

namespace {

constexpr std::string_view kFilterId = "filter_default";

/// The password, which must be a text that is not empty.
Result<Secret> password_of(Invocation& call) {
  GS_TRY_VOID(require_defined(call.arg(0)));
  if (!call.arg(0).is_string())
    return call.fail("needs the password as a string, found " +
                     std::string(type_name(call.arg(0))));
  return Secret(call.arg(0).as_string());
}

/// @source ansible-core 2.14, plugins/filter/encryption.py: do_vault
Result<Value> encrypt(Invocation& call) {
  GS_TRY(const Secret password, password_of(call));
  if (!call.input.is_string())
    return call.fail("can only encrypt strings, found " + std::string(type_name(call.input)));
  GS_TRY(const std::string vault_id, call.text(2, kFilterId));
  const Value& salt = call.arg(1);
  if (!salt.is_null() && to_text(salt).empty()) return call.fail("needs a salt that is not empty");
  const auto& plain = call.input.as_string();
  const vault::Envelope envelope = salt.is_null()
                                       ? vault::encrypt(plain, password, vault_id)
                                       : vault::encrypt(plain, password, vault_id, to_text(salt));
  std::string armoured = vault::write_envelope(envelope);
  if (!call.flag(3)) return Value(std::move(armoured));
  return make_object<SealedText>(
      std::move(armoured),
      Error(ErrorCode::vault_no_secret, "this text was encrypted by the filter 'vault'")
          .hint("open it with the filter 'unvault'"));
}

/// @source ansible-core 2.14, plugins/filter/encryption.py: do_unvault
Result<Value> decrypt(Invocation& call) {
  if (call.input.is_undefined()) return undefined_value_error(call.input);
  GS_TRY(const Secret password, password_of(call));
  const SealedText* sealed = as_sealed(call.input);
  if (sealed == nullptr && !call.input.is_string())
    return call.fail("needs a vault text, found " + std::string(type_name(call.input)));
  const std::string& text = sealed != nullptr ? sealed->armoured() : call.input.as_string();
  if (sealed == nullptr && !vault::is_encrypted(text)) return call.input;
  GS_TRY(const vault::Envelope envelope, vault::read_envelope(text));
  GS_TRY(auto plain, vault::decrypt(envelope, password));
  if (!plain) return call.fail("cannot open the text: the password does not fit");
  return Value(std::move(*plain)).marked(Mark::secret);
}

constexpr FilterRow kRows[] = {
    {"vault", encrypt, "secret! salt vaultid wrap_object", Marks::none},
    {"unvault", decrypt, "secret! vaultid", Marks::none, true},
};

}  // namespace

FilterTable vault_filters() { return kRows; }

}  // namespace gpustack::jinja
