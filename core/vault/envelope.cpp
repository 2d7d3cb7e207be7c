#include "core/vault/envelope.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace gpustack::vault {

namespace {

constexpr std::string_view kMagic = "$ANSIBLE_VAULT";
constexpr std::size_t kLineWidth = 80;
constexpr std::string_view kDigits = "0123456789abcdef";

std::string to_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 0x0FU];
  }
  return out;
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit_value(text[i]);
    const int low = digit_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// Lines by CR, LF or both.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + (text.substr(end).starts_with("\r\n") ? 2 : 1), text.size()));
  }
  return lines;
}

/// Maps a line of the vault text to the file: an inline value's text begins below its `!vault |`.
class Places {
 public:
  explicit Places(SourceSpan span) : span_(span) {
    if (!span_.known()) return;
    while (first_line_ < span_.line + 3 &&
           span_.file->line(first_line()).find(kMagic) == std::string_view::npos)
      ++first_line_;
    if (span_.file->line(first_line()).find(kMagic) == std::string_view::npos) first_line_ = 0;
  }

  [[nodiscard]] SourceSpan at(std::size_t line_index, std::size_t offset) const {
    if (!span_.known() || first_line_ == 0) return span_;
    SourceSpan place = span_;
    place.line = first_line() + static_cast<std::uint32_t>(line_index);
    const std::string_view line = span_.file->line(place.line);
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    place.column = static_cast<std::uint32_t>(indent + offset + 1);
    place.length = 1;
    return place;
  }

 private:
  [[nodiscard]] std::uint32_t first_line() const {
    return first_line_ == 0 ? span_.line : first_line_;
  }

  SourceSpan span_;
  std::uint32_t first_line_ = span_.line;
};

Error fault(std::string message, SourceSpan place) {
  return Error(ErrorCode::vault_header, std::move(message)).at(place);
}

Result<std::string> read_body(const std::vector<std::string_view>& lines, const Places& places) {
  std::string hex;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    for (std::size_t offset = 0; offset < lines[i].size(); ++offset) {
      if (digit_value(lines[i][offset]) < 0) {
        return fault("expected hexadecimal digits in the vault text, found '" +
                         std::string(1, lines[i][offset]) + "'",
                     places.at(i, offset));
      }
    }
    hex += lines[i];
  }
  if (hex.empty()) return fault("the vault text has a header and no body", places.at(0, 0));
  auto body = from_hex(hex);
  if (!body) {
    return Error(ErrorCode::vault_header, "the vault text has an odd number of hexadecimal digits")
        .at(places.at(lines.size() - 1, 0))
        .hint("was a part of it lost when it was copied?");
  }
  return *body;
}

}  // namespace

bool is_encrypted(std::string_view text) {
  return text.starts_with(kMagic) && std::ranges::none_of(text, [](char c) {
           return (static_cast<unsigned char>(c) & 0x80U) != 0;
         });
}

Result<Envelope> read_envelope(std::string_view armoured, SourceSpan span) {
  const Places places(span);
  const std::vector<std::string_view> lines = lines_of(armoured);
  const std::string header(lines.empty() ? std::string_view() : trimmed(lines.front()));
  const std::vector<std::string_view> fields = split(header, ';');
  if (trimmed(fields.front()) != kMagic || fields.size() < 3) {
    return fault(
        "expected a vault header such as '$ANSIBLE_VAULT;1.1;AES256', found '" + header + "'",
        places.at(0, 0));
  }
  Envelope envelope;
  envelope.version = trimmed(fields[1]);
  const std::string_view cipher = trimmed(fields[2]);
  if (cipher != "AES256") {
    return Error(ErrorCode::vault_header,
                 "expected the vault cipher 'AES256', found '" + std::string(cipher) + "'")
        .at(places.at(0, 0))
        .hint(cipher == "AES"
                  ? "re-encrypt it with a current ansible-vault: the old cipher is not safe"
                  : "");
  }
  if (fields.size() >= 4) envelope.vault_id = trimmed(fields[3]);
  GS_TRY(const std::string inner, read_body(lines, places));
  const std::size_t first = inner.find('\n');
  const std::size_t second = first == std::string::npos ? first : inner.find('\n', first + 1);
  if (second == std::string::npos) {
    return fault("the vault text lacks a part: expected salt, check sum and data", places.at(1, 0));
  }
  auto salt = from_hex(std::string_view(inner).substr(0, first));
  auto hmac = from_hex(std::string_view(inner).substr(first + 1, second - first - 1));
  auto ciphertext = from_hex(std::string_view(inner).substr(second + 1));
  if (!salt || !hmac || !ciphertext) {
    return fault("the vault text is damaged: its inner parts are not hexadecimal", places.at(1, 0));
  }
  envelope.salt = std::move(*salt);
  envelope.hmac = std::move(*hmac);
  envelope.ciphertext = std::move(*ciphertext);
  return envelope;
}

std::string write_envelope(const Envelope& envelope) {
  const bool has_id = !envelope.vault_id.empty() && envelope.vault_id != "default";
  std::string out =
      std::string(kMagic) + (has_id ? ";1.2;AES256;" + envelope.vault_id : ";1.1;AES256") + "\n";
  const std::string body = to_hex(to_hex(envelope.salt) + "\n" + to_hex(envelope.hmac) + "\n" +
                                  to_hex(envelope.ciphertext));
  for (std::size_t i = 0; i < body.size(); i += kLineWidth)
    out += body.substr(i, kLineWidth) + "\n";
  return out;
}

}  // namespace gpustack::vault
