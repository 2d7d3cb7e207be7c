// The SHA-256 block function has no other public entry point; going through it halves the cost of a
// key.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "core/vault/cipher.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>

namespace gpustack::vault {

namespace {

constexpr unsigned kRounds = 10'000;
constexpr std::size_t kBlock = 16;
constexpr std::size_t kDigest = SHA256_DIGEST_LENGTH;
using Digest = std::array<unsigned char, kDigest>;
using Words = std::array<std::uint32_t, 8>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// HMAC-SHA256 with the two pads hashed once, so that a round of PBKDF2 is two block functions.
class KeyedHash {
 public:
  explicit KeyedHash(std::string_view key) {
    std::array<unsigned char, SHA256_CBLOCK> block{};
    if (key.size() > block.size()) {
      SHA256(bytes_of(key), key.size(), block.data());
    } else {
      std::memcpy(block.data(), key.data(), key.size());
    }
    for (unsigned char& byte : block) byte ^= 0x36U;
    SHA256_Init(&inner_);
    SHA256_Update(&inner_, block.data(), block.size());
    for (unsigned char& byte : block) byte ^= 0x36U ^ 0x5CU;
    SHA256_Init(&outer_);
    SHA256_Update(&outer_, block.data(), block.size());
    OPENSSL_cleanse(block.data(), block.size());
  }
  ~KeyedHash() {
    OPENSSL_cleanse(&inner_, sizeof inner_);
    OPENSSL_cleanse(&outer_, sizeof outer_);
  }
  KeyedHash(const KeyedHash&) = delete;
  KeyedHash& operator=(const KeyedHash&) = delete;

  [[nodiscard]] Digest of(std::string_view message) const {
    Digest digest{};
    SHA256_CTX state = inner_;
    SHA256_Update(&state, message.data(), message.size());
    SHA256_Final(digest.data(), &state);
    state = outer_;
    SHA256_Update(&state, digest.data(), digest.size());
    SHA256_Final(digest.data(), &state);
    return digest;
  }

  /// The HMAC of a digest: one padded block for each of the two hashes.
  [[nodiscard]] Words of(const Words& message) const { return half(outer_, half(inner_, message)); }

 private:
  static Words half(const SHA256_CTX& start, const Words& message) {
    std::array<unsigned char, SHA256_CBLOCK> block{};
    for (std::size_t i = 0; i < message.size(); ++i) {
      const std::uint32_t big_endian = __builtin_bswap32(message[i]);
      std::memcpy(block.data() + 4 * i, &big_endian, 4);
    }
    block[kDigest] = 0x80;
    block[62] = ((SHA256_CBLOCK + kDigest) * 8) >> 8U;  // length in bits of pad and digest
    block[63] = ((SHA256_CBLOCK + kDigest) * 8) & 0xFFU;
    SHA256_CTX state = start;
    SHA256_Transform(&state, block.data());
    Words out{};
    std::memcpy(out.data(), state.h, sizeof state.h);
    return out;
  }

  SHA256_CTX inner_{};
  SHA256_CTX outer_{};
};

/// Block `number` (from 1) of PBKDF2-HMAC-SHA256.
Digest derive(const KeyedHash& hash, std::string_view salt, unsigned char number) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the words are swapped to big endian");
  std::string first(salt);
  first.append({'\0', '\0', '\0', static_cast<char>(number)});
  const Digest start = hash.of(first);
  Words round{};
  for (std::size_t i = 0; i < round.size(); ++i) {
    std::uint32_t word = 0;
    std::memcpy(&word, start.data() + 4 * i, 4);
    round[i] = __builtin_bswap32(word);
  }
  Words sum = round;
  for (unsigned i = 1; i < kRounds; ++i) {
    round = hash.of(round);
    for (std::size_t j = 0; j < sum.size(); ++j) sum[j] ^= round[j];
  }
  Digest out{};
  for (std::size_t i = 0; i < sum.size(); ++i) {
    const std::uint32_t word = __builtin_bswap32(sum[i]);
    std::memcpy(out.data() + 4 * i, &word, 4);
  }
  return out;
}

/// AES-256-CTR: the same both ways.
std::string apply_cipher(std::string_view input, const Digest& key, const Digest& counter) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
      EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  std::string out(input.size(), '\0');
  int length = 0;
  const bool is_done =
      context != nullptr &&
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_ctr(), nullptr, key.data(), counter.data()) ==
          1 &&
      EVP_EncryptUpdate(context.get(),
                        reinterpret_cast<unsigned char*>(out.data()),
                        &length,
                        bytes_of(input),
                        static_cast<int>(input.size())) == 1;
  GS_ASSERT(is_done && length == static_cast<int>(input.size()), "libcrypto offers AES-256-CTR");
  return out;
}

}  // namespace

// The HMAC key is block 2 alone: a wrong password costs a third of a right one.
Result<std::optional<std::string>> decrypt(const Envelope& envelope, const Secret& password) {
  const KeyedHash hash(password.reveal());
  const Digest check_key = derive(hash, envelope.salt, 2);
  const KeyedHash check({reinterpret_cast<const char*>(check_key.data()), check_key.size()});
  const Digest expected = check.of(envelope.ciphertext);
  if (envelope.hmac.size() != expected.size() ||
      CRYPTO_memcmp(envelope.hmac.data(), expected.data(), expected.size()) != 0) {
    return std::optional<std::string>();
  }
  const Digest key = derive(hash, envelope.salt, 1);
  const Digest counter = derive(hash, envelope.salt, 3);
  std::string plain = apply_cipher(envelope.ciphertext, key, counter);
  const auto padding = plain.empty() ? 0U : static_cast<unsigned char>(plain.back());
  const bool is_padded =
      padding >= 1 && padding <= kBlock && padding <= plain.size() && plain.size() % kBlock == 0 &&
      plain.find_last_not_of(plain.back()) + 1 <= plain.size() - padding;  // npos + 1 is 0
  if (!is_padded)
    return Error(ErrorCode::vault_header, "the vault text opens, and its padding is broken");
  plain.erase(plain.size() - padding);
  return std::optional<std::string>(std::move(plain));
}

Envelope encrypt(std::string_view plain,
                 const Secret& password,
                 std::string_view vault_id,
                 std::string_view salt) {
  const KeyedHash hash(password.reveal());
  const std::size_t padding = kBlock - plain.size() % kBlock;
  const std::string padded = std::string(plain) + std::string(padding, static_cast<char>(padding));
  Envelope envelope;
  envelope.vault_id = vault_id;
  envelope.salt = salt;
  envelope.ciphertext = apply_cipher(padded, derive(hash, salt, 1), derive(hash, salt, 3));
  const Digest check_key = derive(hash, salt, 2);
  const KeyedHash check({reinterpret_cast<const char*>(check_key.data()), check_key.size()});
  const Digest hmac = check.of(envelope.ciphertext);
  envelope.hmac.assign(reinterpret_cast<const char*>(hmac.data()), hmac.size());
  return envelope;
}

Envelope encrypt(std::string_view plain, const Secret& password, std::string_view vault_id) {
  std::array<unsigned char, kSaltBytes> salt{};
  GS_ASSERT(RAND_bytes(salt.data(), salt.size()) == 1, "the system has randomness");
  return encrypt(
      plain, password, vault_id, {reinterpret_cast<const char*>(salt.data()), salt.size()});
}

}  // namespace gpustack::vault
