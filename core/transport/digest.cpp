#include "core/transport/digest.hpp"

#include "core/base/result.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace gpustack::transport {

namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string sha256(std::string_view bytes) {
  std::string digest(32, '\0');
  unsigned int length = 0;
  const int rc = EVP_Digest(bytes.data(),
                            bytes.size(),
                            reinterpret_cast<unsigned char*>(digest.data()),
                            &length,
                            EVP_sha256(),
                            nullptr);
  GS_ASSERT(rc == 1 && length == 32, "SHA-256 is always there");
  return digest;
}

std::string sha256_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : sha256(bytes)) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4U];
    text += kDigits[static_cast<unsigned char>(byte) & 15U];
  }
  return text;
}

std::string hmac_sha1(std::string_view key, std::string_view bytes) {
  std::string digest(20, '\0');
  unsigned int length = 0;
  const unsigned char* done = HMAC(EVP_sha1(),
                                   key.data(),
                                   static_cast<int>(key.size()),
                                   bytes_of(bytes),
                                   bytes.size(),
                                   reinterpret_cast<unsigned char*>(digest.data()),
                                   &length);
  GS_ASSERT(done != nullptr && length == 20, "HMAC-SHA1 is always there");
  return digest;
}

std::string base64_encode(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     bytes_of(bytes),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     bytes_of(text),
                                     static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

}  // namespace gpustack::transport
