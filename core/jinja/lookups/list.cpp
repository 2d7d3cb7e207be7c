// items, list, dict, together, nested, subelements, flattened, indexed_items, random_choice
#include "core/jinja/lookups/tables.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <random>

namespace gpustack::jinja {

namespace {

/// One level of lists opened, as `with_items` does.
List open_once(const List& terms) {
  List out;
  for (const Value& term : terms) {
    if (term.is_list()) {
      out.insert(out.end(), term.as_list().begin(), term.as_list().end());
    } else {
      out.push_back(term);
    }
  }
  return out;
}

Result<List> items(LookupCall& call) {
  List out;
  for (const Value& term : call.terms) {
    if (term.is_list() || (term.is_object() && !term.as_object().is_mapping())) {
      GS_TRY(List inner, call.render.items(term));
      out.insert(out.end(), inner.begin(), inner.end());
    } else {
      out.push_back(term);
    }
  }
  return out;
}

Result<List> list(LookupCall& call) { return call.terms; }

Result<List> dict(LookupCall& call) {
  List out;
  for (const Value& term : call.terms) {
    if (term.is_object() && term.as_object().is_mapping()) {
      GS_TRY(const List keys, term.as_object().iterate());
      for (const Value& key : keys) {
        GS_TRY(Value value, term.as_object().item(key));
        out.push_back(Value::map({{"key", key}, {"value", std::move(value)}}));
      }
      continue;
    }
    if (!term.is_map())
      return call.fail("expected a dict, found " + std::string(type_name(term)) + " " +
                       to_repr(term));
    for (const auto& [key, value] : term.as_map())
      out.push_back(Value::map({{"key", key}, {"value", value}}));
  }
  return out;
}

List as_list(const Value& term) { return term.is_list() ? term.as_list() : List{term}; }

Result<List> together(LookupCall& call) {
  if (call.terms.empty()) return call.fail("needs at least one list");
  std::vector<List> lists;
  std::size_t longest = 0;
  for (const Value& term : call.terms) {
    lists.push_back(as_list(term));
    longest = std::max(longest, lists.back().size());
  }
  List out;
  for (std::size_t i = 0; i < longest; ++i) {
    List row;
    for (const List& one : lists) row.push_back(i < one.size() ? one[i] : Value());
    out.emplace_back(open_once(row));
  }
  return out;
}

Result<List> nested(LookupCall& call) {
  if (call.terms.empty()) return call.fail("needs at least one list");
  std::vector<List> rows;
  bool first = true;
  for (const Value& term : call.terms) {
    const List choices = as_list(term);
    if (std::exchange(first, false)) {
      for (const Value& choice : choices) rows.push_back(open_once({choice}));
      continue;
    }
    GS_TRY_VOID(call.render.step(rows.size() * choices.size()));
    std::vector<List> next;
    for (const List& row : rows) {
      for (const Value& choice : choices) {
        List longer = row;
        const List opened = open_once({choice});
        longer.insert(longer.end(), opened.begin(), opened.end());
        next.push_back(std::move(longer));
      }
    }
    rows = std::move(next);
  }
  List out;
  for (List& row : rows) out.emplace_back(std::move(row));
  return out;
}

/// Takes the list at `path` out of `element`. @return nothing when it is missing and that is
/// allowed
Result<std::optional<List>> take_list(LookupCall& call,
                                      Value& element,
                                      const std::vector<std::string>& path,
                                      std::size_t at,
                                      bool skip_missing) {
  const std::string& key = path[at];
  const Value* found = element.find(key);
  if (found == nullptr) {
    if (skip_missing) return std::optional<List>();
    return call.fail("could not find '" + key + "' key in iterated item '" + to_text(element) +
                     "'");
  }
  Value inner = *found;
  if (at + 1 == path.size()) {
    if (!inner.is_list())
      return call.fail("the key " + key + " should point to a list, got '" + to_text(inner) + "'");
    element.mutable_map().erase(std::string_view(key));
    return std::optional<List>(inner.as_list());
  }
  if (!inner.is_map()) {
    if (skip_missing) return std::optional<List>();
    return call.fail("the key " + key + " should point to a dictionary, got '" + to_text(inner) +
                     "'");
  }
  GS_TRY(auto list_value, take_list(call, inner, path, at + 1, skip_missing));
  element.mutable_map().set(key, std::move(inner));
  return list_value;
}

Result<List> subelements(LookupCall& call) {
  constexpr std::string_view kExpected = "expects a list of two or three items, ";
  const auto refuse = [&](std::string_view what) {
    return call.fail(std::string(kExpected) + std::string(what));
  };
  if (call.terms.size() < 2 || call.terms.size() > 3)
    return refuse("and found " + std::to_string(call.terms.size()));
  const Value& source = call.terms[0];
  if (!call.terms[1].is_string())
    return refuse("first a dict or a list, second a string pointing to the subkey");
  bool skip_missing = call.flag("skip_missing", false);
  if (call.terms.size() == 3) {
    const Value& flags = call.terms[2];
    const bool known = flags.is_map() && std::ranges::all_of(flags.as_map(), [](const auto& entry) {
                         return to_text(entry.key) == "skip_missing";
                       });
    if (!known) return refuse("the optional third item must be a dict with flags skip_missing");
    const Value flag = flags.get("skip_missing");
    skip_missing = parse_bool(flag).value_or(flag.truthy());
  }
  std::vector<std::string> path;
  const std::string& dotted = call.terms[1].as_string();
  for (std::size_t begin = 0; begin <= dotted.size();) {
    const std::size_t end = std::min(dotted.find('.', begin), dotted.size());
    path.push_back(dotted.substr(begin, end - begin));
    begin = end + 1;
  }
  List elements;
  if (source.is_map()) {
    if (source.get("skipped").truthy()) return List();
    for (const auto& [key, value] : source.as_map()) elements.push_back(value);
  } else {
    elements = source.is_list() ? source.as_list() : List{source};
  }
  List out;
  for (Value& element : elements) {
    if (!element.is_map()) return call.fail("expects a dictionary, got '" + to_text(element) + "'");
    if (element.get("skipped").truthy()) continue;
    GS_TRY(const auto values, take_list(call, element, path, 0, skip_missing));
    if (!values) continue;
    for (const Value& value : *values) out.push_back(Value(List{element, value}).as_tuple());
  }
  return out;
}

Result<List> indexed_items(LookupCall& call) {
  GS_TRY(const List all, items(call));
  List out;
  for (std::size_t i = 0; i < all.size(); ++i)
    out.push_back(Value(List{Value(i), all[i]}).as_tuple());
  return out;
}

Result<void> flatten(LookupCall& call, const List& terms, List& out, int depth) {
  if (depth > 100) return call.fail("lists are nested more than 100 levels deep");
  for (const Value& term : terms) {
    const bool null =
        term.is_null() ||
        (term.is_string() && (term.as_string() == "None" || term.as_string() == "null"));
    if (null) continue;
    if (term.is_list()) {
      GS_TRY_VOID(flatten(call, term.as_list(), out, depth + 1));
    } else {
      out.push_back(term);
    }
  }
  return {};
}

Result<List> flattened(LookupCall& call) {
  List out;
  GS_TRY_VOID(flatten(call, call.terms, out, 0));
  return out;
}

Result<List> random_choice(LookupCall& call) {
  if (call.terms.empty()) return List();
  std::random_device device;
  std::uniform_int_distribution<std::size_t> pick(0, call.terms.size() - 1);
  return List{call.terms[pick(device)]};
}

constexpr LookupRow kRows[] = {
    {"items", items},
    {"list", list},
    {"dict", dict},
    {"together", together},
    {"nested", nested},
    {"cartesian", nested},
    {"subelements", subelements},
    {"indexed_items", indexed_items},
    {"flattened", flattened},
    {"random_choice", random_choice},
};

}  // namespace

LookupTable list_lookups() { return kRows; }

}  // namespace gpustack::jinja
