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

namespace {

/// Positional arguments: to the parameters, the others to the rest.
Result<void> bind_positional(Invocation& call, const Parameters& wanted, List positional) {
  const std::size_t count = wanted.names.size();
  call.held = std::move(positional);
  if (call.held.size() > count && !wanted.takes_rest) {
    return call.fail("takes at most " + std::to_string(count) + " arguments, found " +
                     std::to_string(call.held.size()));
  }
  const std::size_t bound = std::min(count, call.held.size());
  for (std::size_t i = 0; i < bound; ++i) call.places[i] = &call.held[i];
  call.rest = std::span<const Value>(call.held).subspan(bound);
  return {};
}

Result<void> bind_named(Invocation& call, const Parameters& wanted, const Map& named) {
  for (const auto& [key, value] : named) {
    const std::string& name = key.as_string();
    const auto place = std::find(wanted.names.begin(), wanted.names.end(), name);
    if (place != wanted.names.end()) {
      const auto index = static_cast<std::size_t>(place - wanted.names.begin());
      if (call.places[index] != nullptr) return call.fail("got two values for '" + name + "'");
      call.places[index] = &value;
    } else if (wanted.takes_named) {
      call.named.set(key, value);
    } else {
      return call.fail("has no argument '" + name + "'").hint(suggest(name, wanted.names));
    }
  }
  return {};
}

}  // namespace

Result<void> bind_arguments(Invocation& call,
                            std::string_view parameters,
                            List positional,
                            const Map& named) {
  if (parameters.empty() && positional.empty() && named.empty()) return {};
  const Parameters& wanted = kept_parameters(parameters);
  if (positional.empty() && named.empty() && !wanted.has_required) return {};
  call.places.assign(wanted.names.size(), nullptr);
  call.given = call.places;
  GS_TRY_VOID(bind_positional(call, wanted, std::move(positional)));
  GS_TRY_VOID(bind_named(call, wanted, named));
  for (std::size_t i = 0; i < wanted.names.size(); ++i) {
    if (wanted.required[i] && call.given[i] == nullptr)
      return call.fail("needs the argument '" + std::string(wanted.names[i]) + "'");
  }
  return {};
}

std::optional<std::vector<std::size_t>> parameter_numbers(
    std::string_view parameters,
    std::size_t positional,
    const std::vector<std::string_view>& named) {
  const Parameters& wanted = kept_parameters(parameters);
  if (positional > wanted.names.size()) return std::nullopt;
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < positional; ++i) out.push_back(i);
  for (const std::string_view name : named) {
    const auto place = std::find(wanted.names.begin(), wanted.names.end(), name);
    const auto index = static_cast<std::size_t>(place - wanted.names.begin());
    if (place == wanted.names.end() || std::find(out.begin(), out.end(), index) != out.end())
      return std::nullopt;
    out.push_back(index);
  }
  for (std::size_t i = 0; i < wanted.names.size(); ++i) {
    if (wanted.required[i] && std::find(out.begin(), out.end(), i) == out.end())
      return std::nullopt;
  }
  return out;
}

const Value& Invocation::arg(std::size_t index) const {
  static const Value kNull;
  return has(index) ? *given[index] : kNull;
}

Result<std::string> Invocation::text(std::size_t index, std::string_view fallback) const {
  if (!has(index) || given[index]->is_null()) return std::string(fallback);
  return text_of(*given[index]);
}

Result<std::int64_t> Invocation::integer(std::size_t index, std::int64_t fallback) const {
  if (!has(index) || given[index]->is_null()) return fallback;
  const Value& value = *given[index];
  if (value.is_undefined()) return undefined_value_error(value);
  if (value.is_integer() || value.is_bool()) return value.as_integer();
  return wrong_type("an integer", value);
}

namespace {

Result<TextView> view_of(const Value& value) {
  if (value.is_string()) return TextView(value.as_string());
  GS_TRY(std::string text, text_of(value));
  return TextView(std::move(text));
}

}  // namespace

Result<std::string> Invocation::input_text() const { return text_of(input); }
Result<TextView> Invocation::input_view() const { return view_of(input); }
Result<TextView> Invocation::text_view(std::size_t index) const { return view_of(arg(index)); }
Result<List> Invocation::input_items() const { return render.items(input); }

Result<ItemView> Invocation::view_items() const {
  if (input.is_list() && input.marks() == Mark::none) return ItemView(input.as_list());
  GS_TRY(List items, render.items(input));
  return ItemView(std::move(items));
}

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

Result<Value> Render::run_filter(const FilterRow& row, Invocation& call, Mark given) {
  GS_TRY(Value result, row.function(call));
  if (result.is_string()) GS_TRY_VOID(check_size(result.size()));
  if (row.marks == Marks::join && !result.is_bool()) {
    const Mark marks = given | deep_marks(call.input);
    if (marks != Mark::none) result = mark_deep(std::move(result), marks);
  } else if (row.marks == Marks::elements && call.input.marks() != Mark::none) {
    result = mark_deep(std::move(result), call.input.marks());
  }
  if (row.stays_text) return result.as_text();
  return result;
}

Result<Value> Render::apply_filter(const FilterRow& row,
                                   const Value& input,
                                   List positional,
                                   const Map& named) {
  GS_TRY_VOID(step());
  Mark given = Mark::none;
  if (row.marks == Marks::join) given = argument_marks(positional, named);
  Invocation call(*this, row.name, input);
  GS_TRY_VOID(bind_arguments(call, row.parameters, std::move(positional), named));
  return run_filter(row, call, given);
}

Result<bool> Render::apply_test(const TestRow& row,
                                const Value& input,
                                List positional,
                                const Map& named) {
  GS_TRY_VOID(step());
  Invocation call(*this, row.name, input);
  GS_TRY_VOID(bind_arguments(call, row.parameters, std::move(positional), named));
  return run_test(row, call);
}

Result<bool> Render::run_test(const TestRow& row, Invocation& call) {
  if (!row.accepts_undefined) {
    for (const Value* value : call.given) {
      if (value != nullptr && value->is_undefined()) return undefined_error(*value);
    }
  }
  return row.function(call);
}

}  // namespace gpustack::jinja
