#include "modules/sdk/url.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

Error bad_url(std::string_view text, const std::string& why) {
  return Error(ErrorCode::invalid_argument,
               "'" + shown_url(text) + "' is no http or https address: " + why);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// What may not stand in a request line is percent-encoded.
std::string request_target(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' &&
        c != '`') {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
  return out;
}

/// `.` and `..` parts of a path, resolved.
std::string without_dots(std::string_view path) {
  std::vector<std::string> kept;
  const auto parts = split(path, '/');
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    if (parts[i] == "..") {
      if (!kept.empty()) kept.pop_back();
      if (last) kept.emplace_back();
    } else if (parts[i] == ".") {
      if (last) kept.emplace_back();
    } else {
      kept.push_back(parts[i]);
    }
  }
  return "/" + join(kept, "/");
}

Result<void> parse_host(std::string_view text, std::string_view place, Url& url) {
  std::string_view port;
  if (place.starts_with('[')) {
    const std::size_t close = place.find(']');
    if (close == std::string_view::npos) return bad_url(text, "a bracket is not closed");
    url.host = lower(place.substr(1, close - 1));
    place.remove_prefix(close + 1);
    if (!place.empty() && !place.starts_with(':'))
      return bad_url(text, "expected a port behind the bracket");
    if (!place.empty()) port = place.substr(1);
  } else {
    const std::size_t colon = place.rfind(':');
    url.host = lower(place.substr(0, colon));
    if (colon != std::string_view::npos) port = place.substr(colon + 1);
  }
  if (url.host.empty()) return bad_url(text, "it names no host");
  url.port = url.is_secure() ? 443 : 80;
  if (port.empty()) return {};
  const auto number = parse_integer(port);
  if (!number || *number < 1 || *number > 65535)
    return bad_url(text, "its port is '" + std::string(port) + "'");
  url.port = static_cast<std::uint16_t>(*number);
  return {};
}

}  // namespace

std::string Url::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (!has_default_port()) out += ":" + std::to_string(port);
  return out;
}

std::string Url::text() const { return scheme + "://" + authority() + target; }

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool coded = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                       hex_value(text[i + 2]) >= 0;
    if (coded) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Result<Url> parse_url(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return bad_url(text, "it has control characters");
  }
  Url url;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return bad_url(text, "it has no scheme");
  url.scheme = lower(text.substr(0, scheme_end));
  if (url.scheme != "http" && url.scheme != "https")
    return bad_url(text, "its scheme is '" + url.scheme + "'");
  std::string_view rest = text.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t place_end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view place = rest.substr(0, place_end);
  const std::size_t at = place.rfind('@');
  if (at != std::string_view::npos) {
    const std::string_view who = place.substr(0, at);
    const std::size_t colon = who.find(':');
    url.user = percent_decode(who.substr(0, colon));
    if (colon != std::string_view::npos) url.password = percent_decode(who.substr(colon + 1));
    place.remove_prefix(at + 1);
  }
  GS_TRY_VOID(parse_host(text, place, url));
  const std::string_view target = rest.substr(place_end);
  url.target =
      request_target(target.starts_with('/') ? std::string(target) : "/" + std::string(target));
  return url;
}

Result<Url> resolve_url(const Url& base, std::string_view reference) {
  reference = trim(reference);
  const std::size_t scheme = reference.find("://");
  if (scheme != std::string_view::npos && scheme < reference.find_first_of("/?#"))
    return parse_url(reference);
  if (reference.starts_with("//")) return parse_url(base.scheme + ":" + std::string(reference));
  Url url = base;
  reference = reference.substr(0, reference.find('#'));
  if (reference.empty()) return url;
  const std::size_t query = std::min(reference.find('?'), reference.size());
  const std::string_view path = reference.substr(0, query);
  const std::string base_path = base.target.substr(0, base.target.find('?'));
  std::string target;
  if (path.empty()) {
    target = base_path;
  } else if (path.starts_with('/')) {
    target = without_dots(path);
  } else {
    target = without_dots(base_path.substr(0, base_path.rfind('/') + 1) + std::string(path));
  }
  url.target = request_target(target + std::string(reference.substr(query)));
  return url;
}

std::string url_file_name(const Url& url) {
  const std::string path = url.target.substr(0, url.target.find('?'));
  return path.substr(path.rfind('/') + 1);
}

Result<std::optional<std::string>> file_of_url(std::string_view text) {
  constexpr std::string_view kScheme = "file:/";
  if (lower(text.substr(0, kScheme.size())) != kScheme) return std::optional<std::string>();
  std::string_view path = text.substr(kScheme.size() - 1);
  path = path.substr(0, path.find('#'));
  if (path.starts_with("//")) {
    const std::size_t host_end = std::min(path.find('/', 2), path.size());
    const std::string host = lower(path.substr(2, host_end - 2));
    if (!host.empty() && host != "localhost") {
      return Error(ErrorCode::invalid_argument,
                   "'" + std::string(text) + "' names the host '" + host +
                       "', expected a file of this host: file:///PATH");
    }
    path.remove_prefix(host_end);
  }
  std::string out = percent_decode(path);
  if (out.empty() || out.find('\0') != std::string::npos) {
    return Error(ErrorCode::invalid_argument, "'" + std::string(text) + "' names no file");
  }
  return std::optional<std::string>(std::move(out));
}

std::string shown_url(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return std::string(text);
  const std::size_t begin = scheme_end + 3;
  const std::size_t end = std::min(text.find_first_of("/?#", begin), text.size());
  const std::size_t at = text.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < begin) return std::string(text);
  const std::size_t colon = text.find(':', begin);
  if (colon >= at) return std::string(text);
  return std::string(text.substr(0, colon + 1)) + "********" + std::string(text.substr(at));
}

bool bypasses_proxy(std::string_view no_proxy, const Url& url) {
  for (const std::string& piece : split(no_proxy, ',')) {
    std::string name = lower(trim(piece));
    if (name.empty()) continue;
    if (name == "*") return true;
    if (const std::size_t colon = name.rfind(':');
        colon != std::string::npos && name.find(':') == colon) {
      if (name.substr(colon + 1) != std::to_string(url.port)) continue;
      name.resize(colon);
    }
    if (name.starts_with('.')) name.erase(0, 1);
    if (url.host == name || url.host.ends_with("." + name)) return true;
  }
  return false;
}

}  // namespace gpustack::modules
