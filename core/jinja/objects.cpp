#include "core/jinja/objects.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace gpustack::jinja {

namespace {

constexpr std::int64_t kMaxItems = 10'000'000;

}  // namespace

RangeObject::RangeObject(std::int64_t start, std::int64_t stop, std::int64_t step)
    : start_(start), stop_(stop), step_(step), count_(0) {
  // Unsigned arithmetic: the distance of two 64-bit numbers may not fit into one.
  const auto distance = [](std::int64_t low, std::int64_t high) {
    return static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  };
  if (step > 0 && start < stop) {
    count_ = static_cast<std::int64_t>(std::min<std::uint64_t>(
        (distance(start, stop) - 1) / static_cast<std::uint64_t>(step) + 1, INT64_MAX));
  } else if (step < 0 && start > stop) {
    const std::uint64_t width = ~static_cast<std::uint64_t>(step) + 1;
    count_ = static_cast<std::int64_t>(
        std::min<std::uint64_t>((distance(stop, start) - 1) / width + 1, INT64_MAX));
  }
}

Result<Value> RangeObject::item(const Value& key) {
  if (!key.is_integer()) return Object::item(key);
  std::int64_t index = key.as_integer();
  if (index < 0) index += count_;
  if (index < 0 || index >= count_)
    return Value::undefined("range object has no element " + to_repr(key));
  return Value(at(index));
}

Result<List> RangeObject::iterate() {
  if (count_ > kMaxItems) {
    return Error(ErrorCode::template_limit,
                 to_text() + " has more than " + std::to_string(kMaxItems) + " items");
  }
  List out;
  out.reserve(static_cast<std::size_t>(count_));
  for (std::int64_t i = 0; i < count_; ++i) out.emplace_back(at(i));
  return out;
}

bool RangeObject::contains(const Value& key) {
  if (!key.is_integer() && !key.is_bool()) return false;
  const std::int64_t number = key.as_integer();
  if (count_ == 0) return false;
  const std::int64_t low = std::min(start_, at(count_ - 1));
  const std::int64_t high = std::max(start_, at(count_ - 1));
  return number >= low && number <= high && (number - start_) % step_ == 0;
}

std::string RangeObject::to_text() const {
  std::string out = "range(" + std::to_string(start_) + ", " + std::to_string(stop_);
  if (step_ != 1) out += ", " + std::to_string(step_);
  return out + ")";
}

Result<Value> NamespaceObject::attribute(std::string_view name) {
  if (const Value* found = values_.find(name)) return *found;
  return Object::attribute(name);
}

const Value* NamespaceObject::peek(std::string_view name, Value& /*room*/) {
  return values_.find(name);
}

Result<Value> NamespaceObject::set_attribute(std::string_view name, Value value) {
  values_.set(name, std::move(value));
  return Value();
}

void NamespaceObject::set(std::string_view name, const PlaceHint& hint, Value&& value) {
  const auto search = [&] { return std::as_const(values_).find(name); };
  if (const Value* member = find_near(values_, name, hint, search)) {
    const_cast<Value&>(*member) = std::move(value);  // it lies in our own dict
  } else {
    values_.set(name, std::move(value));
  }
}

Value make_function(std::string name, FunctionObject::Function function) {
  return make_object<FunctionObject>(std::move(name), std::move(function));
}

LoopField loop_field(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "", "index", "index0", "first", "last", "length", "revindex", "revindex0", "depth", "depth0"};
  const auto* found = std::find(std::begin(kNames), std::end(kNames), name);
  return found == std::end(kNames) ? LoopField::none
                                   : static_cast<LoopField>(found - std::begin(kNames));
}

const Value* LoopObject::peek(std::string_view name, Value& room) {
  room = field(loop_field(name));
  return room.is_null() ? nullptr : &room;
}

Result<Value> LoopObject::attribute(std::string_view name) {
  if (Value found = field(loop_field(name)); !found.is_null()) return found;
  if (name == "previtem") {
    return index_ > 0 ? list()[index_ - 1]
                      : Value::undefined("there is no previous item", "previtem");
  }
  if (name == "nextitem") {
    return index_ + 1 < list().size() ? list()[index_ + 1]
                                      : Value::undefined("there is no next item", "nextitem");
  }
  if (name == "cycle" || name == "changed") {
    references.fetch_add(1, std::memory_order_relaxed);
    const Value self(static_cast<Object*>(this));
    const bool cycles = name == "cycle";
    return make_function("loop." + std::string(name),
                         [self, cycles](const CallArguments& arguments) {
                           auto& loop = static_cast<LoopObject&>(self.as_object());
                           return cycles ? loop.cycle(arguments) : loop.changed(arguments);
                         });
  }
  return Object::attribute(name);
}

Result<Value> LoopObject::cycle(const CallArguments& arguments) const {
  if (arguments.positional.empty())
    return Error(ErrorCode::template_type, "loop.cycle() needs at least one value");
  return arguments.positional[index_ % arguments.positional.size()];
}

Result<Value> LoopObject::changed(const CallArguments& arguments) {
  const Value now{List(arguments.positional)};
  const bool differs = !has_last_ || !(now == last_changed_);
  last_changed_ = now;
  has_last_ = true;
  return Value(differs);
}

Result<Value> LoopObject::call(const CallArguments& arguments) {
  if (!again_)
    return Error(ErrorCode::template_type, "loop() works in loops with the word 'recursive' only");
  if (arguments.positional.size() != 1)
    return Error(ErrorCode::template_type, "loop() takes one argument: the items");
  return again_(arguments.positional.front());
}

bool objects_equal(const Value& left, const Value& right) {
  if (left.same_as(right)) return true;
  const auto sign = object_order(left, right);
  return sign.has_value() && *sign == 0;
}

}  // namespace gpustack::jinja
