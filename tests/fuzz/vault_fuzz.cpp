// Vault texts, with a password that may fit.
#include "core/vault/secrets.hpp"
#include "tests/fuzz/target.hpp"

using namespace gpustack;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  vault::VaultSecrets secrets;
  secrets.add("default", Secret("test"));
  static_cast<void>(secrets.open(text, {}));
  static_cast<void>(secrets.plain_text(text, {}));
  return 0;
}
