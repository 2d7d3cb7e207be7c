#include "core/transport/known_hosts.hpp"

#include "core/transport/digest.hpp"
#include "core/transport/host_pattern.hpp"

#include <algorithm>

namespace gpustack::transport {

namespace {

std::string_view next_word(std::string_view& rest) {
  const auto begin = rest.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    rest = {};
    return {};
  }
  const auto end = std::min(rest.find_first_of(" \t", begin), rest.size());
  const std::string_view word = rest.substr(begin, end - begin);
  rest.remove_prefix(end);
  return word;
}

/// `|1|salt|hash`, both base64: HMAC-SHA1 of the name with the salt as key.
bool matches_hashed(std::string_view pattern, std::string_view name) {
  const auto bar = pattern.find('|', 3);
  if (bar == std::string_view::npos) return false;
  const auto salt = base64_decode(pattern.substr(3, bar - 3));
  const auto hash = base64_decode(pattern.substr(bar + 1));
  return salt && hash && hmac_sha1(*salt, name) == *hash;
}

bool matches_names(std::string_view patterns, std::string_view name) {
  return patterns.starts_with("|1|") ? matches_hashed(patterns, name)
                                     : matches_any(split(patterns, ","), name);
}

}  // namespace

std::string fingerprint(const HostKey& key) {
  const auto blob = base64_decode(key.base64);
  if (!blob) return "(unreadable key)";
  std::string text = base64_encode(sha256(*blob));
  while (text.ends_with('=')) text.pop_back();
  return "SHA256:" + text;
}

std::string known_hosts_name(const std::string& host, std::uint16_t port) {
  const std::string name = lower_case(host);
  return port == 22 ? name : "[" + name + "]:" + std::to_string(port);
}

void KnownHosts::add_text(const std::string& path, std::string_view text) {
  paths_.push_back(path);
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    Entry entry;
    std::string_view first = next_word(line);
    if (first.empty() || first.starts_with('#')) continue;
    if (first.starts_with('@')) {
      if (first == "@revoked") {
        entry.marker = Marker::revoked;
      } else if (first == "@cert-authority") {
        entry.marker = Marker::authority;
      } else {
        continue;
      }
      first = next_word(line);
    }
    // Hashes are case-sensitive, names are not.
    entry.patterns = first.starts_with("|1|") ? std::string(first) : lower_case(first);
    entry.key.type = next_word(line);
    entry.key.base64 = next_word(line);
    if (entry.key.base64.empty() || !base64_decode(entry.key.base64)) continue;
    entry.file = paths_.size() - 1;
    entry.line = number;
    const std::size_t index = entries_.size();
    if (entry.patterns.find_first_of("*?!|") != std::string::npos) {
      others_.push_back(index);
    } else {
      std::string_view names = entry.patterns;
      while (!names.empty()) {
        const auto comma = std::min(names.find(','), names.size());
        by_name_[std::string(names.substr(0, comma))].push_back(index);
        names.remove_prefix(std::min(comma + 1, names.size()));
      }
    }
    entries_.push_back(std::move(entry));
  }
}

std::vector<const KnownHosts::Entry*> KnownHosts::entries_of(const std::string& host,
                                                             std::uint16_t port) const {
  const std::string name = known_hosts_name(host, port);
  std::vector<std::size_t> found;
  if (const auto plain = by_name_.find(name); plain != by_name_.end()) found = plain->second;
  for (const std::size_t index : others_) {
    if (matches_names(entries_[index].patterns, name)) found.push_back(index);
  }
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<const Entry*> result;
  result.reserve(found.size());
  for (const std::size_t index : found) result.push_back(&entries_[index]);
  return result;
}

std::string KnownHosts::place(const Entry& entry) const {
  return paths_[entry.file] + ":" + std::to_string(entry.line);
}

HostKeyVerdict KnownHosts::check(const std::string& host,
                                 std::uint16_t port,
                                 const HostKey& key) const {
  HostKeyVerdict verdict;
  const Entry* same_type = nullptr;
  const Entry* other_type = nullptr;
  bool is_known = false;
  for (const Entry* entry : entries_of(host, port)) {
    if (entry->marker == Marker::authority) {
      verdict.has_authority = true;
    } else if (entry->marker == Marker::revoked) {
      if (entry->key != key) continue;
      verdict.kind = HostKeyVerdict::Kind::revoked;
      verdict.place = place(*entry);
      return verdict;
    } else if (entry->key == key) {
      is_known = true;
    } else if (entry->key.type == key.type) {
      if (same_type == nullptr) same_type = entry;
    } else if (other_type == nullptr) {
      other_type = entry;
    }
  }
  const Entry* conflict = same_type != nullptr ? same_type : other_type;
  if (is_known) {
    verdict.kind = HostKeyVerdict::Kind::known;
  } else if (conflict != nullptr) {
    verdict.kind = HostKeyVerdict::Kind::changed;
    verdict.known_key = conflict->key;
    verdict.place = place(*conflict);
  }
  return verdict;
}

std::vector<std::string> KnownHosts::types(const std::string& host, std::uint16_t port) const {
  std::vector<std::string> result;
  for (const Entry* entry : entries_of(host, port)) {
    if (entry->marker != Marker::none) continue;
    if (std::ranges::find(result, entry->key.type) == result.end())
      result.push_back(entry->key.type);
  }
  return result;
}

}  // namespace gpustack::transport
