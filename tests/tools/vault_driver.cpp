/// @file `vault_driver encrypt|decrypt PASSWORD [VAULT_ID [SALT]]`: standard input to standard
/// output through core/vault. SALT is hexadecimal.

#include "core/vault/cipher.hpp"
#include "core/vault/secrets.hpp"

#include <cstdio>
#include <iostream>
#include <iterator>

int main(int count, char** arguments) {
  using namespace gpustack;
  if (count < 3) return 2;
  const std::string input((std::istreambuf_iterator<char>(std::cin)),
                          std::istreambuf_iterator<char>());
  vault::VaultSecrets secrets;
  secrets.add(count > 3 ? arguments[3] : "", Secret(arguments[2]));
  if (count > 4) {
    std::string salt;
    const std::string_view digits(arguments[4]);
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
      salt += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
    std::cout << vault::write_envelope(
        vault::encrypt(input, Secret(arguments[2]), arguments[3], salt));
    return 0;
  }
  if (std::string_view(arguments[1]) == "encrypt") {
    std::cout << *secrets.encrypt(input);
    return 0;
  }
  const auto plain = secrets.open(input, {});
  if (!plain) {
    std::fputs(plain.error().render().c_str(), stderr);
    return 1;
  }
  std::cout << plain->as_string();
  return 0;
}
