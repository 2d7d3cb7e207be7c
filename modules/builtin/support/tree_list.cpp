#include "modules/builtin/support/tree_list.hpp"

#include <charconv>

namespace gpustack::modules {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

template <typename Number>
bool read_number(std::string_view text, Number& number, int base) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return problem == std::errc() && end == text.data() + text.size();
}

Error not_a_tree(std::string_view found) {
  return Error(ErrorCode::content_missing,
               "the list of a folder's files is damaged at '" + std::string(found) + "'");
}

/// Fields of a text, each ended by a zero byte.
class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  Result<std::string_view> next() {
    const std::size_t end = rest_.find('\0');
    if (end == std::string_view::npos) return not_a_tree(rest_);
    const std::string_view field = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return field;
  }

 private:
  std::string_view rest_;
};

Result<void> read_file_fields(std::string_view text, TreeEntry& entry) {
  const std::size_t colon = text.find(':');
  if (!read_number(text.substr(0, colon), entry.size, 10)) return not_a_tree(text);
  if (colon == std::string_view::npos) return {};
  std::uint32_t mode = 0;
  if (!read_number(text.substr(colon + 1), mode, 8)) return not_a_tree(text);
  entry.mode = mode;
  return {};
}

std::string octal(std::uint32_t number) {
  std::string out;
  for (; number > 0; number >>= 3U) out.insert(out.begin(), kDigits[number & 7U]);
  return out.empty() ? "0" : out;
}

}  // namespace

std::string write_tree(const std::vector<TreeEntry>& entries) {
  std::string out;
  for (const TreeEntry& entry : entries) {
    out += static_cast<char>(entry.kind);
    out += entry.path;
    out += '\0';
    if (entry.kind == TreeEntry::Kind::folder) continue;
    out += entry.kind == TreeEntry::Kind::link ? entry.target : std::to_string(entry.size);
    if (entry.mode) out += ":" + octal(*entry.mode);
    out += '\0';
  }
  return out;
}

Result<std::vector<TreeEntry>> read_tree(std::string_view text) {
  std::vector<TreeEntry> entries;
  FieldReader fields(text);
  while (!fields.at_end()) {
    GS_TRY(const std::string_view name, fields.next());
    if (name.empty()) return not_a_tree(name);
    TreeEntry entry;
    entry.kind = static_cast<TreeEntry::Kind>(name[0]);
    entry.path = name.substr(1);
    if (entry.kind == TreeEntry::Kind::link) {
      GS_TRY(const std::string_view target, fields.next());
      entry.target = target;
    } else if (entry.kind == TreeEntry::Kind::file) {
      GS_TRY(const std::string_view numbers, fields.next());
      GS_TRY_VOID(read_file_fields(numbers, entry));
    } else if (entry.kind != TreeEntry::Kind::folder) {
      return not_a_tree(name);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

void HashList::add(std::string_view hex) {
  const auto digit = [](char letter) {
    return static_cast<unsigned>(letter <= '9' ? letter - '0' : letter - 'a' + 10);
  };
  for (std::size_t i = 0; i < kBytes; ++i)
    bytes_ +=
        hex.empty() ? '\0' : static_cast<char>(16 * digit(hex[2 * i]) + digit(hex[2 * i + 1]));
}

std::string HashList::hex(std::size_t index) const {
  std::string out;
  for (std::size_t i = index * kBytes; i < (index + 1) * kBytes; ++i) {
    const auto byte = static_cast<unsigned char>(bytes_[i]);
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

bool HashList::same(std::size_t index, const HashList& other) const {
  const std::string_view mine(bytes_);
  const std::string_view theirs(other.bytes_);
  return mine.substr(index * kBytes, kBytes) == theirs.substr(index * kBytes, kBytes);
}

}  // namespace gpustack::modules
