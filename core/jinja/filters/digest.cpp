// hash, checksum, md5, sha1, b64encode, b64decode, to_uuid, password_hash
#include "core/jinja/digest.hpp"

#include "core/jinja/filters/tables.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

namespace gpustack::jinja {

namespace {

Result<Value> hash_with(Invocation& call, const std::string& algorithm) {
  GS_TRY(const std::string text, call.input_text());
  const auto bytes = digest(algorithm, text);
  if (!bytes) return call.fail("does not know the algorithm '" + algorithm + "'");
  return Value(to_hex(*bytes));
}

Result<Value> hash(Invocation& call) {
  GS_TRY(const std::string algorithm, call.text(0, "sha1"));
  return hash_with(call, algorithm);
}
Result<Value> sha1(Invocation& call) { return hash_with(call, "sha1"); }
Result<Value> md5(Invocation& call) { return hash_with(call, "md5"); }

Result<Value> b64encode(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::string encoding, call.text(0, "utf-8"));
  const std::string name = lower(encoding);
  if (name == "utf-16-le" || name == "utf-16le") {
    std::string bytes;
    const auto put = [&](char32_t unit) {
      bytes += static_cast<char>(unit & 0xFFU);
      bytes += static_cast<char>((unit >> 8U) & 0xFFU);
    };
    for (std::size_t at = 0; at < text.size();) {
      char32_t point = read_code_point(text, at);
      if (point >= 0x10000) {
        point -= 0x10000;
        put(0xD800 + (point >> 10U));
        put(0xDC00 + (point & 0x3FFU));
      } else {
        put(point);
      }
    }
    return Value(base64_encode(bytes));
  }
  if (name != "utf-8" && name != "utf8" && name != "ascii")
    return call.fail("does not know the encoding '" + encoding + "'");
  return Value(base64_encode(text));
}

Result<Value> b64decode(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  auto bytes = base64_decode(text);
  if (!bytes) return call.fail("found text that is not base64: its padding is wrong");
  return Value(std::move(*bytes));
}

constexpr std::string_view kAnsibleNamespace = "361e6d51-faec-444a-9079-341386da8e2e";

Result<Value> to_uuid(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::string space, call.text(0, kAnsibleNamespace));
  std::string bytes;
  std::string digits;
  for (const char c : lower(space)) {
    if (c != '-' && c != '{' && c != '}') digits += c;
  }
  if (digits.size() != 32 || digits.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return call.fail("expected a UUID as namespace, found '" + space + "'");
  }
  for (std::size_t i = 0; i < 32; i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  std::string hashed = digest("sha1", bytes + text).value_or(std::string(20, '\0')).substr(0, 16);
  hashed[6] = static_cast<char>((static_cast<unsigned char>(hashed[6]) & 0x0FU) | 0x50U);
  hashed[8] = static_cast<char>((static_cast<unsigned char>(hashed[8]) & 0x3FU) | 0x80U);
  std::string hex = to_hex(hashed);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) hex.insert(at, "-");
  return Value(std::move(hex));
}

Result<Value> password_hash(Invocation& call) {
  GS_TRY(const std::string password, call.input_text());
  PasswordHash wish;
  GS_TRY(wish.algorithm, call.text(0, "sha512"));
  GS_TRY(wish.salt, call.text(1));
  if (call.has(3) && !call.arg(3).is_null()) {
    GS_TRY(const std::int64_t rounds, call.integer(3));
    wish.rounds = static_cast<int>(rounds);
  }
  GS_TRY(wish.ident, call.text(4));
  GS_TRY(std::string hashed, hash_password(password, wish));
  return Value(std::move(hashed));
}

constexpr FilterRow kRows[] = {
    {"hash", hash, "hashtype"},
    {"checksum", sha1},
    {"sha1", sha1},
    {"md5", md5},
    {"b64encode", b64encode, "encoding"},
    {"b64decode", b64decode, "encoding"},
    {"to_uuid", to_uuid, "namespace"},
    {"password_hash", password_hash, "hashtype salt salt_size rounds ident"},
};

}  // namespace

FilterTable digest_filters() { return kRows; }

}  // namespace gpustack::jinja
