#include "modules/builtin/support/known_hosts_line.hpp"

#include "modules/sdk/base64.hpp"
#include "modules/sdk/system.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr std::size_t kBlock = 64;  // of SHA-1

std::string sha1_bytes(std::string_view text) {
  const std::string hex = hash_bytes(Algorithm::sha1, text);
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return out;
}

std::string hmac_sha1(std::string_view key, std::string_view text) {
  std::string inner(kBlock, '\x36');
  std::string outer(kBlock, '\x5c');
  for (std::size_t i = 0; i < key.size() && i < kBlock; ++i) {
    inner[i] = static_cast<char>(inner[i] ^ key[i]);
    outer[i] = static_cast<char>(outer[i] ^ key[i]);
  }
  return sha1_bytes(outer + sha1_bytes(inner + std::string(text)));
}

/// ssh's patterns know `*` and `?` only: a bracket is part of `[host]:port`.
bool matches(std::string_view pattern, std::string_view host) {
  if (pattern.empty()) return host.empty();
  if (pattern[0] == '*') {
    return matches(pattern.substr(1), host) || (!host.empty() && matches(pattern, host.substr(1)));
  }
  if (host.empty() || (pattern[0] != '?' && pattern[0] != host[0])) return false;
  return matches(pattern.substr(1), host.substr(1));
}

}  // namespace

std::optional<KnownHost> parse_known_host(std::string_view line) {
  const auto words = split_words(line);
  if (words.empty() || words[0].starts_with('#')) return std::nullopt;
  const std::size_t first = words[0].starts_with('@') ? 1 : 0;
  if (words.size() < first + 3) return std::nullopt;
  return KnownHost{.marker = first == 1 ? words[0] : std::string(),
                   .hosts = words[first],
                   .type = words[first + 1],
                   .key = words[first + 2]};
}

std::string hashed_host(std::string_view host, std::string_view salt) {
  return "|1|" + base64(salt) + "|" + base64(hmac_sha1(salt, host));
}

bool names_host(const KnownHost& line, std::string_view host) {
  if (line.is_hashed()) {
    const std::string_view rest = std::string_view(line.hosts).substr(3);
    const auto salt = base64_decode(rest.substr(0, rest.find('|')));
    return salt && hashed_host(host, *salt) == line.hosts;
  }
  bool found = false;
  for (const std::string& pattern : split(lower(line.hosts), ',')) {
    if (pattern.starts_with('!')) {
      if (matches(std::string_view(pattern).substr(1), host)) return false;
    } else {
      found = found || matches(pattern, host);
    }
  }
  return found;
}

}  // namespace gpustack::modules
