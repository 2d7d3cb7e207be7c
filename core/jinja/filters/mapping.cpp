// combine, dict2items, items2dict, subelements, rekey_on_member, extract, …
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::jinja {

namespace {

constexpr std::string_view kListMerges[] = {
    "replace", "keep", "append", "prepend", "append_rp", "prepend_rp"};

List without(const List& items, const List& unwanted) {
  List out;
  for (const Value& item : items) {
    if (std::find(unwanted.begin(), unwanted.end(), item) == unwanted.end()) out.push_back(item);
  }
  return out;
}

List joined(List first, const List& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Value merge_lists(const Value& low, const Value& high, std::string_view how) {
  const List& x = low.as_list();
  const List& y = high.as_list();
  if (how == "keep") return low;
  if (how == "append") return Value(joined(x, y));
  if (how == "prepend") return Value(joined(y, x));
  if (how == "append_rp") return Value(joined(without(x, y), y));
  if (how == "prepend_rp") return Value(joined(y, without(x, y)));
  return high;
}

Map merge(const Map& low, const Map& high, bool recursive, std::string_view list_merge) {
  if (low.empty() || low == high) return high;
  Map out = low;
  for (const auto& [key, value] : high) {
    Value* mine = out.find(key);
    if (mine == nullptr) {
      out.set(key, value);
    } else if (recursive && mine->is_map() && value.is_map()) {
      *mine = Value(merge(mine->as_map(), value.as_map(), recursive, list_merge));
    } else if (mine->is_list() && value.is_list()) {
      *mine = merge_lists(*mine, value, list_merge);
    } else {
      *mine = value;
    }
  }
  return out;
}

struct CombineOptions {
  bool recursive = false;
  std::string list_merge = "replace";
};

Result<CombineOptions> combine_options(Invocation& call) {
  CombineOptions out;
  for (const auto& [key, value] : call.named) {
    if (key.as_string() == "recursive") {
      out.recursive = value.truthy();
    } else if (key.as_string() == "list_merge") {
      GS_TRY(out.list_merge, text_of(value));
    } else {
      return call.fail("has no argument '" + key.as_string() +
                       "': expected recursive or list_merge");
    }
  }
  if (std::find(std::begin(kListMerges), std::end(kListMerges), out.list_merge) ==
      std::end(kListMerges)) {
    return call.fail("has no list_merge '" + out.list_merge +
                     "': expected replace, keep, append, prepend, append_rp or prepend_rp");
  }
  return out;
}

/// The dicts of the input and the arguments, lists of them unfolded and nulls left out.
Result<std::vector<Map>> dicts_to_combine(Invocation& call) {
  List given;
  const auto add = [&](const Value& value) {
    const List items = value.is_list() ? value.as_list() : List{value};
    std::copy_if(items.begin(), items.end(), std::back_inserter(given), [](const Value& item) {
      return !item.is_null();
    });
  };
  add(call.input);
  for (const Value& more : call.rest) add(more);
  std::vector<Map> out;
  for (const Value& value : given) {
    GS_TRY_VOID(require_defined(value));
    if (!value.is_map() && !value.is_object()) {
      return call.fail("combines dicts only, found " + std::string(type_name(value)) + " " +
                       to_repr(value));
    }
    GS_TRY(Map map, call.as_map(value));
    out.push_back(std::move(map));
  }
  return out;
}

Result<Value> combine(Invocation& call) {
  GS_TRY(const CombineOptions options, combine_options(call));
  GS_TRY(std::vector<Map> maps, dicts_to_combine(call));
  if (maps.empty()) return Value(Map());
  // From the highest down, as Ansible does: the order of keys depends on it.
  Map result = std::move(maps.back());
  for (std::size_t i = maps.size() - 1; i-- > 0;)
    result = merge(maps[i], result, options.recursive, options.list_merge);
  return Value(std::move(result));
}

Result<Value> dict2items(Invocation& call) {
  GS_TRY(const Map map, call.as_map(call.input));
  GS_TRY(const std::string key_name, call.text(0, "key"));
  GS_TRY(const std::string value_name, call.text(1, "value"));
  List out;
  out.reserve(map.size());
  for (const auto& [key, value] : map) {
    Map entry;
    entry.set(key_name, key);
    entry.set(value_name, value);
    out.emplace_back(std::move(entry));
  }
  return Value(std::move(out));
}

Result<Value> items2dict(Invocation& call) {
  if (!call.input.is_list()) return call.wrong_type("a list", call.input);
  GS_TRY(const std::string key_name, call.text(0, "key"));
  GS_TRY(const std::string value_name, call.text(1, "value"));
  const std::string wanted = "dicts with the keys '" + key_name + "' and '" + value_name + "'";
  Map out;
  for (const Value& item : call.input.as_list()) {
    const Value* key = item.find(key_name);
    const Value* value = item.find(value_name);
    if (key == nullptr || value == nullptr)
      return call.fail("needs " + wanted + ", found " + to_repr(item));
    out.set(*key, *value);
  }
  return Value(std::move(out));
}

Result<Value> items(Invocation& call) {
  if (call.input.is_undefined()) return Value(List());
  GS_TRY(const Map map, call.as_map(call.input));
  List out;
  for (const auto& [key, value] : map) out.push_back(Value(List{key, value}).as_tuple());
  return Value(std::move(out));
}

/// The elements of a list, or the values of a dict. @error as wrong_type()
Result<List> elements_of(Invocation& call, std::string_view wanted) {
  if (call.input.is_list()) return call.input.as_list();
  if (!call.input.is_map()) return call.wrong_type(wanted, call.input);
  List out;
  for (const auto& [key, value] : call.input.as_map()) out.push_back(value);
  return out;
}

/// The keys of a path: a list, or text with dots between them.
Result<List> path_keys(Invocation& call) {
  if (call.arg(0).is_list()) return call.arg(0).as_list();
  GS_TRY(const std::string text, call.text(0));
  List out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('.', begin), text.size());
    out.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

/// What the path leads to; nothing when a key is missing and may be.
Result<std::optional<Value>> follow(Invocation& call, const Value& element, const List& path) {
  Value value = element;
  for (const Value& key : path) {
    if (!value.is_map()) {
      return call.fail("the key " + to_repr(key) + " should be looked up in a dict, found " +
                       std::string(type_name(value)));
    }
    const Value* found = value.as_map().find(key);
    if (found == nullptr && call.flag(1)) return std::optional<Value>();
    if (found == nullptr)
      return call.fail("found no key " + to_repr(key) + " in " + to_repr(value));
    value = Value(*found);
  }
  return std::optional<Value>(std::move(value));
}

Result<Value> subelements(Invocation& call) {
  GS_TRY(const List elements, elements_of(call, "a list of dicts or a dict of dicts"));
  GS_TRY(const List path, path_keys(call));
  List out;
  for (const Value& element : elements) {
    GS_TRY(const auto values, follow(call, element, path));
    if (!values) continue;
    if (!values->is_list()) {
      return call.fail("the key " + to_repr(call.arg(0)) + " should point to a list, found " +
                       to_repr(*values));
    }
    for (const Value& value : values->as_list())
      out.push_back(Value(List{element, value}).as_tuple());
  }
  return Value(std::move(out));
}

Result<Value> rekey(Invocation& call) {
  GS_TRY(const std::string key, call.text(0));
  GS_TRY(const std::string duplicates, call.text(1, "error"));
  if (duplicates != "error" && duplicates != "overwrite")
    return call.fail("expected duplicates 'error' or 'overwrite', found '" + duplicates + "'");
  GS_TRY(const List elements, elements_of(call, "a list or dict"));
  Map out;
  for (const Value& element : elements) {
    if (!element.is_map())
      return call.fail("needs dicts, found " + std::string(type_name(element)));
    const Value* found = element.find(key);
    if (found == nullptr) return call.fail("found no key '" + key + "' in " + to_repr(element));
    if (out.find(*found) != nullptr && duplicates == "error")
      return call.fail("the key " + to_repr(*found) + " is not unique");
    out.set(*found, element);
  }
  return Value(std::move(out));
}

Result<Value> extract(Invocation& call) {
  GS_TRY(Value value, call.render.item(call.arg(0), call.input));
  const Value& more = call.arg(1);
  if (more.is_list()) {
    for (const Value& key : more.as_list()) {
      GS_TRY(value, call.render.item(value, key));
    }
  } else if (!more.is_null()) {
    GS_TRY(value, call.render.item(value, more));
  }
  return value;
}

Result<Value> attr(Invocation& call) {
  GS_TRY(const std::string name, call.text(0));
  if (call.input.is_map() && call.input.find(name) != nullptr) {
    return Value::undefined("'dict object' has no attribute '" + name + "'", name);
  }
  return call.render.attribute(call.input, name);
}

// community.general.dict: pairs to a dict.
Result<Value> dict_of_pairs(Invocation& call) {
  GS_TRY(const List pairs, call.input_items());
  Map out;
  for (const Value& pair : pairs) {
    if (!pair.is_list() || pair.size() != 2)
      return call.fail("needs pairs of key and value, found " + to_repr(pair));
    out.set(pair.as_list()[0], pair.as_list()[1]);
  }
  return Value(std::move(out));
}

constexpr FilterRow kRows[] = {
    {"combine", combine, "* **", Marks::elements},
    {"dict2items", dict2items, "key_name value_name", Marks::elements},
    {"items2dict", items2dict, "key_name value_name", Marks::elements},
    {"items", items, "", Marks::elements, true},
    {"subelements", subelements, "subelements! skip_missing", Marks::elements},
    {"rekey_on_member", rekey, "key! duplicates", Marks::elements},
    {"extract", extract, "container! morekeys", Marks::elements},
    {"attr", attr, "name!", Marks::elements},
    {"dict", dict_of_pairs, "", Marks::elements},
};

}  // namespace

FilterTable mapping_filters() { return kRows; }

}  // namespace gpustack::jinja
