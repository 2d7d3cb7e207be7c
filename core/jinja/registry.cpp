#include "core/jinja/registry.hpp"

#include "core/base/suggest.hpp"
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/lookups/tables.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/tests/tables.hpp"

#include <algorithm>
#include <unordered_map>

namespace gpustack::jinja {

namespace {

template <typename Row>
using Index = std::unordered_map<std::string_view, const Row*>;

template <typename Row, typename Tables>
Index<Row> index_of(const Tables& tables) {
  Index<Row> out;
  for (const auto& table : tables) {
    for (const Row& row : table) out.emplace(row.name, &row);
  }
  return out;
}

const Index<FilterRow>& filters() {
  static const Index<FilterRow> kIndex = index_of<FilterRow>(filter_tables());
  return kIndex;
}
const Index<TestRow>& tests() {
  static const Index<TestRow> kIndex = index_of<TestRow>(test_tables());
  return kIndex;
}
const Index<LookupRow>& lookups() {
  static const Index<LookupRow> kIndex = index_of<LookupRow>(lookup_tables());
  return kIndex;
}

// Collections whose plugins are built in; `debops.debops.x` is someone's own code and stays
// unknown.
constexpr std::string_view kCollections[] = {"ansible.builtin.",
                                             "ansible.legacy.",
                                             "ansible.utils.",
                                             "ansible.netcommon.",
                                             "ansible.posix.",
                                             "community.general.",
                                             "community.crypto."};

template <typename Row>
const Row* find(const Index<Row>& index, std::string_view name) {
  auto found = index.find(name);
  if (found != index.end()) return found->second;
  for (const std::string_view collection : kCollections) {
    if (!name.starts_with(collection)) continue;
    found = index.find(name.substr(collection.size()));
    return found == index.end() ? nullptr : found->second;
  }
  return nullptr;
}

template <typename Row>
std::vector<std::string_view> names(const Index<Row>& index) {
  std::vector<std::string_view> out;
  out.reserve(index.size());
  for (const auto& [name, row] : index) out.push_back(name);
  std::sort(out.begin(), out.end());
  return out;
}

struct Parameters {
  std::vector<std::string_view> names;
  std::vector<bool> required;
  bool takes_rest = false;
  bool takes_named = false;
  bool has_required = false;
};

Parameters parse_parameters(std::string_view text) {
  Parameters out;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    std::string_view word = text.substr(0, space);
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
    if (word == "*") {
      out.takes_rest = true;
    } else if (word == "**") {
      out.takes_named = true;
    } else {
      const bool required = word.ends_with('!');
      if (required) word.remove_suffix(1);
      out.has_required = out.has_required || required;
      out.names.push_back(word);
      out.required.push_back(required);
    }
  }
  return out;
}

/// By the row's text, which lives as long as the process.
const Parameters& kept_parameters(std::string_view text) {
  thread_local std::unordered_map<const char*, Parameters> kept;
  auto [slot, is_new] = kept.try_emplace(text.data());
  if (is_new) slot->second = parse_parameters(text);
  return slot->second;
}

}  // namespace

const FilterRow* find_filter(std::string_view name) { return find(filters(), name); }
const TestRow* find_test(std::string_view name) { return find(tests(), name); }
const LookupRow* find_lookup(std::string_view name) { return find(lookups(), name); }

std::vector<std::string_view> filter_names() { return names(filters()); }
std::vector<std::string_view> test_names() { return names(tests()); }
std::vector<std::string_view> lookup_names() { return names(lookups()); }

Result<void> bind_arguments(Invocation& call,
                            std::string_view parameters,
                            List positional,
                            const Map& named) {
  if (parameters.empty() && positional.empty() && named.empty()) return {};
  const Parameters& wanted = kept_parameters(parameters);
  if (positional.empty() && named.empty() && !wanted.has_required) return {};
  const std::size_t count = wanted.names.size();
  call.positional.resize(count);
  call.given.assign(count, std::uint8_t{0});
  for (std::size_t i = 0; i < positional.size(); ++i) {
    if (i < count) {
      call.positional[i] = std::move(positional[i]);
      call.given[i] = 1;
    } else if (wanted.takes_rest) {
      call.rest.push_back(std::move(positional[i]));
    } else {
      return call.fail("takes at most " + std::to_string(count) + " arguments, found " +
                       std::to_string(positional.size()));
    }
  }
  for (const auto& [key, value] : named) {
    const std::string& name = key.as_string();
    const auto place = std::find(wanted.names.begin(), wanted.names.end(), name);
    if (place != wanted.names.end()) {
      const auto index = static_cast<std::size_t>(place - wanted.names.begin());
      if (call.given[index] != 0) return call.fail("got two values for '" + name + "'");
      call.positional[index] = value;
      call.given[index] = 1;
    } else if (wanted.takes_named) {
      call.named.set(key, value);
    } else {
      return call.fail("has no argument '" + name + "'").hint(suggest(name, wanted.names));
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (wanted.required[i] && call.given[i] == 0)
      return call.fail("needs the argument '" + std::string(wanted.names[i]) + "'");
  }
  return {};
}

const Value& Invocation::arg(std::size_t index) const {
  static const Value kNull;
  return has(index) ? positional[index] : kNull;
}

Result<std::string> Invocation::text(std::size_t index, std::string_view fallback) const {
  if (!has(index) || positional[index].is_null()) return std::string(fallback);
  return text_of(positional[index]);
}

Result<std::int64_t> Invocation::integer(std::size_t index, std::int64_t fallback) const {
  if (!has(index) || positional[index].is_null()) return fallback;
  const Value& value = positional[index];
  if (value.is_undefined()) return undefined_value_error(value);
  if (value.is_integer() || value.is_bool()) return value.as_integer();
  return wrong_type("an integer", value);
}

Result<std::string> Invocation::input_text() const { return text_of(input); }
Result<List> Invocation::input_items() const { return render.items(input); }

Result<Map> Invocation::as_map(const Value& value) const {
  if (value.is_map()) return value.as_map();
  if (!value.is_object() || !value.as_object().is_mapping()) return wrong_type("a dict", value);
  GS_TRY(const List keys, value.as_object().iterate());
  Map out;
  for (const Value& key : keys) {
    GS_TRY(Value item, value.as_object().item(key));
    out.set(key, std::move(item));
  }
  return out;
}

Error Invocation::fail(std::string message) const {
  return Error(ErrorCode::filter_failed, "'" + std::string(name) + "' " + std::move(message));
}

Error Invocation::wrong_type(std::string_view wanted, const Value& found) const {
  if (found.is_undefined()) return undefined_value_error(found);
  return fail("expected " + std::string(wanted) + ", found " + std::string(type_name(found)));
}

namespace {

Mark argument_marks(const List& positional, const Map& named) {
  Mark marks = Mark::none;
  for (const Value& value : positional) marks = marks | deep_marks(value);
  for (const auto& [key, value] : named) marks = marks | deep_marks(value);
  return marks;
}

}  // namespace

Result<Value> Render::apply_filter(const FilterRow& row,
                                   const Value& input,
                                   List positional,
                                   const Map& named) {
  GS_TRY_VOID(step());
  Mark given = Mark::none;
  if (row.marks == Marks::join) given = argument_marks(positional, named);
  Invocation call(*this, row.name, input);
  GS_TRY_VOID(bind_arguments(call, row.parameters, std::move(positional), named));
  GS_TRY(Value result, row.function(call));
  if (result.is_string()) GS_TRY_VOID(check_size(result.size()));
  if (row.marks == Marks::join && !result.is_bool()) {
    const Mark marks = given | deep_marks(input);
    if (marks != Mark::none) result = mark_deep(std::move(result), marks);
  } else if (row.marks == Marks::elements && input.marks() != Mark::none) {
    result = mark_deep(std::move(result), input.marks());
  }
  if (row.stays_text) return result.as_text();
  return result;
}

Result<bool> Render::apply_test(const TestRow& row,
                                const Value& input,
                                List positional,
                                const Map& named) {
  GS_TRY_VOID(step());
  Invocation call(*this, row.name, input);
  GS_TRY_VOID(bind_arguments(call, row.parameters, std::move(positional), named));
  if (!row.accepts_undefined) {
    for (const Value& value : call.positional) {
      if (value.is_undefined()) return undefined_error(value);
    }
  }
  return row.function(call);
}

}  // namespace gpustack::jinja
