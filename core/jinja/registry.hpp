#pragma once
/// @file Filters, tests and lookups as tables: a new one is a function and one row.

#include "core/jinja/jinja.hpp"
#include "core/jinja/text_buffer.hpp"

#include <boost/container/small_vector.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::jinja {

class Render;

/// How a filter's result takes over the marks of what went in.
enum class Marks : std::uint8_t {
  join,      ///< text and what is made from text carries the marks of input and arguments
  elements,  ///< the result holds parts of the input, which carry their own
  none,      ///< lengths and the like
};

/// Items that are visited where they lie, if they lie in a list, or else are held here.
class ItemView {
 public:
  explicit ItemView(const List& seen) : seen_(&seen) {}
  explicit ItemView(List&& made) : made_(std::move(made)) {}
  [[nodiscard]] const List& list() const { return seen_ != nullptr ? *seen_ : made_; }
  [[nodiscard]] List::const_iterator begin() const { return list().begin(); }
  [[nodiscard]] List::const_iterator end() const { return list().end(); }
  [[nodiscard]] std::size_t size() const { return list().size(); }
  [[nodiscard]] bool empty() const { return list().empty(); }

 private:
  const List* seen_ = nullptr;
  List made_;
};

/// Text that is read where it lies, if the value is a string, or else is held here.
class TextView {
 public:
  explicit TextView(const std::string& seen) : seen_(&seen) {}
  explicit TextView(std::string&& made) : made_(std::move(made)) {}
  [[nodiscard]] std::string_view view() const { return seen_ != nullptr ? *seen_ : made_; }

 private:
  const std::string* seen_ = nullptr;
  std::string made_;
};

/// One use of a filter or test: input and arguments, bound to the row's parameters.
class Invocation {
 public:
  Invocation(Render& the_render, std::string_view the_name, const Value& the_input)
      : render(the_render), name(the_name), input(the_input) {}

  Render& render;
  std::string_view name;
  const Value& input;
  /// By parameter number; nullptr where none was given. They lie in the program, in `held` or with
  /// whoever makes the call.
  std::span<const Value* const> given;
  boost::container::small_vector<const Value*, 4>
      places;  ///< `given`, where it is not the program's
  List held;
  std::span<const Value> rest;  ///< what `*` in the row takes; it lies where `given` does
  Map named;                    ///< what `**` in the row takes

  [[nodiscard]] bool has(std::size_t index) const {
    return index < given.size() && given[index] != nullptr;
  }
  /// The argument; null when it was not given.
  [[nodiscard]] const Value& arg(std::size_t index) const;
  [[nodiscard]] const Value& arg(std::size_t index, const Value& fallback) const {
    return has(index) ? *given[index] : fallback;
  }
  [[nodiscard]] bool flag(std::size_t index, bool fallback = false) const {
    return has(index) ? given[index]->truthy() : fallback;
  }
  /// The argument as Python's str(). @error undefined_variable
  [[nodiscard]] Result<std::string> text(std::size_t index, std::string_view fallback = {}) const;
  /// @error filter_failed when it is not a whole number
  [[nodiscard]] Result<std::int64_t> integer(std::size_t index, std::int64_t fallback = 0) const;
  [[nodiscard]] Result<std::string> input_text() const;
  /// The same, and an argument that was given, to be read only. Outlived by: the call.
  [[nodiscard]] Result<TextView> input_view() const;
  [[nodiscard]] Result<TextView> text_view(std::size_t index) const;
  /// What a `for` over the input visits.
  [[nodiscard]] Result<List> input_items() const;
  /// The same, to be read only. Outlived by: the call.
  [[nodiscard]] Result<ItemView> view_items() const;
  /// The value as a dict; mappings such as `hostvars` are read out. @error filter_failed
  [[nodiscard]] Result<Map> as_map(const Value& value) const;

  Error fail(std::string message) const;
  /// "expected WANTED, found TYPE".
  Error wrong_type(std::string_view wanted, const Value& found) const;
};

using FilterFunction = Result<Value> (*)(Invocation& call);
/// Of a filter that picks what lies in its input or arguments, or puts a number into `room`: the
/// same as its FilterFunction for what is as simple as that; nullptr for anything else.
using PickFunction = const Value* (*)(const Value& input,
                                      std::span<const Value* const> given,
                                      Value& room);
/// Of a filter that gives text: adds it to what was written before.
using TextFunction = Result<void> (*)(Invocation& call, TextBuffer& out);
/// Of a filter that lists the pairs of a dict: the places of the entries, in the filter's order.
using PairsFunction = Result<std::vector<std::uint32_t>> (*)(Invocation& call);
using TestFunction = Result<bool> (*)(Invocation& call);
/// Of a test without parameters that cannot fail: the same.
using PlainTest = bool (*)(const Value& input);

/// Parameters are words: `name!` must be given, `*` takes more positional ones, `**` more named
/// ones.
struct FilterRow {
  std::string_view name;
  FilterFunction function;
  std::string_view parameters = {};
  Marks marks = Marks::join;
  bool accepts_undefined = false;  ///< and vault text that no password opens
  bool stays_text = false;
  bool ignores_reason = false;    ///< accepts undefined input without reading why it is that
  TextFunction write = nullptr;   ///< the same as text; for what is printed right away
  PickFunction pick = nullptr;    ///< for input and literal arguments without marks
  PairsFunction pairs = nullptr;  ///< for a dict without marks
};

struct TestRow {
  std::string_view name;
  TestFunction function;
  std::string_view parameters = {};
  bool accepts_undefined = false;  ///< and vault text that no password opens
  bool ignores_reason = false;     ///< accepts undefined input without reading why it is that
  PlainTest plain = nullptr;
};

/// The FilterFunction of a filter that gives text.
template <TextFunction write>
Result<Value> text_value(Invocation& call) {
  TextBuffer out;
  GS_TRY_VOID(write(call, out));
  return Value(out.view());
}

/// Arguments a lookup got: terms and options.
struct LookupCall {
  Render& render;
  std::string_view name;
  List terms;
  Map options;
  Error fail(std::string message) const;
  [[nodiscard]] Result<std::string> option(std::string_view key,
                                           std::string_view fallback = {}) const;
  [[nodiscard]] bool flag(std::string_view key, bool fallback) const;
  [[nodiscard]] Services* services() const;
};
using LookupFunction = Result<List> (*)(LookupCall& call);

struct LookupRow {
  std::string_view name;
  LookupFunction function;
};

/// Names with a collection (`ansible.builtin.x`, `community.general.x`) are found by their last
/// part.
const FilterRow* find_filter(std::string_view name);
const TestRow* find_test(std::string_view name);
const LookupRow* find_lookup(std::string_view name);

/// Binds arguments to the row's parameters. Outlived by: `named`.
/// @error filter_failed for too many, unknown or missing ones
Result<void> bind_arguments(Invocation& call,
                            std::string_view parameters,
                            List positional,
                            const Map& named);
/// The number of the parameter that each argument is for, positional ones first; nothing where the
/// row takes more than its parameters or bind_arguments() would fail.
std::optional<std::vector<std::size_t>> parameter_numbers(
    std::string_view parameters,
    std::size_t positional,
    const std::vector<std::string_view>& named);

using FilterTable = std::span<const FilterRow>;
using TestTable = std::span<const TestRow>;
using LookupTable = std::span<const LookupRow>;

}  // namespace gpustack::jinja
