#include "modules/sdk/digest_login.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

namespace gpustack::modules {

namespace {

/// A quoted or bare value at the start of `text`, which is moved past it.
std::string take_value(std::string_view& text) {
  std::string out;
  if (!text.starts_with('"')) {
    const std::size_t end = std::min(text.find_first_of(", \t"), text.size());
    out = text.substr(0, end);
    text.remove_prefix(end);
    return out;
  }
  std::size_t i = 1;
  for (; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  text.remove_prefix(std::min(i + 1, text.size()));
  return out;
}

/// The parameters of the first Digest challenge of a header that may hold several challenges.
std::optional<std::map<std::string, std::string>> digest_parameters(std::string_view header) {
  std::optional<std::map<std::string, std::string>> out;
  while (true) {
    header = trim_left(header, ", \t");
    if (header.empty()) return out;
    const std::size_t end = std::min(header.find_first_of("=, \t"), header.size());
    const std::string word = lower(header.substr(0, end));
    header.remove_prefix(end);
    if (!header.starts_with('=')) {
      // A word without a value is the scheme of the next challenge.
      if (out) return out;
      if (word == "digest") out.emplace();
      continue;
    }
    header.remove_prefix(1);
    std::string value = take_value(header);
    if (out) out->emplace(word, std::move(value));
  }
}

std::string quoted(std::string_view text) {
  return "\"" + replace_all(replace_all(text, "\\", "\\\\"), "\"", "\\\"") + "\"";
}

}  // namespace

Result<std::optional<DigestLogin>> DigestLogin::of_challenge(std::string_view header) {
  const auto parameters = digest_parameters(header);
  if (!parameters) return std::optional<DigestLogin>();
  const auto value = [&](const char* name) {
    const auto found = parameters->find(name);
    return found == parameters->end() ? std::string() : found->second;
  };
  DigestLogin out;
  out.realm_ = value("realm");
  out.nonce_ = value("nonce");
  out.opaque_ = value("opaque");
  out.algorithm_name_ = value("algorithm");
  std::string algorithm = lower(out.algorithm_name_);
  if (algorithm.ends_with("-sess")) {
    out.is_session_ = true;
    algorithm.resize(algorithm.size() - 5);
  }
  if (algorithm == "sha" || algorithm == "sha-1") {
    out.algorithm_ = Algorithm::sha1;
  } else if (algorithm == "sha-256") {
    out.algorithm_ = Algorithm::sha256;
  } else if (!algorithm.empty() && algorithm != "md5") {
    return Error(ErrorCode::module_failed,
                 "the server asks for the Digest algorithm '" + out.algorithm_name_ +
                     "', expected MD5, SHA or SHA-256");
  }
  const std::string quality = value("qop");
  if (!quality.empty()) {
    const auto kinds = split(quality, ',');
    out.has_quality_ =
        std::ranges::any_of(kinds, [](const std::string& kind) { return trim(kind) == "auth"; });
    if (!out.has_quality_) {
      return Error(
          ErrorCode::module_failed,
          "the server asks for Digest with the protection '" + quality + "', expected auth");
    }
  }
  return std::optional<DigestLogin>(std::move(out));
}

std::string DigestLogin::authorization(const std::string& user,
                                       const std::string& password,
                                       const std::string& method,
                                       const std::string& target,
                                       const std::string& client_nonce) {
  const auto digest = [&](const std::string& text) { return hash_bytes(algorithm_, text); };
  std::array<char, 16> count{};
  std::snprintf(count.data(), count.size(), "%08x", ++uses_);
  std::string secret = digest(user + ":" + realm_ + ":" + password);
  if (is_session_) secret = digest(secret + ":" + nonce_ + ":" + client_nonce);
  const std::string middle =
      has_quality_ ? nonce_ + ":" + count.data() + ":" + client_nonce + ":auth" : nonce_;
  const std::string response = digest(secret + ":" + middle + ":" + digest(method + ":" + target));
  std::string out = "Digest username=" + quoted(user) + ", realm=" + quoted(realm_) +
                    ", nonce=" + quoted(nonce_) + ", uri=" + quoted(target) +
                    ", response=" + quoted(response);
  if (!opaque_.empty()) out += ", opaque=" + quoted(opaque_);
  if (!algorithm_name_.empty()) out += ", algorithm=" + algorithm_name_;
  if (has_quality_)
    out += ", qop=auth, nc=" + std::string(count.data()) + ", cnonce=" + quoted(client_nonce);
  else if (is_session_)
    out += ", cnonce=" + quoted(client_nonce);
  return out;
}

}  // namespace gpustack::modules
