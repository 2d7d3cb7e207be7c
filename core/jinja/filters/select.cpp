// map, select, reject, selectattr, rejectattr, groupby, unique
#include "core/base/suggest.hpp"
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/sequence.hpp"

#include <algorithm>
#include <optional>

namespace gpustack::jinja {

namespace {

/// map(attribute=…)
Result<Value> map_attribute(Invocation& call, const ItemView& items) {
  for (const auto& [key, value] : call.named) {
    if (key.as_string() != "attribute" && key.as_string() != "default")
      return call.fail("has no argument '" + key.as_string() + "'");
  }
  const MemberPath attribute(*call.named.find("attribute"));
  const Value* fallback = call.named.find("default");
  if (fallback != nullptr && fallback->is_null()) fallback = nullptr;
  List out;
  out.reserve(items.size());
  for (const Value& item : items) {
    GS_TRY(Value member, attribute.of(call.render, item, fallback));
    out.push_back(std::move(member));
  }
  return Value(std::move(out));
}

/// What is visited: nothing of what is false, as Jinja2 has it.
Result<ItemView> visited(Invocation& call) {
  GS_TRY_VOID(require_defined(call.input));
  if (!call.input.truthy()) return ItemView(List());
  return call.view_items();
}

/// The same for a filter that writes text, which needs one place to write for all of them.
Result<Value> map_to_texts(Invocation& call, const FilterRow& row, const ItemView& items) {
  List out;
  out.reserve(items.size());
  Value input;
  Invocation bound(call.render, row.name, input);
  TextBuffer text;
  for (const Value& item : items) {
    if (item.is_undefined() && !row.accepts_undefined) return call.render.undefined_error(item);
    GS_TRY_VOID(call.render.step());
    input = item;
    const std::size_t begin = text.size();
    GS_TRY_VOID(row.write(bound, text));
    GS_TRY_VOID(call.render.check_size(text.size() - begin));
    Value made(text.view().substr(begin));
    const Mark marks = deep_marks(item);
    out.push_back(marks == Mark::none ? std::move(made) : mark_deep(std::move(made), marks));
  }
  return Value(std::move(out));
}

/// The items as a filter without arguments makes them.
Result<Value> map_plainly(Invocation& call, const FilterRow& row, const ItemView& items) {
  List out;
  if (items.empty()) return Value(std::move(out));
  const bool writes = row.write != nullptr && row.parameters.empty() && !row.stays_text;
  if (writes && row.marks == Marks::join) return map_to_texts(call, row, items);
  out.reserve(items.size());
  Value input;  // what the filter looks at, one after the other
  Invocation bound(call.render, row.name, input);
  GS_TRY_VOID(bind_arguments(bound, row.parameters, {}, call.named));
  for (const Value& item : items) {
    if (item.is_undefined() && !row.accepts_undefined) return call.render.undefined_error(item);
    GS_TRY_VOID(call.render.step());
    input = item;
    GS_TRY(Value result, call.render.run_filter(row, bound, Mark::none));
    out.push_back(std::move(result));
  }
  return Value(std::move(out));
}

Result<Value> map(Invocation& call) {
  GS_TRY(const ItemView items, visited(call));
  if (call.rest.empty() && call.named.contains("attribute")) return map_attribute(call, items);
  if (call.rest.empty()) return call.fail("needs the name of a filter or 'attribute='");
  GS_TRY(const std::string name, text_of(call.rest.front()));
  const FilterRow* row = find_filter(name);
  if (row == nullptr) {
    return Error(ErrorCode::unknown_filter, "unknown filter '" + name + "' in 'map'")
        .hint(suggest(name, filter_names()));
  }
  if (call.rest.size() == 1 && call.named.empty()) return map_plainly(call, *row, items);
  const List arguments(call.rest.begin() + 1, call.rest.end());
  List out;
  out.reserve(items.size());
  for (const Value& item : items) {
    if (item.is_undefined() && !row->accepts_undefined) return call.render.undefined_error(item);
    GS_TRY(Value result, call.render.apply_filter(*row, item, arguments, call.named));
    out.push_back(std::move(result));
  }
  return Value(std::move(out));
}

/// The test that select and its relatives make; without one they ask for truth.
class Condition {
 public:
  explicit Condition(Invocation& call) : call_(call) {}

  /// @param name_at  where the filter's arguments name the test
  Result<void> read(std::size_t name_at) {
    if (call_.rest.size() <= name_at) return {};
    GS_TRY(const std::string name, text_of(call_.rest[name_at]));
    row_ = find_test(name);
    if (row_ == nullptr) {
      return Error(ErrorCode::unknown_test,
                   "unknown test '" + name + "' in '" + std::string(call_.name) + "'")
          .hint(suggest(name, test_names()));
    }
    arguments_.assign(call_.rest.begin() + static_cast<std::ptrdiff_t>(name_at) + 1,
                      call_.rest.end());
    return {};
  }

  Result<bool> met_by(const Value& value) {
    const bool accepts_undefined = row_ != nullptr && row_->accepts_undefined;
    if (value.is_undefined() && !accepts_undefined) return call_.render.undefined_error(value);
    if (row_ == nullptr) return value.truthy();
    GS_TRY_VOID(call_.render.step());
    GS_TRY_VOID(bind());
    input_ = value;
    return call_.render.run_test(*row_, *bound_);
  }

 private:
  /// Arguments are bound for the first value; what is wrong with them shows where there is one.
  Result<void> bind() {
    if (bound_) return {};
    bound_.emplace(call_.render, row_->name, input_);
    return bind_arguments(*bound_, row_->parameters, std::move(arguments_), call_.named);
  }

  Invocation& call_;
  const TestRow* row_ = nullptr;
  List arguments_;
  Value input_;  ///< what the test looks at, one after the other
  std::optional<Invocation> bound_;
};

/// select and its three relatives.
template <bool keep, bool by_attribute>
Result<Value> select(Invocation& call) {
  GS_TRY(const ItemView items, visited(call));
  if (by_attribute && call.rest.empty()) return call.fail("needs the name of an attribute");
  Condition condition(call);
  GS_TRY_VOID(condition.read(by_attribute ? 1 : 0));
  List out;
  out.reserve(items.size());
  const MemberPath path(by_attribute ? call.rest.front() : Value());
  for (const Value& item : items) {
    bool holds = false;
    if (const Value* member = path.peek(item)) {
      GS_TRY(holds, condition.met_by(*member));
    } else {
      GS_TRY(const Value made, path.of(call.render, item));
      GS_TRY(holds, condition.met_by(made));
    }
    if (holds == keep) out.push_back(item);
  }
  return Value(std::move(out));
}

/// A group prints as a tuple and has the names `grouper` and `list`.
class GroupObject : public Object {
 public:
  GroupObject(Value key, Value members) : key_(std::move(key)), members_(std::move(members)) {}
  [[nodiscard]] std::string_view type_name() const override { return "_GroupTuple"; }
  Result<Value> attribute(std::string_view name) override {
    if (name == "grouper") return key_;
    if (name == "list") return members_;
    return Object::attribute(name);
  }
  Result<Value> item(const Value& key) override {
    if (key.is_integer() && (key.as_integer() == 0 || key.as_integer() == -2)) return key_;
    if (key.is_integer() && (key.as_integer() == 1 || key.as_integer() == -1)) return members_;
    return Object::item(key);
  }
  Result<List> iterate() override { return List{key_, members_}; }
  [[nodiscard]] std::string to_text() const override {
    return "(" + to_repr(key_) + ", " + to_repr(members_) + ")";
  }

 private:
  Value key_;
  Value members_;
};

}  // namespace

bool is_group(const Value& value) {
  return value.is_object() && value.as_object().type_name() == "_GroupTuple";
}

namespace {

Result<Value> group_by(Invocation& call) {
  GS_TRY(List items, call.input_items());
  const Value* fallback = call.has(1) && !call.arg(1).is_null() ? &call.arg(1) : nullptr;
  const bool case_sensitive = call.flag(2);
  const MemberPath attribute(call.arg(0));
  std::vector<Value> keys;
  keys.reserve(items.size());
  for (const Value& item : items) {
    GS_TRY(Value key, attribute.of(call.render, item, fallback));
    if (key.is_undefined()) return call.render.undefined_error(key);
    keys.push_back(case_sensitive ? key : fold_case(key));
  }
  List numbered;
  for (std::size_t i = 0; i < items.size(); ++i)
    numbered.push_back(Value::list({keys[i], items[i]}));
  GS_TRY_VOID(sort_by(numbered, keys, false));
  List out;
  for (std::size_t i = 0; i < numbered.size();) {
    const Value key = numbered[i].as_list()[0];
    List members;
    for (; i < numbered.size() && numbered[i].as_list()[0] == key; ++i)
      members.push_back(numbered[i].as_list()[1]);
    GS_TRY(Value shown, attribute.of(call.render, members.front(), fallback));
    out.push_back(make_object<GroupObject>(std::move(shown), Value(std::move(members))));
  }
  return Value(std::move(out));
}

Result<Value> unique(Invocation& call) {
  GS_TRY(List items, call.input_items());
  ValueSet seen;
  List out;
  // Python falls back to comparing as they are when one item cannot be hashed.
  const bool exact = std::any_of(items.begin(), items.end(), [](const Value& item) {
    return item.is_map() || (item.is_list() && !item.is_tuple());
  });
  if (exact && !call.has(1)) {
    for (Value& item : items) {
      if (item.is_undefined()) return call.render.undefined_error(item);
      if (seen.insert(item).second) out.push_back(std::move(item));
    }
    return Value(std::move(out));
  }
  const MemberPath attribute(call.arg(1));
  for (Value& item : items) {
    // Ansible hands `case_sensitive=None` on as false only when it was asked for.
    GS_TRY(Value key, key_of(call, item, attribute, call.has(0) && call.flag(0)));
    if (seen.insert(std::move(key)).second) out.push_back(std::move(item));
  }
  return Value(std::move(out));
}

constexpr FilterRow kRows[] = {
    {"map", map, "* **", Marks::elements},
    {"select", select<true, false>, "* **", Marks::elements},
    {"reject", select<false, false>, "* **", Marks::elements},
    {"selectattr", select<true, true>, "* **", Marks::elements},
    {"rejectattr", select<false, true>, "* **", Marks::elements},
    {"groupby", group_by, "attribute! default case_sensitive", Marks::elements},
    {"unique", unique, "case_sensitive attribute", Marks::elements},
};

}  // namespace

FilterTable select_filters() { return kRows; }

}  // namespace gpustack::jinja
