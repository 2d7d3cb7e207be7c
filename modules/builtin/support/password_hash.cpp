#include "modules/builtin/support/password_hash.hpp"

#include "modules/sdk/base64.hpp"
#include "modules/sdk/hash.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace gpustack::modules {

namespace {

constexpr std::string_view kApache = "$apr1$";
constexpr std::string_view kMd5 = "$1$";
constexpr std::string_view kSha256 = "$5$";
constexpr std::string_view kSha512 = "$6$";
constexpr std::string_view kSha1 = "{SHA}";
constexpr std::string_view kRounds = "rounds=";
constexpr std::size_t kMd5Salt = 8;
constexpr std::size_t kShaSalt = 16;
constexpr std::int64_t kDefaultRounds = 5000;  ///< of a hash that does not say
constexpr std::int64_t kNewRounds = 100'000;

/// The digest itself, not its hexadecimal text.
std::string digest(Algorithm algorithm, std::string_view bytes) {
  const std::string hex = hash_bytes(algorithm, bytes);
  std::string out;
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(value(hex[i]) * 16 + value(hex[i + 1]));
  return out;
}

/// `text` over and over, up to a length.
std::string repeated(std::string_view text, std::size_t length) {
  std::string out;
  while (out.size() < length) out += text.substr(0, length - out.size());
  return out;
}

/// Three bytes as four characters, the lowest bits first; fewer where `count` says so.
void put(std::string& out, const std::string& bytes, std::array<int, 3> places, unsigned count) {
  constexpr std::string_view kLetters =
      "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::uint32_t value = 0;
  for (const int place : places) {
    value <<= 8U;
    if (place >= 0) value |= static_cast<unsigned char>(bytes[static_cast<std::size_t>(place)]);
  }
  for (unsigned i = 0; i < count; ++i, value >>= 6U) out += kLetters[value & 63U];
}

/// One of the many rounds that all these schemes have.
std::string stir(Algorithm algorithm,
                 const std::string& state,
                 std::string_view password,
                 std::string_view salt,
                 std::int64_t round) {
  std::string next;
  const bool is_odd = round % 2 == 1;
  next += is_odd ? password : std::string_view(state);
  if (round % 3 != 0) next += salt;
  if (round % 7 != 0) next += password;
  next += is_odd ? std::string_view(state) : password;
  return digest(algorithm, next);
}

/// @source the MD5-based crypt of FreeBSD, and Apache's variant of another magic
std::string md5_crypt(std::string_view magic, std::string_view password, std::string_view salt) {
  constexpr std::int64_t kMd5Rounds = 1000;
  const std::string word(password);
  salt = salt.substr(0, kMd5Salt);
  std::string start = word + std::string(magic) + std::string(salt);
  start += repeated(digest(Algorithm::md5, word + std::string(salt) + word), word.size());
  for (std::size_t i = word.size(); i > 0; i >>= 1U) start += (i & 1U) != 0 ? '\0' : word[0];
  std::string state = digest(Algorithm::md5, start);
  for (std::int64_t i = 0; i < kMd5Rounds; ++i)
    state = stir(Algorithm::md5, state, password, salt, i);
  std::string out = std::string(magic) + std::string(salt) + "$";
  for (int i = 0; i < 4; ++i) put(out, state, {i, i + 6, i + 12}, 4);
  put(out, state, {4, 10, 5}, 4);
  put(out, state, {-1, -1, 11}, 2);
  return out;
}

std::string sha_letters(const std::string& state) {
  std::string out;
  const bool is_long = state.size() == 64;
  std::array<int, 3> places = is_long ? std::array{0, 21, 42} : std::array{0, 10, 20};
  const int groups = is_long ? 21 : 10;
  for (int i = 0; i < groups; ++i) {
    put(out, state, places, 4);
    const auto [a, b, c] = places;
    places = is_long ? std::array{b + 1, c + 1, a + 1} : std::array{c + 1, a + 1, b + 1};
  }
  if (is_long) {
    put(out, state, {-1, -1, 63}, 2);
  } else {
    put(out, state, {-1, 31, 30}, 3);
  }
  return out;
}

/// @source "Unix crypt using SHA-256 and SHA-512", U. Drepper
std::string sha_crypt(Algorithm algorithm,
                      std::string_view password,
                      std::string_view salt,
                      std::int64_t rounds) {
  salt = salt.substr(0, kShaSalt);
  const std::string word(password);
  const std::string salted = word + std::string(salt);
  const std::string other = digest(algorithm, salted + word);
  std::string start = salted + repeated(other, word.size());
  for (std::size_t i = word.size(); i > 0; i >>= 1U) start += (i & 1U) != 0 ? other : word;
  std::string state = digest(algorithm, start);
  std::string words;
  for (std::size_t i = 0; i < word.size(); ++i) words += word;
  std::string salts;
  const unsigned times = 16U + static_cast<unsigned char>(state[0]);
  for (unsigned i = 0; i < times; ++i) salts += salt;
  const std::string mixed_word = repeated(digest(algorithm, words), word.size());
  const std::string mixed_salt = repeated(digest(algorithm, salts), salt.size());
  for (std::int64_t i = 0; i < rounds; ++i)
    state = stir(algorithm, state, mixed_word, mixed_salt, i);
  return sha_letters(state);
}

std::string sha1_text(std::string_view password) {
  return std::string(kSha1) + base64(digest(Algorithm::sha1, password));
}

/// A hash of the SHA kind, taken apart and made again.
std::string made_again(Algorithm algorithm,
                       std::string_view magic,
                       std::string_view password,
                       std::string_view hash) {
  constexpr std::int64_t kFewest = 1000;
  constexpr std::int64_t kMost = 999'999'999;
  std::string out(magic);
  std::string_view rest = hash.substr(magic.size());
  std::int64_t rounds = kDefaultRounds;
  if (rest.starts_with(kRounds)) {
    const std::size_t end = std::min(rest.find('$'), rest.size());
    const auto number = parse_integer(rest.substr(kRounds.size(), end - kRounds.size()));
    if (!number || *number < kFewest || *number > kMost || end == rest.size()) return {};
    rounds = *number;
    out += rest.substr(0, end + 1);
    rest.remove_prefix(end + 1);
  }
  const std::string_view salt = rest.substr(0, rest.find('$'));
  return out + std::string(salt) + "$" + sha_crypt(algorithm, password, salt, rounds);
}

}  // namespace

Result<std::string> hash_password(std::string_view scheme,
                                  std::string_view password,
                                  std::string_view salt) {
  if (scheme == "apr_md5_crypt") return md5_crypt(kApache, password, salt);
  if (scheme == "md5_crypt") return md5_crypt(kMd5, password, salt);
  if (scheme == "ldap_sha1") return sha1_text(password);
  if (scheme == "plaintext") return std::string(password);
  const bool is_long = scheme == "sha512_crypt";
  if (is_long || scheme == "sha256_crypt") {
    const std::string head = std::string(is_long ? kSha512 : kSha256) + std::string(kRounds) +
                             std::to_string(kNewRounds) + "$" +
                             std::string(salt.substr(0, kShaSalt)) + "$";
    return head +
           sha_crypt(is_long ? Algorithm::sha512 : Algorithm::sha256, password, salt, kNewRounds);
  }
  return Error(ErrorCode::invalid_argument,
               "expected one of " + std::string(kPasswordSchemes) +
                   " for the hash's scheme, found '" + std::string(scheme) + "'");
}

bool verify_password(std::string_view password, std::string_view hash) {
  for (const std::string_view magic : {kApache, kMd5}) {
    if (!hash.starts_with(magic)) continue;
    const std::string_view salt = hash.substr(magic.size());
    return md5_crypt(magic, password, salt.substr(0, salt.find('$'))) == hash;
  }
  if (hash.starts_with(kSha256))
    return made_again(Algorithm::sha256, kSha256, password, hash) == hash;
  if (hash.starts_with(kSha512))
    return made_again(Algorithm::sha512, kSha512, password, hash) == hash;
  if (hash.starts_with(kSha1)) return sha1_text(password) == hash;
  return password == hash;
}

}  // namespace gpustack::modules
