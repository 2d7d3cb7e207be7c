#include "core/jinja/operators.hpp"

#include "core/base/sealed.hpp"
#include "core/jinja/big_integer.hpp"
#include "core/jinja/format.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace gpustack::jinja {

namespace {

bool numeric(const Value& value) { return value.is_number() || value.is_bool(); }

/// A whole number of any size.
bool is_whole(const Value& value) {
  return value.is_integer() || value.is_bool() || as_big(value) != nullptr;
}

std::string_view symbol(BinaryOp op) {
  constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "**"};
  return kSymbols[static_cast<std::size_t>(op)];
}

Error unsupported(BinaryOp op, const Value& left, const Value& right) {
  return Error(ErrorCode::template_type,
               "cannot apply '" + std::string(symbol(op)) + "' to " + std::string(type_name(left)) +
                   " and " + std::string(type_name(right)));
}

Error too_large(std::string_view what) {
  return Error(ErrorCode::template_limit,
               "the " + std::string(what) + " is larger than a template may make it");
}

Result<Value> integer_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0)
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  const Value whole_base(base);
  const Value whole_exponent(exponent);
  std::int64_t result = 1;
  while (exponent > 0) {
    const bool is_odd = (exponent & 1) != 0;
    exponent >>= 1;
    if ((is_odd && __builtin_mul_overflow(result, base, &result)) ||
        (exponent > 0 && __builtin_mul_overflow(base, base, &base)))
      return big_binary(BinaryOp::pow, whole_base, whole_exponent);
  }
  return Value(result);
}

Result<Value> integers(BinaryOp op, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  switch (op) {
    case BinaryOp::add:
      if (__builtin_add_overflow(left, right, &result))
        return big_binary(op, Value(left), Value(right));
      return Value(result);
    case BinaryOp::sub:
      if (__builtin_sub_overflow(left, right, &result))
        return big_binary(op, Value(left), Value(right));
      return Value(result);
    case BinaryOp::mul:
      if (__builtin_mul_overflow(left, right, &result))
        return big_binary(op, Value(left), Value(right));
      return Value(result);
    case BinaryOp::pow:
      return integer_power(left, right);
    default:
      break;
  }
  if (right == 0) return Error(ErrorCode::template_type, "division by zero");
  if (op == BinaryOp::div)  // beyond 53 bits a double holds neither side exactly
    return Value(
        static_cast<double>(static_cast<long double>(left) / static_cast<long double>(right)));
  if (right == -1) {  // the one quotient that may not fit
    if (op == BinaryOp::mod) return Value(0);
    return integers(BinaryOp::sub, 0, left);
  }
  const std::int64_t quotient = left / right;
  const std::int64_t remainder = left % right;
  const bool adjust =
      remainder != 0 && ((remainder < 0) != (right < 0));  // Python rounds towards minus infinity
  if (op == BinaryOp::floor_div) return Value(adjust ? quotient - 1 : quotient);
  return Value(adjust ? remainder + right : remainder);
}

Result<Value> reals(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::add:
      return Value(left + right);
    case BinaryOp::sub:
      return Value(left - right);
    case BinaryOp::mul:
      return Value(left * right);
    case BinaryOp::pow:
      return Value(std::pow(left, right));
    default:
      break;
  }
  if (right == 0.0) return Error(ErrorCode::template_type, "division by zero");
  if (op == BinaryOp::div) return Value(left / right);
  // As float_divmod() of Python 3.11: quotient and remainder belong together.
  double remainder = std::fmod(left, right);
  double quotient = (left - remainder) / right;
  if (remainder == 0.0) {
    remainder = std::copysign(0.0, right);
  } else if ((remainder < 0) != (right < 0)) {
    remainder += right;
    quotient -= 1.0;
  }
  if (op == BinaryOp::mod) return Value(remainder);
  if (quotient == 0.0) return Value(std::copysign(0.0, left / right));
  const double whole = std::floor(quotient);
  return Value(quotient - whole > 0.5 ? whole + 1.0 : whole);
}

Result<Value> repeat(const Value& sequence, std::int64_t count, std::size_t size_limit) {
  const auto times = static_cast<std::size_t>(std::max<std::int64_t>(count, 0));
  const std::size_t unit = sequence.is_string() ? 1 : sizeof(Value);
  if (sequence.size() != 0 && times > size_limit / unit / sequence.size()) {
    return too_large(sequence.is_string() ? "string" : "list");
  }
  if (sequence.is_string()) {
    std::string out;
    out.reserve(sequence.size() * times);
    for (std::size_t i = 0; i < times; ++i) out += sequence.as_string();
    return Value(std::move(out)).marked(sequence.marks());
  }
  List out;
  out.reserve(sequence.size() * times);
  for (std::size_t i = 0; i < times; ++i)
    out.insert(out.end(), sequence.as_list().begin(), sequence.as_list().end());
  Value result(std::move(out));
  if (sequence.is_tuple()) result = result.as_tuple();
  return result.marked(sequence.marks());
}

Result<Value> add(const Value& left, const Value& right, std::size_t size_limit) {
  if (left.is_string() && right.is_string()) {
    if (left.size() + right.size() > size_limit) return too_large("string");
    return Value(left.as_string() + right.as_string()).marked(left.marks() | right.marks());
  }
  if (left.is_list() && right.is_list()) {
    if (left.is_tuple() != right.is_tuple()) return unsupported(BinaryOp::add, left, right);
    if ((left.size() + right.size()) * sizeof(Value) > size_limit) return too_large("list");
    List out;
    out.reserve(left.size() + right.size());
    out.insert(out.end(), left.as_list().begin(), left.as_list().end());
    out.insert(out.end(), right.as_list().begin(), right.as_list().end());
    Value result(std::move(out));
    if (left.is_tuple()) result = result.as_tuple();
    return result.marked(left.marks() | right.marks());
  }
  return unsupported(BinaryOp::add, left, right);
}

}  // namespace

Error undefined_value_error(const Value& value) {
  return Error(ErrorCode::undefined_variable, value.undefined_text());
}

namespace {

/// Both sides are numbers of any size. @return nothing when they are not
std::optional<Result<Value>> numbers(BinaryOp op, const Value& left, const Value& right) {
  if (numeric(left) && numeric(right)) {
    const Mark marks = left.marks() | right.marks();
    auto result = left.is_real() || right.is_real()
                      ? reals(op, left.as_real(), right.as_real())
                      : integers(op, left.as_integer(), right.as_integer());
    if (result && marks != Mark::none) result->mark(marks);
    return result;
  }
  if (is_whole(left) && is_whole(right)) return big_binary(op, left, right);
  return std::nullopt;
}

}  // namespace

Result<Value> binary(BinaryOp op, const Value& left, const Value& right, std::size_t size_limit) {
  if (left.is_undefined()) return undefined_value_error(left);
  if (right.is_undefined()) return undefined_value_error(right);
  if (auto result = numbers(op, left, right)) return std::move(*result);
  if (left.is_object() || right.is_object()) return object_binary(op, left, right);
  if (op == BinaryOp::add) return add(left, right, size_limit);
  if (op == BinaryOp::mod && left.is_string()) {
    GS_TRY(std::string text, percent_format(left.as_string(), right));
    return Value(std::move(text)).marked(left.marks() | deep_marks(right));
  }
  if (op == BinaryOp::mul) {
    const auto sequence = [](const Value& v) { return v.is_string() || v.is_list(); };
    if (sequence(left) && (right.is_integer() || right.is_bool()))
      return repeat(left, right.as_integer(), size_limit);
    if (sequence(right) && (left.is_integer() || left.is_bool()))
      return repeat(right, left.as_integer(), size_limit);
  }
  return unsupported(op, left, right);
}

namespace {

template <typename T>
int sign_of(const T& left, const T& right) {
  return left < right ? -1 : right < left ? 1 : 0;
}

/// Numbers of any size. @return nothing when they are none
std::optional<int> number_order(const Value& left, const Value& right) {
  if (numeric(left) && numeric(right)) {
    if (left.is_real() || right.is_real()) return sign_of(left.as_real(), right.as_real());
    return sign_of(left.as_integer(), right.as_integer());
  }
  if (is_whole(left) && is_whole(right)) return big_order(left, right);
  const bool is_mixed =
      (as_big(left) != nullptr && right.is_real()) || (left.is_real() && as_big(right) != nullptr);
  return is_mixed ? std::optional<int>(sign_of(real_of(left), real_of(right))) : std::nullopt;
}

Result<int> list_order(const List& left, const List& right) {
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    if (left[i] == right[i]) continue;
    return order(left[i], right[i]);
  }
  return sign_of(left.size(), right.size());
}

}  // namespace

Result<int> order(const Value& left, const Value& right) {
  if (left.is_undefined()) return undefined_value_error(left);
  if (right.is_undefined()) return undefined_value_error(right);
  if (const auto sign = number_order(left, right)) return *sign;
  // UTF-8 sorts by bytes as it does by code points.
  if (left.is_string() && right.is_string())
    return sign_of(left.as_string().compare(right.as_string()), 0);
  if (left.is_list() && right.is_list() && left.is_tuple() == right.is_tuple())
    return list_order(left.as_list(), right.as_list());
  if (left.is_object() && right.is_object()) return object_order(left, right);
  return Error(ErrorCode::template_type,
               "cannot compare " + std::string(type_name(left)) + " with " +
                   std::string(type_name(right)) + ": " + "they have no order");
}

Result<bool> contains(const Value& container, const Value& item) {
  if (container.is_undefined()) return undefined_value_error(container);
  if (item.is_undefined() && !container.is_map()) return undefined_value_error(item);
  switch (container.kind()) {
    case Kind::string:
      if (!item.is_string()) {
        return Error(
            ErrorCode::template_type,
            "'in' on a string needs a string on its left, found " + std::string(type_name(item)));
      }
      return container.as_string().find(item.as_string()) != std::string::npos;
    case Kind::list: {
      const List& list = container.as_list();
      return std::find(list.begin(), list.end(), item) != list.end();
    }
    case Kind::map:
      if (item.is_undefined()) return undefined_value_error(item);
      return container.as_map().find(item) != nullptr;
    case Kind::object:
      return container.as_object().contains(item);
    default:
      return Error(ErrorCode::template_type,
                   "'in' needs a string, list or dict on its right, found " +
                       std::string(type_name(container)));
  }
}

namespace {

/// How an ordering operator reads the order of two things of one type.
template <typename T>
bool ordered(CompareOp op, T left, T right) {
  switch (op) {
    case CompareOp::lt:
      return left < right;
    case CompareOp::le:
      return left <= right;
    case CompareOp::gt:
      return left > right;
    default:
      return left >= right;
  }
}

Result<bool> equal(const Value& left, const Value& right) {
  if (left.is_undefined() && !is_lenient(left)) return undefined_value_error(left);
  if (right.is_undefined() && !is_lenient(right)) return undefined_value_error(right);
  if (as_big(left) != nullptr && as_big(right) != nullptr) return big_order(left, right) == 0;
  return left.is_object() && right.is_object() ? objects_equal(left, right) : left == right;
}

}  // namespace

Result<bool> compare(CompareOp op, const Value& left, const Value& right) {
  const bool is_order =
      op == CompareOp::lt || op == CompareOp::le || op == CompareOp::gt || op == CompareOp::ge;
  if (is_order && left.is_integer() && right.is_integer())
    return ordered(op, left.as_integer(), right.as_integer());
  switch (op) {
    case CompareOp::in:
      return contains(right, left);
    case CompareOp::not_in: {
      GS_TRY(const bool found, contains(right, left));
      return !found;
    }
    case CompareOp::eq:
      return equal(left, right);
    case CompareOp::ne: {
      GS_TRY(const bool same, equal(left, right));
      return !same;
    }
    default:
      break;
  }
  // As numbers and not by order(): with nan every comparison is false.
  if ((left.is_real() || right.is_real()) && numeric(left) && numeric(right))
    return ordered(op, left.as_real(), right.as_real());
  GS_TRY(const int sign, order(left, right));
  return ordered(op, sign, 0);
}

Result<Value> negate(const Value& value) {
  if (value.is_undefined()) return undefined_value_error(value);
  if (value.is_real()) return Value(-value.as_real()).marked(value.marks());
  if (as_big(value) != nullptr) return big_binary(BinaryOp::sub, Value(0), value);
  if (!value.is_integer() && !value.is_bool()) {
    return Error(ErrorCode::template_type, "cannot negate " + std::string(type_name(value)));
  }
  return integers(BinaryOp::sub, 0, value.as_integer());
}

namespace {

constexpr std::string_view kMissingElse = "<inline if>";

}  // namespace

Value missing_else() {
  return Value::undefined(
      "the inline if-expression evaluated to false and no else section was defined",
      std::string(kMissingElse));
}

bool is_lenient(const Value& value) {
  return value.is_undefined() && value.undefined_name() == kMissingElse;
}

namespace {

/// Data without anything that could be undefined: what most values are.
bool is_plain_data(const Value& value) {
  const auto is_plain = [](const Value& part) {
    return part.kind() < Kind::list || is_plain_data(part);
  };
  if (value.is_list()) {
    const List& items = value.as_list();
    return std::all_of(items.begin(), items.end(), is_plain);
  }
  if (!value.is_map()) return value.kind() < Kind::list;
  const auto& entries = value.as_map().entries();
  return std::all_of(entries.begin(), entries.end(), [&](const Map::Entry& entry) {
    return is_plain(entry.value);
  });
}

}  // namespace

Result<void> require_defined(const Value& value) {
  if (is_plain_data(value)) return {};
  if (value.is_undefined() && !is_lenient(value)) return undefined_value_error(value);
  if (const SealedText* sealed = as_sealed(value)) return sealed->reason();
  if (value.is_list()) {
    for (const Value& item : value.as_list()) {
      if (item.kind() >= Kind::list) GS_TRY_VOID(require_defined(item));
    }
  } else if (value.is_map()) {
    for (const auto& [key, item] : value.as_map()) {
      if (item.kind() >= Kind::list) GS_TRY_VOID(require_defined(item));
    }
  }
  return {};
}

Result<std::string> text_of(const Value& value) {
  if (value.is_string()) return value.as_string();
  if (value.kind() >= Kind::list) GS_TRY_VOID(require_defined(value));
  return to_text(value);
}

namespace {

/// 0 for null, which stands for a bound that is not given.
Result<std::int64_t> slice_bound(const Value& value) {
  if (value.is_null()) return 0;
  if (value.is_undefined()) return undefined_value_error(value);
  if (!value.is_integer() && !value.is_bool()) {
    return Error(ErrorCode::template_type,
                 "slice bounds must be integers, found " + std::string(type_name(value)));
  }
  return value.as_integer();
}

}  // namespace

Result<SliceBounds> slice_bounds(std::int64_t size,
                                 const Value& start,
                                 const Value& stop,
                                 const Value& step) {
  SliceBounds bounds;
  GS_TRY(bounds.step, step.is_null() ? Result<std::int64_t>(1) : slice_bound(step));
  if (bounds.step == 0) return Error(ErrorCode::template_type, "slice step cannot be zero");
  const bool forward = bounds.step > 0;
  const std::int64_t first = forward ? 0 : size - 1;
  const std::int64_t behind_last = forward ? size : -1;
  const auto clamp = [&](std::int64_t at) {
    return std::clamp(
        at < 0 ? at + size : at, std::min(first, behind_last), std::max(first, behind_last));
  };
  GS_TRY(const std::int64_t raw_start, slice_bound(start));
  GS_TRY(const std::int64_t raw_stop, slice_bound(stop));
  bounds.start = start.is_null() ? first : clamp(raw_start);
  const std::int64_t end = stop.is_null() ? behind_last : clamp(raw_stop);
  const std::int64_t distance = forward ? end - bounds.start : bounds.start - end;
  bounds.count = distance > 0 ? (distance - 1) / std::abs(bounds.step) + 1 : 0;
  return bounds;
}

Value mark_deep(Value value, Mark marks) {
  if (marks == Mark::none) return value;
  if (value.is_list()) {
    List items = value.as_list();
    for (Value& item : items) item = mark_deep(std::move(item), marks);
    Value out(std::move(items));
    if (value.is_tuple()) out = out.as_tuple();
    return out.marked(value.marks() | marks);
  }
  if (value.is_map()) {
    Map entries;
    entries.reserve(value.size());
    for (const auto& [key, item] : value.as_map())
      entries.set(key.marked(marks), mark_deep(item, marks));
    return Value(std::move(entries)).marked(value.marks() | marks);
  }
  if (value.is_string() || value.is_number()) value.mark(marks);
  return value;
}

}  // namespace gpustack::jinja
