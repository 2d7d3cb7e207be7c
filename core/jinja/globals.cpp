// Names that are always there: range, dict, lipsum, cycler, joiner, namespace, lookup, query, q,
// now, undef.
#include "core/jinja/methods.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <unordered_map>

namespace gpustack::jinja {

namespace {

Result<Value> make_range(const CallArguments& arguments) {
  const List& given = arguments.positional;
  if (given.empty() || given.size() > 3)
    return Error(ErrorCode::template_type, "range() takes 1 to 3 numbers");
  for (const Value& value : given) {
    if (value.is_undefined()) return undefined_value_error(value);
    if (!value.is_integer() && !value.is_bool()) {
      return Error(ErrorCode::template_type,
                   "range() takes integers, found " + std::string(type_name(value)));
    }
  }
  const std::int64_t step = given.size() == 3 ? given[2].as_integer() : 1;
  if (step == 0) return Error(ErrorCode::template_type, "the step of range() cannot be zero");
  const std::int64_t start = given.size() > 1 ? given[0].as_integer() : 0;
  const std::int64_t stop = given.size() > 1 ? given[1].as_integer() : given[0].as_integer();
  return make_object<RangeObject>(start, stop, step);
}

Result<void> add_pair(Map& out, const Value& pair) {
  if (pair.is_string() && code_points(pair.as_string()) == 2) {  // 'ab' is a pair of characters
    const std::size_t first = code_point_offset(pair.as_string(), 1);
    out.set(Value(pair.as_string().substr(0, first)), Value(pair.as_string().substr(first)));
    return {};
  }
  if (!pair.is_list() || pair.size() != 2) {
    return Error(ErrorCode::template_type,
                 "dict() needs pairs of key and value, found " + to_repr(pair));
  }
  out.set(pair.as_list()[0], pair.as_list()[1]);
  return {};
}

Result<Map> dict_of(const Value& source) {
  if (source.is_undefined()) return undefined_value_error(source);
  if (source.is_map()) return source.as_map();
  if (source.is_string() && source.as_string().empty()) return Map();
  if (!source.is_list() && !source.is_object()) {
    return Error(ErrorCode::template_type,
                 "dict() takes a dict or a list of pairs, found " + std::string(type_name(source)));
  }
  List pairs;
  if (source.is_list()) {
    pairs = source.as_list();
  } else {
    GS_TRY(pairs, source.as_object().iterate());
  }
  Map out;
  for (const Value& pair : pairs) GS_TRY_VOID(add_pair(out, pair));
  return out;
}

// dict(pairs or mapping, key=value, …)
Result<Value> make_dict(const CallArguments& arguments) {
  Map out;
  if (arguments.positional.size() > 1)
    return Error(ErrorCode::template_type, "dict() takes one positional argument");
  if (!arguments.positional.empty()) {
    GS_TRY(out, dict_of(arguments.positional.front()));
  }
  for (const auto& [key, value] : arguments.named) out.set(key, value);
  return Value(std::move(out));
}

class CyclerObject : public Object {
 public:
  explicit CyclerObject(List items) : items_(std::move(items)) {}
  [[nodiscard]] std::string_view type_name() const override { return "Cycler"; }
  Result<Value> attribute(std::string_view name) override {
    if (name == "current") return items_[at_];
    if (name == "next" || name == "reset") {
      references.fetch_add(1, std::memory_order_relaxed);
      const Value self(static_cast<Object*>(this));
      const bool moves = name == "next";
      return make_function("cycler." + std::string(name),
                           [self, moves](const CallArguments&) -> Result<Value> {
                             auto& cycler = static_cast<CyclerObject&>(self.as_object());
                             if (!moves) {
                               cycler.at_ = 0;
                               return Value();
                             }
                             Value now = cycler.items_[cycler.at_];
                             cycler.at_ = (cycler.at_ + 1) % cycler.items_.size();
                             return now;
                           });
    }
    return Object::attribute(name);
  }

 private:
  List items_;
  std::size_t at_ = 0;
};

class JoinerObject : public Object {
 public:
  explicit JoinerObject(std::string separator) : separator_(std::move(separator)) {}
  [[nodiscard]] std::string_view type_name() const override { return "Joiner"; }
  [[nodiscard]] bool is_callable() const override { return true; }
  Result<Value> call(const CallArguments& /*arguments*/) override {
    return std::exchange(used_, true) ? Value(separator_) : Value("");
  }

 private:
  std::string separator_;
  bool used_ = false;
};

Result<Value> make_cycler(const CallArguments& arguments) {
  if (arguments.positional.empty())
    return Error(ErrorCode::template_type, "cycler() needs at least one value");
  return make_object<CyclerObject>(arguments.positional);
}

Result<Value> make_joiner(const CallArguments& arguments) {
  const MethodArguments args("joiner", arguments);
  GS_TRY_VOID(args.expect(0, 1, {"sep"}));
  GS_TRY(std::string separator, args.text(0, ", ", "sep"));
  return make_object<JoinerObject>(std::move(separator));
}

Result<Value> make_namespace(const CallArguments& arguments) {
  GS_TRY(Value values, make_dict(arguments));
  return make_object<NamespaceObject>(std::move(values.mutable_map()));
}

Result<Value> now(const CallArguments& arguments) {
  const MethodArguments args("now", arguments);
  GS_TRY_VOID(args.expect(0, 2, {"utc", "fmt"}));
  const Value* utc = args.get(0, "utc");
  GS_TRY(const std::string format, args.text(1, {}, "fmt"));
  Value date = make_now(utc != nullptr && utc->truthy());
  if (format.empty()) return date;
  const auto& fields = static_cast<DateTimeObject&>(date.as_object());
  return Value(format_time(format, fields.fields(), fields.microseconds()));
}

Result<Value> undef(const CallArguments& arguments) {
  const MethodArguments args("undef", arguments);
  GS_TRY_VOID(args.expect(0, 1, {"hint"}));
  GS_TRY(std::string hint, args.text(0, {}, "hint"));
  return Value::undefined(hint.empty() ? "Mandatory variable has not been overridden" : hint);
}

Result<Value> lipsum(const CallArguments&) {
  return Error(ErrorCode::template_type, "lipsum() is not supported: it makes text by chance");
}

const std::unordered_map<NameId, Value>& globals() {
  static const std::unordered_map<NameId, Value> kGlobals = [] {
    std::unordered_map<NameId, Value> out;
    const auto add = [&](const char* name, FunctionObject::Function function) {
      out.emplace(intern_name(name), make_function(name, std::move(function)));
    };
    add("range", make_range);
    add("dict", make_dict);
    add("cycler", make_cycler);
    add("joiner", make_joiner);
    add("namespace", make_namespace);
    add("now", now);
    add("undef", undef);
    add("lipsum", lipsum);
    // Bound to the render at the call, see Render::call().
    for (const char* name : {"lookup", "query", "q"}) {
      out.emplace(intern_name(name),
                  make_object<LookupFunctionObject>(std::string_view(name) != "lookup"));
    }
    return out;
  }();
  return kGlobals;
}

}  // namespace

const Value* find_global(NameId name) {
  const auto& all = globals();
  const auto found = all.find(name);
  return found == all.end() ? nullptr : &found->second;
}

}  // namespace gpustack::jinja
