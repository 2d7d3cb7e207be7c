#pragma once
/// @file Values with behaviour: ranges, loops, namespaces, dates, bound methods.

#include "core/jinja/ast.hpp"

#include <ctime>
#include <optional>
#include <typeinfo>

namespace gpustack::jinja {

/// The object where its type is T itself; nullptr for any other. Types are known by their address:
/// comparing the names of different ones takes longer than what follows.
template <typename T>
T* exactly(Object& object) {
  return &typeid(object) == &typeid(T) ? static_cast<T*>(&object) : nullptr;
}
template <typename T>
T* exactly(const Value& value) {
  return value.is_object() ? exactly<T>(value.as_object()) : nullptr;
}

/// Python's range(): numbers are made when they are asked for.
class RangeObject : public Object {
 public:
  RangeObject(std::int64_t start, std::int64_t stop, std::int64_t step);
  [[nodiscard]] std::string_view type_name() const override { return "range"; }
  Result<Value> item(const Value& key) override;
  Result<List> iterate() override;
  bool contains(const Value& key) override;
  [[nodiscard]] bool truthy() const override { return count_ > 0; }
  [[nodiscard]] std::string to_text() const override;
  [[nodiscard]] std::int64_t size() const { return count_; }
  [[nodiscard]] std::int64_t at(std::int64_t index) const { return start_ + index * step_; }

 private:
  std::int64_t start_;
  std::int64_t stop_;
  std::int64_t step_;
  std::int64_t count_;
};

/// Jinja2's namespace(): attributes that survive loops.
class NamespaceObject final : public Object {
 public:
  explicit NamespaceObject(Map values) : values_(std::move(values)) {}
  [[nodiscard]] std::string_view type_name() const override { return "Namespace"; }
  Result<Value> attribute(std::string_view name) override;
  const Value* peek(std::string_view name, Value& room) override;
  Result<Value> set_attribute(std::string_view name, Value value) override;
  [[nodiscard]] const Map& members() const { return values_; }
  /// The same as set_attribute(). @param hint  where the attribute was last
  void set(std::string_view name, const PlaceHint& hint, Value&& value);
  [[nodiscard]] std::string to_text() const override {
    return "<Namespace " + to_repr(Value(values_)) + ">";
  }

 private:
  Map values_;
};

/// `loop` inside a for.
class LoopObject final : public Object {
 public:
  using Again = Result<Value> (*)(void* self, const Value& items, int depth);

  /// @param items  a list
  LoopObject(Value items, int depth) : items_(std::move(items)), depth_(depth) {}
  [[nodiscard]] std::string_view type_name() const override { return "LoopContext"; }
  Result<Value> attribute(std::string_view name) override;
  const Value* peek(std::string_view name, Value& room) override;
  Result<Value> call(const CallArguments& arguments) override;
  [[nodiscard]] bool is_callable() const override { return true; }
  void move_to(std::size_t index) { index_ = index; }
  /// Is the loop over, and nobody else refers to it?
  [[nodiscard]] bool is_spare() const {
    return !again_ && references.load(std::memory_order_acquire) == 1;
  }
  /// Serves another loop.
  void start(Value items, int depth) {
    items_ = std::move(items);
    depth_ = depth;
    index_ = 0;
  }
  void end() {
    items_ = Value();
    if (!has_last_) return;
    last_changed_ = Value();
    has_last_ = false;
  }
  /// What follows from the place alone; null for `none`.
  [[nodiscard]] Value field(LoopField field) const;
  /// The same as a number; nothing for what is no number.
  [[nodiscard]] std::optional<std::int64_t> count(LoopField field) const;
  [[nodiscard]] int depth() const { return depth_; }
  [[nodiscard]] const List& list() const { return items_.as_list(); }
  void set_again(std::function<Result<Value>(const Value&)> again) { again_ = std::move(again); }
  Result<Value> cycle(const CallArguments& arguments) const;
  Result<Value> changed(const CallArguments& arguments);

 private:
  Value items_;
  std::size_t index_ = 0;
  int depth_;
  Value last_changed_;
  bool has_last_ = false;
  std::function<Result<Value>(const Value&)> again_;
};

inline std::optional<std::int64_t> LoopObject::count(LoopField field) const {
  const auto index = static_cast<std::int64_t>(index_);
  const auto count = [this] { return static_cast<std::int64_t>(list().size()); };
  switch (field) {
    case LoopField::index:
      return index + 1;
    case LoopField::index0:
      return index;
    case LoopField::length:
      return count();
    case LoopField::revindex:
      return count() - index;
    case LoopField::revindex0:
      return count() - index - 1;
    case LoopField::depth:
      return depth_ + 1;
    case LoopField::depth0:
      return depth_;
    default:
      return std::nullopt;
  }
}

inline Value LoopObject::field(LoopField field) const {
  if (field == LoopField::first) return Value(index_ == 0);
  if (field == LoopField::last) return Value(index_ + 1 == list().size());
  const auto number = count(field);
  return number ? Value(*number) : Value();
}

/// A function as a value.
class FunctionObject : public Object {
 public:
  using Function = std::function<Result<Value>(const CallArguments&)>;
  FunctionObject(std::string name, Function function)
      : name_(std::move(name)), function_(std::move(function)) {}
  [[nodiscard]] std::string_view type_name() const override { return "function"; }
  Result<Value> call(const CallArguments& arguments) override { return function_(arguments); }
  [[nodiscard]] bool is_callable() const override { return true; }
  [[nodiscard]] std::string to_text() const override { return "<function " + name_ + ">"; }

 private:
  std::string name_;
  Function function_;
};

/// `lookup`, `query` and `q`: need the render they are called from, so Render::call() looks for
/// this type.
class LookupFunctionObject : public Object {
 public:
  explicit LookupFunctionObject(bool wants_list) : wants_list_(wants_list) {}
  [[nodiscard]] std::string_view type_name() const override { return "function"; }
  [[nodiscard]] bool is_callable() const override { return true; }
  [[nodiscard]] bool wants_list() const { return wants_list_; }

 private:
  bool wants_list_;
};

Value make_function(std::string name, FunctionObject::Function function);

/// Seconds and microseconds since 1970 in local time or UTC, as Python's naive datetime shows them.
class DateTimeObject : public Object {
 public:
  DateTimeObject(std::tm fields, std::int64_t microseconds)
      : fields_(fields), microseconds_(microseconds) {}
  [[nodiscard]] std::string_view type_name() const override { return "datetime"; }
  Result<Value> attribute(std::string_view name) override;
  [[nodiscard]] std::string to_text() const override;
  /// Seconds since 1970 as if the fields were UTC; for differences and order.
  [[nodiscard]] std::int64_t naive_seconds() const;
  [[nodiscard]] std::int64_t microseconds() const { return microseconds_; }
  [[nodiscard]] const std::tm& fields() const { return fields_; }

 private:
  std::tm fields_;
  std::int64_t microseconds_;
};

/// The difference of two dates.
class DurationObject : public Object {
 public:
  explicit DurationObject(std::int64_t microseconds) : microseconds_(microseconds) {}
  [[nodiscard]] std::string_view type_name() const override { return "timedelta"; }
  Result<Value> attribute(std::string_view name) override;
  [[nodiscard]] bool truthy() const override { return microseconds_ != 0; }
  [[nodiscard]] std::string to_text() const override;
  [[nodiscard]] std::int64_t microseconds() const { return microseconds_; }

 private:
  std::int64_t microseconds_;
};

std::string format_time(const std::string& format,
                        const std::tm& fields,
                        std::int64_t microseconds = 0);
/// The current time. @param utc  as UTC instead of local time
Value make_now(bool utc);

/// `+`, `-`, … where at least one side is an object.
Result<Value> object_binary(BinaryOp op, const Value& left, const Value& right);
Result<int> object_order(const Value& left, const Value& right);
bool objects_equal(const Value& left, const Value& right);

}  // namespace gpustack::jinja
