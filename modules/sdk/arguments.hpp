#pragma once
/// @file What a module declares about its arguments, and how raw arguments become checked ones.

#include "core/base/value.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// Ansible's argument types. `path` expands `~` and environment variables on the target; `raw`
/// stays as it is; `mode` is a file mode (octal number, octal string or symbolic).
enum class ArgType : std::uint8_t { string, integer, real, boolean, list, map, path, raw, mode };

/// A literal of a description. Half the size of a string_view, and there are thousands of them in
/// what travels to hosts.
class Literal {
 public:
  constexpr Literal() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): what stands in a description is a plain literal
  consteval Literal(const char* text) : text_(text) {}
  /// A named constant, which is a whole literal.
  // NOLINTNEXTLINE(google-explicit-constructor)
  consteval Literal(std::string_view text) : text_(text.data()) {
    // Compilers alone get here: a throw is no constant, so the build ends.
    if (text_ != nullptr && text_[text.size()] != '\0') throw "part of a literal";
  }
  [[nodiscard]] constexpr std::string_view view() const {
    return text_ == nullptr ? std::string_view() : std::string_view(text_);
  }
  // NOLINTNEXTLINE(google-explicit-constructor): reads as the text that it is
  constexpr operator std::string_view() const { return view(); }
  [[nodiscard]] constexpr bool empty() const { return text_ == nullptr || *text_ == '\0'; }
  [[nodiscard]] constexpr bool starts_with(char c) const { return view().starts_with(c); }
  friend constexpr bool operator==(Literal a, std::string_view b) { return a.view() == b; }
  template <typename Stream>
  friend auto operator<<(Stream& out, Literal text) -> decltype(out << std::string_view()) {
    return out << text.view();
  }

 private:
  const char* text_ = nullptr;
};

/// A text for people: what a module, an argument or a result is. The program on hosts is built
/// without these (GPUSTACK_WITHOUT_DOCS), the controller shows them.
#ifdef GPUSTACK_WITHOUT_DOCS
class DocText {
 public:
  constexpr DocText() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): stands where the other build has its text
  consteval DocText(const char* /*text*/) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  consteval DocText(std::string_view /*text*/) {}
};
#else
using DocText = std::string_view;
#endif

struct ArgSpec {
  Literal name;
  ArgType type = ArgType::string;
  ArgType elements = ArgType::raw;  ///< type of each item when `type` is list
  bool required = false;
  Literal fallback = {};   ///< the default as text, converted to `type`; see has_fallback()
  Literal aliases = {};    ///< comma separated
  Literal choices = {};    ///< comma separated; for a list: choices of each item
  bool is_secret = false;  ///< never shown (Ansible's no_log)
  std::span<const ArgSpec> options = {};  ///< the members, when `type` is map or a list of maps
  [[no_unique_address]] DocText doc = {};
  bool empty_fallback = false;  ///< the default is the empty string / list / map
  /// Why no value but the default (or an empty one) can be had; empty when any can.
  std::string_view refused = {};

  [[nodiscard]] bool has_fallback() const { return !fallback.empty() || empty_fallback; }
};

/// Relations between arguments, as Ansible's AnsibleModule parameters of the same names.
struct ArgRule {
  enum class Kind : std::uint8_t {
    mutually_exclusive,
    required_together,
    required_one_of,
    required_if,
    required_by
  };
  Kind kind;
  Literal names;  ///< comma separated; for required_if: what is then required
  Literal when =
      {};  ///< required_if: the argument that decides; required_by: the one that needs `names`
  Literal equals = {};  ///< required_if: its value
  bool any = false;     ///< required_if: one of `names` is enough
};

struct ModuleSpec;

/// Typed access to checked arguments. Absent optional arguments read as null, empty or zero.
class Args {
 public:
  Args() = default;
  explicit Args(Value values) : values_(std::move(values)) {}

  [[nodiscard]] bool has(std::string_view name) const { return !get(name).is_null(); }
  [[nodiscard]] const Value& get(std::string_view name) const { return values_.get(name); }
  [[nodiscard]] std::string text(std::string_view name) const;
  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise) const;
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t otherwise = 0) const;
  [[nodiscard]] double real(std::string_view name, double otherwise = 0) const;
  [[nodiscard]] bool boolean(std::string_view name, bool otherwise = false) const;
  [[nodiscard]] std::vector<std::string> texts(
      std::string_view name) const;  ///< items of a list as strings
  [[nodiscard]] const Value& values() const { return values_; }

 private:
  Value values_ = Value(Map());
};

std::vector<std::string_view> split_names(std::string_view comma_separated);

/// Checks `raw` (a map) against the module's spec: aliases resolved, defaults filled in, types
/// converted as Ansible converts them, unknown names refused with a suggestion.
/// @param where  position for errors that have no better one (string arguments carry their own)
/// @return a map with canonical names only
/// @error unknown_argument, missing_argument, invalid_argument, argument_conflict
Result<Value> check_arguments(const ModuleSpec& spec, const Value& raw, SourceSpan where = {});

/// The load-time part: names always, values only where they hold no template (`{{`, `{%`, `{#`).
Result<void> check_literal_arguments(const ModuleSpec& spec,
                                     const Value& raw,
                                     SourceSpan where = {});

/// Converts one value to `type` as Ansible does. @error invalid_argument
Result<Value> convert_argument(ArgType type, const Value& value, std::string_view name);

/// Ansible's `key=value key2="quoted text"` form. `free_form_allowed`: words without `=` join into
/// `_raw_params`.
Result<Value> parse_key_value(std::string_view text, bool free_form_allowed);

}  // namespace gpustack::modules
