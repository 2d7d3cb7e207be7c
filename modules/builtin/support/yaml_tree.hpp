#pragma once
/// @file Where the parts of a YAML document stand: block maps and lists, line by line. What is none
/// of that is known by its lines only.

#include "core/base/result.hpp"
#include "core/base/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

struct YamlNode {
  enum class Kind : std::uint8_t {
    line,     ///< a scalar or a flow collection on one line, or nothing at all
    literal,  ///< a block scalar: `|`, `>`
    map,
    list,
    opaque,  ///< an anchor, alias, tag, or something that goes over several lines
  };
  struct Part {
    Value key;              ///< of a map
    std::size_t begin = 0;  ///< of the key, or of the `-`
    std::size_t head = 0;   ///< end of `key:` or of `-`
    std::size_t node = 0;   ///< index of the value
  };
  Kind kind = Kind::line;
  Value value;             ///< of a line or literal; undefined with the reason when opaque
  std::size_t begin = 0;   ///< offset of the first byte
  std::size_t end = 0;     ///< behind the last byte, before the line's end
  std::size_t column = 0;  ///< of the parts
  bool has_anchor = false;
  bool is_flow = false;
  std::vector<Part> parts;
};

/// A document of at most one value.
class YamlTree {
 public:
  /// @error module_failed  names the line that is not understood
  static Result<YamlTree> parse(std::string_view text);

  [[nodiscard]] const YamlNode& node(std::size_t index) const { return nodes_[index]; }
  [[nodiscard]] Value value(std::size_t index = 0) const;
  /// Offset behind the content, where more of it could be added.
  [[nodiscard]] std::size_t end() const { return end_; }
  [[nodiscard]] bool empty() const { return empty_; }

 private:
  friend class YamlReader;
  std::vector<YamlNode> nodes_;
  std::size_t end_ = 0;
  bool empty_ = false;
};

}  // namespace gpustack::modules
