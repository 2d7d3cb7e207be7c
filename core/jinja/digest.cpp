#include "core/jinja/digest.hpp"

#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <memory>

namespace gpustack::jinja {

namespace {

constexpr std::string_view kSaltAlphabet =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./";

struct Algorithm {
  std::string_view name, short_name, id;
  std::size_t salt_size;
  bool exact_salt;
  int usual_rounds;
};

constexpr Algorithm kAlgorithms[] = {
    {"sha512_crypt", "sha512", "6", 16, false, 656000},
    {"sha256_crypt", "sha256", "5", 16, false, 535000},
    {"md5_crypt", "md5", "1", 8, false, 0},
    {"bcrypt", "blowfish", "2b", 22, true, 12},
};

Result<const Algorithm*> find_algorithm(const std::string& name) {
  for (const Algorithm& row : kAlgorithms) {
    if (row.name == name || row.short_name == name) return &row;
  }
  return Error(ErrorCode::filter_failed,
               "unknown password hash '" + name + "': expected sha512, sha256, md5 or bcrypt");
}

}  // namespace

std::optional<std::string> digest(std::string_view algorithm, std::string_view data) {
  std::string name(algorithm);
  std::replace(name.begin(), name.end(), '_', '-');
  const EVP_MD* type = EVP_get_digestbyname(name.c_str());
  if (type == nullptr) return std::nullopt;
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (EVP_Digest(data.data(), data.size(), out.data(), &size, type, nullptr) != 1)
    return std::nullopt;
  return std::string(reinterpret_cast<const char*>(out.data()), size);
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4U];
    out += kDigits[static_cast<unsigned char>(c) & 0x0FU];
  }
  return out;
}

namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = (group << 8U) | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i)
      out += i <= count ? kBase64[(group >> (18U - 6U * static_cast<unsigned>(i))) & 0x3FU] : '=';
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string out;
  std::uint32_t group = 0;
  int digits = 0;
  int padding = 0;
  for (const char c : text) {
    if (c == '=') {
      if (digits >= 2 && digits + ++padding >= 4) break;
      continue;
    }
    const std::size_t value = kBase64.find(c);
    if (value == std::string_view::npos) continue;
    group = (group << 6U) | static_cast<std::uint32_t>(value);
    if (++digits == 4) {
      for (const unsigned shift : {16U, 8U, 0U}) out += static_cast<char>((group >> shift) & 0xFFU);
      group = 0;
      digits = 0;
    }
  }
  if (digits == 0) return out;
  if (digits == 1 || digits + padding < 4) return std::nullopt;
  group <<= 6U * static_cast<unsigned>(4 - digits);
  out += static_cast<char>((group >> 16U) & 0xFFU);
  if (digits == 3) out += static_cast<char>((group >> 8U) & 0xFFU);
  return out;
}

Result<std::string> random_bytes(std::size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1) {
    return Error(ErrorCode::lookup_failed, "the system gives no random numbers");
  }
  return out;
}

Result<std::string> random_text(std::size_t count, std::string_view alphabet) {
  std::string out;
  // Bytes past the last whole multiple are thrown away, so that every character is equally likely.
  const unsigned limit = 256U - 256U % static_cast<unsigned>(alphabet.size());
  while (out.size() < count) {
    GS_TRY(const std::string bytes, random_bytes(count + 16));
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < limit && out.size() < count) out += alphabet[byte % alphabet.size()];
    }
  }
  return out;
}

Result<std::size_t> salt_size(const std::string& algorithm) {
  GS_TRY(const Algorithm* row, find_algorithm(algorithm));
  return row->salt_size;
}

Result<std::string> hash_password(const std::string& password, const PasswordHash& wish) {
  GS_TRY(const Algorithm* row, find_algorithm(wish.algorithm));
  std::string salt = wish.salt;
  if (salt.empty()) {
    GS_TRY(salt, random_text(row->salt_size, kSaltAlphabet));
  }
  if (salt.find_first_not_of(kSaltAlphabet) != std::string::npos) {
    return Error(ErrorCode::filter_failed,
                 "the salt has characters other than letters, digits, '.' and '/'");
  }
  if (row->exact_salt ? salt.size() != row->salt_size : salt.size() > row->salt_size) {
    return Error(ErrorCode::filter_failed,
                 "the salt must have " + std::string(row->exact_salt ? "" : "at most ") +
                     std::to_string(row->salt_size) + " characters, found " +
                     std::to_string(salt.size()));
  }
  const bool is_bcrypt = row->name == "bcrypt";
  std::string setting =
      "$" + (is_bcrypt && !wish.ident.empty() ? wish.ident : std::string(row->id)) + "$";
  if (is_bcrypt) {
    const int cost = wish.rounds.value_or(row->usual_rounds);
    setting += (cost < 10 ? "0" : "") + std::to_string(cost) + "$";
  } else if (wish.rounds && *wish.rounds != row->usual_rounds) {
    setting += "rounds=" + std::to_string(*wish.rounds) + "$";
  }
  setting += salt;
  auto data = std::make_unique<crypt_data>();
  const char* hashed = crypt_r(password.c_str(), setting.c_str(), data.get());
  if (hashed == nullptr || hashed[0] == '*') {
    return Error(
        ErrorCode::filter_failed,
        "the system cannot make a '" + std::string(row->name) + "' hash with these settings");
  }
  return std::string(hashed);
}

}  // namespace gpustack::jinja
