#include "modules/sdk/hash.hpp"

#include "core/base/suggest.hpp"
#include "modules/sdk/text.hpp"

// Each part by itself, as a static program wants it: what replaced these functions loads providers.
#define OPENSSL_API_COMPAT 0x10100000L  // NOLINT(cppcoreguidelines-macro-usage)
#include <mbedtls/md.h>
#include <openssl/sha.h>

#include <array>

namespace gpustack::modules {

namespace {

struct Named {
  std::string_view name;
  Algorithm algorithm;
  mbedtls_md_type_t type;
};
constexpr std::array kAlgorithms = {
    Named{"md5", Algorithm::md5, MBEDTLS_MD_MD5},
    Named{"sha1", Algorithm::sha1, MBEDTLS_MD_SHA1},
    Named{"sha224", Algorithm::sha224, MBEDTLS_MD_SHA224},
    Named{"sha256", Algorithm::sha256, MBEDTLS_MD_SHA256},
    Named{"sha384", Algorithm::sha384, MBEDTLS_MD_SHA384},
    Named{"sha512", Algorithm::sha512, MBEDTLS_MD_SHA512},
};

const mbedtls_md_info_t* info_of(Algorithm algorithm) {
  for (const Named& entry : kAlgorithms) {
    if (entry.algorithm == algorithm) return mbedtls_md_info_from_type(entry.type);
  }
  return nullptr;
}

}  // namespace

/// SHA-256, which every file and the runner itself are known by, and SHA-1, which results show, are
/// OpenSSL's: it uses what the processor has for them.
struct Hasher::State {
  mbedtls_md_context_t context;
  SHA256_CTX sha256{};
  SHA_CTX sha1{};
  const Algorithm algorithm;
  explicit State(Algorithm wanted) : algorithm(wanted) { mbedtls_md_init(&context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { mbedtls_md_free(&context); }
};

Hasher::Hasher(Algorithm algorithm) : state_(std::make_unique<State>(algorithm)) {
  if (algorithm == Algorithm::sha256) {
    SHA256_Init(&state_->sha256);
    return;
  }
  if (algorithm == Algorithm::sha1) {
    SHA1_Init(&state_->sha1);
    return;
  }
  const mbedtls_md_info_t* info = info_of(algorithm);
  GS_ASSERT(info != nullptr, "every Algorithm is in the table and built into the library");
  GS_ASSERT(mbedtls_md_setup(&state_->context, info, 0) == 0,
            "allocating a digest state is the only way to fail");
  mbedtls_md_starts(&state_->context);
}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(std::string_view bytes) {
  if (state_->algorithm == Algorithm::sha256) {
    SHA256_Update(&state_->sha256, bytes.data(), bytes.size());
    return;
  }
  if (state_->algorithm == Algorithm::sha1) {
    SHA1_Update(&state_->sha1, bytes.data(), bytes.size());
    return;
  }
  mbedtls_md_update(
      &state_->context, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::string Hasher::finish() {
  std::array<unsigned char, MBEDTLS_MD_MAX_SIZE> digest{};
  std::size_t size = SHA256_DIGEST_LENGTH;
  if (state_->algorithm == Algorithm::sha256) {
    SHA256_Final(digest.data(), &state_->sha256);
  } else if (state_->algorithm == Algorithm::sha1) {
    size = SHA_DIGEST_LENGTH;
    SHA1_Final(digest.data(), &state_->sha1);
  } else {
    mbedtls_md_finish(&state_->context, digest.data());
    size = mbedtls_md_get_size(state_->context.md_info);
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < size; ++i) {
    out += kHex[digest[i] >> 4U];
    out += kHex[digest[i] & 0x0FU];
  }
  return out;
}

Result<Algorithm> parse_algorithm(std::string_view name) {
  const std::string wanted = lower(name);
  std::vector<std::string_view> names;
  for (const Named& entry : kAlgorithms) {
    if (entry.name == wanted) return entry.algorithm;
    names.push_back(entry.name);
  }
  return Error(ErrorCode::invalid_argument,
               "unknown checksum algorithm '" + std::string(name) +
                   "', expected one of md5, sha1, sha224, sha256, sha384, sha512")
      .hint(suggest(wanted, names));
}

std::string hash_bytes(Algorithm algorithm, std::string_view bytes) {
  Hasher hasher(algorithm);
  hasher.update(bytes);
  return hasher.finish();
}

}  // namespace gpustack::modules
