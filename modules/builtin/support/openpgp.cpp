#include "modules/builtin/support/openpgp.hpp"

#include "modules/sdk/base64.hpp"
#include "modules/sdk/system.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr std::string_view kBegin = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
constexpr std::string_view kEnd = "-----END PGP PUBLIC KEY BLOCK-----";
constexpr int kSignature = 2;
constexpr int kPublicKey = 6;
constexpr int kPublicSubkey = 14;

Error not_openpgp(std::string_view why) {
  return Error(ErrorCode::module_failed, "no OpenPGP keys: " + std::string(why));
}

/// Bytes that are taken from the front; reading behind the end gives nothing.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }

  std::optional<std::uint64_t> number(std::size_t length) {
    if (rest_.size() < length) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : rest_.substr(0, length))
      value = (value << 8U) | static_cast<unsigned char>(c);
    rest_.remove_prefix(length);
    return value;
  }

  std::optional<std::string_view> take(std::optional<std::uint64_t> length) {
    if (!length || rest_.size() < *length) return std::nullopt;
    const std::string_view out = rest_.substr(0, *length);
    rest_.remove_prefix(*length);
    return out;
  }

  std::string_view all() { return std::exchange(rest_, {}); }

  /// A length of one, two or five bytes, as packets of the new form and subpackets have it.
  /// @param two_byte_end  first octet that no longer begins a length of two bytes
  std::optional<std::uint64_t> length(std::uint64_t two_byte_end) {
    const auto first = number(1);
    if (!first || *first < 192) return first;
    if (*first == 255) return number(4);
    if (*first >= two_byte_end) return std::nullopt;
    const auto second = number(1);
    if (!second) return std::nullopt;
    return ((*first - 192) << 8U) + *second + 192;
  }

 private:
  std::string_view rest_;
};

struct Packet {
  int tag = 0;
  std::string_view body;
};

std::optional<Packet> next_packet(Bytes& bytes) {
  const auto head = bytes.number(1);
  if (!head || (*head & 0x80U) == 0) return std::nullopt;
  Packet out;
  std::optional<std::string_view> body;
  if ((*head & 0x40U) != 0) {
    out.tag = static_cast<int>(*head & 0x3fU);
    body = bytes.take(bytes.length(224));
  } else {
    out.tag = static_cast<int>((*head >> 2U) & 0x0fU);
    const std::size_t kind = *head & 3U;
    body = kind == 3 ? bytes.all() : bytes.take(bytes.number(std::size_t{1} << kind));
  }
  if (!body) return std::nullopt;
  out.body = *body;
  return out;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 0x0fU];
  }
  return out;
}

std::optional<OpenPgpKey> read_key(const Packet& packet) {
  Bytes body(packet.body);
  if (body.number(1) != 4U || packet.body.size() > 0xffffU) return std::nullopt;
  const auto created = body.number(4);
  if (!created) return std::nullopt;
  std::string hashed = "\x99";
  hashed += static_cast<char>(packet.body.size() >> 8U);
  hashed += static_cast<char>(packet.body.size() & 0xffU);
  hashed += packet.body;
  return OpenPgpKey{.fingerprint = upper(hash_bytes(Algorithm::sha1, hashed)),
                    .is_primary = packet.tag == kPublicKey,
                    .created = static_cast<std::int64_t>(*created),
                    .expires = std::nullopt};
}

/// What matters of a signature.
struct Signature {
  std::uint64_t type = 0;
  std::string issuer;  ///< key id
  std::int64_t created = 0;
  std::int64_t key_lifetime = 0;  ///< seconds; 0 = for ever
};

void read_subpackets(Signature& signature, std::string_view area) {
  Bytes bytes(area);
  while (!bytes.empty()) {
    const auto content = bytes.take(bytes.length(255));
    if (!content || content->empty()) return;
    Bytes data(content->substr(1));
    switch (static_cast<unsigned char>((*content)[0]) & 0x7fU) {
      case 2:
        signature.created = static_cast<std::int64_t>(data.number(4).value_or(0));
        break;
      case 9:
        signature.key_lifetime = static_cast<std::int64_t>(data.number(4).value_or(0));
        break;
      case 16:
        signature.issuer = hex(content->substr(1));
        break;
      default:
        break;
    }
  }
}

std::optional<Signature> read_signature(std::string_view packet) {
  Bytes body(packet);
  if (body.number(1) != 4U) return std::nullopt;
  const auto type = body.number(1);
  if (!type || !body.number(2)) return std::nullopt;
  Signature out;
  out.type = *type;
  for (int area = 0; area < 2; ++area) {
    const auto content = body.take(body.number(2));
    if (!content) return std::nullopt;
    read_subpackets(out, *content);
  }
  return out;
}

/// The keys of one stream of packets. The newest signature of the primary key says how long a key
/// lives: certifications of its names for itself, bindings for subkeys.
class KeyReader {
 public:
  Result<void> read(std::string_view text) {
    Bytes bytes(text);
    while (!bytes.empty()) {
      const auto packet = next_packet(bytes);
      if (!packet) return not_openpgp("a packet is broken");
      if (packet->tag == kPublicKey || packet->tag == kPublicSubkey) {
        newest_ = 0;
        auto key = read_key(*packet);
        is_known_ = key.has_value();
        if (!key) continue;
        if (key->is_primary) primary_ = key->id();
        keys_.push_back(std::move(*key));
      } else if (packet->tag == kSignature && is_known_) {
        if (const auto signature = read_signature(packet->body)) use(*signature);
      }
    }
    return {};
  }

  std::vector<OpenPgpKey> take() { return std::move(keys_); }

 private:
  void use(const Signature& signature) {
    constexpr std::uint64_t kBinding = 0x18;
    constexpr std::uint64_t kDirect = 0x1f;
    OpenPgpKey& key = keys_.back();
    const bool certifies =
        (signature.type >= 0x10 && signature.type <= 0x13) || signature.type == kDirect;
    if (key.is_primary ? !certifies : signature.type != kBinding) return;
    if (signature.issuer != primary_ || signature.created < newest_) return;
    newest_ = signature.created;
    key.expires.reset();
    if (signature.key_lifetime > 0) key.expires = key.created + signature.key_lifetime;
  }

  std::vector<OpenPgpKey> keys_;
  std::string primary_;
  std::int64_t newest_ = 0;
  bool is_known_ = false;
};

/// The bytes of an armored block, without its headers and checksum.
Result<std::string> unwrap(std::string_view block) {
  std::string text;
  bool in_headers = true;
  for (const std::string& line : split_lines(block)) {
    const std::string_view clean = trim(line);
    if (in_headers && (clean.empty() || clean.find(':') != std::string_view::npos)) {
      in_headers = !clean.empty() || text.empty();
      continue;
    }
    in_headers = false;
    if (clean.starts_with('=')) break;
    text += clean;
  }
  auto bytes = base64_decode(text);
  if (!bytes) return not_openpgp("the armor holds no base64");
  return std::move(*bytes);
}

}  // namespace

bool is_armored_key(std::string_view text) {
  const std::size_t begin = text.find(kBegin);
  return begin != std::string_view::npos && text.find(kEnd, begin) != std::string_view::npos;
}

Result<std::vector<OpenPgpKey>> parse_openpgp_keys(std::string_view bytes) {
  KeyReader reader;
  if (!is_armored_key(bytes)) {
    GS_TRY_VOID(reader.read(bytes));
    return reader.take();
  }
  for (std::size_t at = bytes.find(kBegin); at != std::string_view::npos;
       at = bytes.find(kBegin, at)) {
    at += kBegin.size();
    const std::size_t end = bytes.find(kEnd, at);
    if (end == std::string_view::npos) return not_openpgp("the armor has no end");
    // The rest of the first line belongs to it.
    GS_TRY(const std::string block, unwrap(bytes.substr(at, end - at)));
    GS_TRY_VOID(reader.read(block));
    at = end;
  }
  return reader.take();
}

}  // namespace gpustack::modules
