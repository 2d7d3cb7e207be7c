#include "modules/builtin/support/gunzip.hpp"

#include "modules/builtin/support/archive.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace gpustack::modules {

namespace {

constexpr unsigned kLongestCode = 15;
constexpr unsigned kEndOfBlock = 256;

Error damaged(const std::string& why) {
  return Error(ErrorCode::module_failed, "the gzip content is damaged: " + why);
}

/// Bits of the packed bytes, the lowest of each byte first.
class Bits {
 public:
  explicit Bits(std::string_view bytes) : bytes_(bytes) {}

  Result<unsigned> take(unsigned count) {
    while (held_ < count) {
      if (at_ == bytes_.size()) return damaged("it ends too early");
      buffer_ |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes_[at_++])) << held_;
      held_ += 8;
    }
    const unsigned out = buffer_ & ((1U << count) - 1U);
    buffer_ >>= count;
    held_ -= count;
    return out;
  }

  /// Drops the rest of a byte that has begun, then takes whole bytes.
  Result<std::string_view> take_bytes(std::size_t count) {
    at_ -= held_ / 8;
    buffer_ = held_ = 0;
    if (bytes_.size() - at_ < count) return damaged("it ends too early");
    const std::string_view out = bytes_.substr(at_, count);
    at_ += count;
    return out;
  }

  [[nodiscard]] std::string_view rest() const { return bytes_.substr(at_); }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  std::uint32_t buffer_ = 0;
  unsigned held_ = 0;
};

/// A canonical Huffman code: symbols ordered by the length of their codes.
class Code {
 public:
  explicit Code(const std::vector<unsigned>& lengths) {
    for (const unsigned length : lengths) ++counts_[length];
    counts_[0] = 0;
    std::array<unsigned, kLongestCode + 2> places{};
    for (unsigned length = 1; length <= kLongestCode; ++length)
      places[length + 1] = places[length] + counts_[length];
    symbols_.resize(lengths.size());
    for (unsigned symbol = 0; symbol < lengths.size(); ++symbol) {
      if (lengths[symbol] != 0) symbols_[places[lengths[symbol]]++] = symbol;
    }
  }

  Result<unsigned> next(Bits& bits) const {
    unsigned code = 0;
    unsigned first = 0;
    unsigned place = 0;
    for (unsigned length = 1; length <= kLongestCode; ++length) {
      GS_TRY(const unsigned bit, bits.take(1));
      code |= bit;
      if (code < first + counts_[length]) return symbols_[place + code - first];
      place += counts_[length];
      first = (first + counts_[length]) << 1U;
      code <<= 1U;
    }
    return damaged("a code is not in its table");
  }

 private:
  std::array<unsigned, kLongestCode + 1> counts_{};
  std::vector<unsigned> symbols_;
};

/// A length or distance: a base and how many bits are added to it.
struct Step {
  unsigned base = 0;
  unsigned bits = 0;
};

constexpr std::array<Step, 29> kLengths = {
    Step{3, 0}, {4, 0},   {5, 0},   {6, 0},   {7, 0},  {8, 0},  {9, 0},  {10, 0},
    {11, 1},    {13, 1},  {15, 1},  {17, 1},  {19, 2}, {23, 2}, {27, 2}, {31, 2},
    {35, 3},    {43, 3},  {51, 3},  {59, 3},  {67, 4}, {83, 4}, {99, 4}, {115, 4},
    {131, 5},   {163, 5}, {195, 5}, {227, 5}, {258, 0}};
constexpr std::array<Step, 30> kDistances = {
    Step{1, 0}, {2, 0},     {3, 0},     {4, 0},      {5, 1},      {7, 1},
    {9, 2},     {13, 2},    {17, 3},    {25, 3},     {33, 4},     {49, 4},
    {65, 5},    {97, 5},    {129, 6},   {193, 6},    {257, 7},    {385, 7},
    {513, 8},   {769, 8},   {1025, 9},  {1537, 9},   {2049, 10},  {3073, 10},
    {4097, 11}, {6145, 11}, {8193, 12}, {12289, 12}, {16385, 13}, {24577, 13}};

/// One member's content after the other.
class Inflater {
 public:
  Inflater(Bits& bits, std::uint64_t limit) : bits_(bits), limit_(limit) {}

  Result<std::string> run() {
    bool is_last = false;
    while (!is_last) {
      GS_TRY(const unsigned last, bits_.take(1));
      is_last = last == 1;
      GS_TRY(const unsigned kind, bits_.take(2));
      if (kind == 0) {
        GS_TRY_VOID(stored());
      } else if (kind == 1) {
        GS_TRY_VOID(block(fixed_code(), Code(std::vector<unsigned>(30, 5))));
      } else if (kind == 2) {
        GS_TRY_VOID(dynamic());
      } else {
        return damaged("a block is of no known kind");
      }
    }
    return std::move(out_);
  }

 private:
  Result<void> grow(std::string_view bytes) {
    if (out_.size() + bytes.size() > limit_) {
      return Error(ErrorCode::module_failed,
                   "the gzip content is larger than " + std::to_string(limit_) + " bytes");
    }
    out_ += bytes;
    return {};
  }

  static Code fixed_code() {
    std::vector<unsigned> lengths(288, 8);
    std::fill(lengths.begin() + 144, lengths.begin() + 256, 9U);
    std::fill(lengths.begin() + 256, lengths.begin() + 280, 7U);
    return Code(lengths);
  }

  Result<void> stored() {
    GS_TRY(const std::string_view header, bits_.take_bytes(4));
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(header[i]); };
    const unsigned length = byte(0) | static_cast<unsigned>(byte(1)) << 8U;
    const unsigned inverse = byte(2) | static_cast<unsigned>(byte(3)) << 8U;
    if ((length ^ inverse) != 0xffffU) return damaged("a stored block has no clear length");
    GS_TRY(const std::string_view bytes, bits_.take_bytes(length));
    return grow(bytes);
  }

  Result<void> dynamic() {
    constexpr std::array<std::size_t, 19> kOrder = {
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    GS_TRY(const unsigned literals, bits_.take(5));
    GS_TRY(const unsigned distances, bits_.take(5));
    GS_TRY(const unsigned codes, bits_.take(4));
    std::vector<unsigned> lengths(kOrder.size(), 0);
    for (std::size_t i = 0; i < codes + 4; ++i) {
      GS_TRY(lengths[kOrder[i]], bits_.take(3));
    }
    const Code table(lengths);
    const std::size_t wanted = literals + 257 + distances + 1;
    lengths.clear();
    while (lengths.size() < wanted) GS_TRY_VOID(read_lengths(table, lengths));
    if (lengths.size() != wanted) return damaged("a table of codes is too long");
    const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(literals) + 257;
    return block(Code(std::vector<unsigned>(lengths.begin(), middle)),
                 Code(std::vector<unsigned>(middle, lengths.end())));
  }

  Result<void> read_lengths(const Code& table, std::vector<unsigned>& lengths) {
    GS_TRY(const unsigned symbol, table.next(bits_));
    if (symbol < 16) {
      lengths.push_back(symbol);
      return {};
    }
    if (symbol == 16 && lengths.empty()) return damaged("a table of codes repeats nothing");
    const unsigned value = symbol == 16 ? lengths.back() : 0;
    const Step step = symbol == 16 ? Step{3, 2} : symbol == 17 ? Step{3, 3} : Step{11, 7};
    GS_TRY(const unsigned more, bits_.take(step.bits));
    lengths.insert(lengths.end(), step.base + more, value);
    return {};
  }

  Result<void> block(const Code& literals, const Code& distances) {
    while (true) {
      GS_TRY(const unsigned symbol, literals.next(bits_));
      if (symbol == kEndOfBlock) return {};
      if (symbol < kEndOfBlock) {
        const char byte = static_cast<char>(symbol);
        GS_TRY_VOID(grow(std::string_view(&byte, 1)));
        continue;
      }
      GS_TRY_VOID(repeat(symbol - kEndOfBlock - 1, distances));
    }
  }

  Result<void> repeat(std::size_t length_symbol, const Code& distances) {
    if (length_symbol >= kLengths.size()) return damaged("a length is not in its table");
    GS_TRY(const unsigned more, bits_.take(kLengths[length_symbol].bits));
    GS_TRY(const unsigned symbol, distances.next(bits_));
    if (symbol >= kDistances.size()) return damaged("a distance is not in its table");
    GS_TRY(const unsigned further, bits_.take(kDistances[symbol].bits));
    const std::size_t back = kDistances[symbol].base + further;
    if (back > out_.size()) return damaged("a distance leads to before the start");
    for (std::size_t left = kLengths[length_symbol].base + more; left > 0; --left) {
      const char byte = out_[out_.size() - back];
      GS_TRY_VOID(grow(std::string_view(&byte, 1)));
    }
    return {};
  }

  Bits& bits_;
  std::uint64_t limit_;
  std::string out_;
};

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t out = 0;
  for (unsigned i = 0; i < 4; ++i)
    out |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8U * i);
  return out;
}

/// Everything before a member's packed content.
Result<void> skip_header(Bits& bits) {
  GS_TRY(const std::string_view fixed, bits.take_bytes(10));
  if (!fixed.starts_with("\x1f\x8b\x08")) return damaged("it does not begin as gzip");
  const auto flags = static_cast<unsigned char>(fixed[3]);
  if ((flags & 4U) != 0) {
    GS_TRY(const unsigned length, bits.take(16));
    GS_TRY_VOID(bits.take_bytes(length));
  }
  for (const unsigned text : {8U, 16U}) {
    unsigned byte = (flags & text) != 0 ? 1 : 0;
    while (byte != 0) {
      GS_TRY(byte, bits.take(8));
    }
  }
  if ((flags & 2U) != 0) GS_TRY_VOID(bits.take_bytes(2));
  return {};
}

}  // namespace

Result<std::string> gunzip(std::string_view packed, std::uint64_t limit) {
  std::string out;
  Bits bits(packed);
  while (true) {
    GS_TRY_VOID(skip_header(bits));
    GS_TRY(const std::string member, Inflater(bits, limit - out.size()).run());
    GS_TRY(const std::string_view trailer, bits.take_bytes(8));
    if (little_endian(trailer) != crc32(member)) return damaged("the checksum differs");
    if (little_endian(trailer.substr(4)) != static_cast<std::uint32_t>(member.size()))
      return damaged("the length differs");
    out += member;
    // Zeros may fill a file up to the end of its last block.
    if (bits.rest().find_first_not_of('\0') == std::string_view::npos) return out;
  }
}

}  // namespace gpustack::modules
