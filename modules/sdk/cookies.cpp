#include "modules/sdk/cookies.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>

namespace gpustack::modules {

namespace {

constexpr std::string_view kDateLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:";

int month_number(std::string_view word) {
  constexpr std::array kMonths = {
      "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
  const std::string start = lower(word.substr(0, 3));
  const auto found = std::ranges::find(kMonths, start);
  return found == kMonths.end() ? -1 : static_cast<int>(std::distance(kMonths.begin(), found));
}

bool read_clock(std::string_view word, std::tm& out) {
  const auto parts = split(word, ':');
  if (parts.size() != 3) return false;
  const auto hour = parse_integer(parts[0]);
  const auto minute = parse_integer(parts[1]);
  const auto second = parse_integer(parts[2]);
  if (!hour || !minute || !second) return false;
  out.tm_hour = static_cast<int>(*hour);
  out.tm_min = static_cast<int>(*minute);
  out.tm_sec = static_cast<int>(*second);
  return true;
}

bool is_within(std::string_view path, std::string_view folder) {
  if (!path.starts_with(folder)) return false;
  return path.size() == folder.size() || folder.ends_with('/') || path[folder.size()] == '/';
}

std::string path_of(const Url& url) { return url.target.substr(0, url.target.find('?')); }

/// The folder of the address that set a cookie.
std::string default_path(const Url& url) {
  const std::string path = path_of(url);
  const std::size_t last = path.rfind('/');
  return last == 0 || last == std::string::npos ? "/" : path.substr(0, last);
}

}  // namespace

std::optional<CookieJar::Time> parse_http_date(std::string_view text) {
  std::tm parts{};
  parts.tm_mon = -1;
  int year = -1;
  bool has_clock = false;
  while (!text.empty()) {
    const std::size_t begin = std::min(text.find_first_of(kDateLetters), text.size());
    const std::size_t end = std::min(text.find_first_not_of(kDateLetters, begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    text.remove_prefix(end);
    const auto number = parse_integer(word);
    if (!has_clock && word.find(':') != std::string_view::npos) {
      has_clock = read_clock(word, parts);
    } else if (number && parts.tm_mday == 0 && word.size() <= 2) {
      parts.tm_mday = static_cast<int>(*number);
    } else if (number && year < 0) {
      year = static_cast<int>(*number);
    } else if (!number && parts.tm_mon < 0) {
      parts.tm_mon = month_number(word);
    }
  }
  if (!has_clock || year < 0 || parts.tm_mon < 0 || parts.tm_mday == 0) return std::nullopt;
  if (year < 70) year += 2000;
  if (year < 100) year += 1900;
  parts.tm_year = year - 1900;
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

void CookieJar::take(const Url& from, std::string_view header, Time now) {
  const auto pieces = split(header, ';');
  const std::size_t equals = pieces[0].find('=');
  if (equals == std::string::npos) return;
  Cookie cookie;
  cookie.name = trim(std::string_view(pieces[0]).substr(0, equals));
  cookie.value = trim(std::string_view(pieces[0]).substr(equals + 1));
  cookie.host = from.host;
  cookie.path = default_path(from);
  std::optional<Time> until;
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    const std::string_view piece = pieces[i];
    const std::size_t middle = std::min(piece.find('='), piece.size());
    const std::string key = lower(trim(piece.substr(0, middle)));
    const std::string_view value = trim(piece.substr(std::min(middle + 1, piece.size())));
    if (key == "secure") cookie.is_secure = true;
    if (key == "path" && value.starts_with('/')) cookie.path = value;
    if (key == "expires") until = parse_http_date(value);
    if (const auto seconds = parse_integer(value); key == "max-age" && seconds)
      cookie.expires = now + std::chrono::seconds(*seconds);
    if (key == "domain" && !value.empty()) {
      cookie.host = lower(trim_left(value, "."));
      cookie.with_subdomains = true;
    }
  }
  if (!cookie.expires) cookie.expires = until;
  const bool is_own = from.host == cookie.host || from.host.ends_with("." + cookie.host);
  const bool is_too_wide = from.host != cookie.host && cookie.host.find('.') == std::string::npos;
  if (cookie.name.empty() || !is_own || is_too_wide) return;
  store(std::move(cookie));
}

// Cookies of one host, and of one path of it, stand together.
void CookieJar::store(Cookie cookie) {
  auto place = cookies_.end();
  bool same_path = false;
  for (auto old = cookies_.begin(); old != cookies_.end(); ++old) {
    if (old->host != cookie.host) continue;
    if (old->path == cookie.path && old->name == cookie.name) {
      *old = std::move(cookie);
      return;
    }
    if (same_path && old->path != cookie.path) continue;
    same_path = same_path || old->path == cookie.path;
    place = old + 1;
  }
  cookies_.insert(place, std::move(cookie));
}

bool CookieJar::is_for(const Cookie& cookie, const Url& url, Time now) {
  const bool same_host =
      url.host == cookie.host || (cookie.with_subdomains && url.host.ends_with("." + cookie.host));
  return same_host && (!cookie.is_secure || url.is_secure()) &&
         is_within(path_of(url), cookie.path) && (!cookie.expires || *cookie.expires > now);
}

std::string CookieJar::header_for(const Url& to, Time now) const {
  std::vector<const Cookie*> sent;
  for (const Cookie& cookie : cookies_) {
    if (is_for(cookie, to, now)) sent.push_back(&cookie);
  }
  std::ranges::stable_sort(
      sent, std::greater(), [](const Cookie* cookie) { return cookie->path.size(); });
  std::string out;
  for (const Cookie* cookie : sent)
    out += (out.empty() ? "" : "; ") + cookie->name + "=" + cookie->value;
  return out;
}

HttpHeaders CookieJar::all(Time now) const {
  HttpHeaders out;
  for (const Cookie& cookie : cookies_) {
    if (!cookie.expires || *cookie.expires > now) out.emplace_back(cookie.name, cookie.value);
  }
  return out;
}

}  // namespace gpustack::modules
