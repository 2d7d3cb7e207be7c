#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/sequence.hpp"

#include <array>
#include <chrono>
#include <cstdio>

namespace gpustack::jinja {

namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;

std::int64_t total(const DateTimeObject& date) {
  return date.naive_seconds() * kSecond + date.microseconds();
}

Value make_date(std::int64_t microseconds) {
  std::int64_t seconds = microseconds / kSecond;
  std::int64_t rest = microseconds % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --seconds;
  }
  const auto when = static_cast<std::time_t>(seconds);
  std::tm fields{};
  gmtime_r(&when, &fields);
  return make_object<DateTimeObject>(fields, rest);
}

std::string padded(const char* format, long long a) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, a);
  return buffer.data();
}

}  // namespace

std::string format_time(const std::string& format,
                        const std::tm& fields,
                        std::int64_t microseconds) {
  std::string prepared;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] == '%' && i + 1 < format.size()) {
      if (format[i + 1] == 'f') {
        prepared += padded("%06lld", microseconds);
      } else {
        prepared += format[i];
        prepared += format[i + 1];
      }
      ++i;
    } else {
      prepared += format[i];
    }
  }
  if (prepared.empty()) return {};
  prepared += ' ';  // strftime() returns 0 both for "empty" and for "too long"
  std::string out(prepared.size() * 4 + 256, '\0');
  std::size_t length = std::strftime(out.data(), out.size(), prepared.c_str(), &fields);
  if (length == 0) {
    out.resize(prepared.size() * 64 + 4096);
    length = std::strftime(out.data(), out.size(), prepared.c_str(), &fields);
  }
  out.resize(length > 0 ? length - 1 : 0);
  return out;
}

std::int64_t DateTimeObject::naive_seconds() const {
  std::tm copy = fields_;
  return static_cast<std::int64_t>(timegm(&copy));
}

std::string DateTimeObject::to_text() const {
  std::string out = format_time("%Y-%m-%d %H:%M:%S", fields_);
  if (microseconds_ != 0) out += "." + padded("%06lld", microseconds_);
  return out;
}

Result<Value> DateTimeObject::attribute(std::string_view name) {
  if (name == "year") return Value(fields_.tm_year + 1900);
  if (name == "month") return Value(fields_.tm_mon + 1);
  if (name == "day") return Value(fields_.tm_mday);
  if (name == "hour") return Value(fields_.tm_hour);
  if (name == "minute") return Value(fields_.tm_min);
  if (name == "second") return Value(fields_.tm_sec);
  if (name == "microsecond") return Value(microseconds_);
  const std::tm fields = fields_;
  const std::int64_t micro = microseconds_;
  if (name == "strftime") {
    return make_function(
        "strftime", [fields, micro](const CallArguments& arguments) -> Result<Value> {
          if (arguments.positional.size() != 1 || !arguments.positional[0].is_string()) {
            return Error(ErrorCode::template_type, "strftime() takes one format text");
          }
          return Value(format_time(arguments.positional[0].as_string(), fields, micro));
        });
  }
  if (name == "isoformat") {
    return make_function("isoformat", [fields, micro](const CallArguments&) -> Result<Value> {
      std::string out = format_time("%Y-%m-%dT%H:%M:%S", fields);
      if (micro != 0) out += "." + padded("%06lld", micro);
      return Value(std::move(out));
    });
  }
  if (name == "timestamp") {
    return make_function("timestamp", [fields, micro](const CallArguments&) -> Result<Value> {
      std::tm copy = fields;
      copy.tm_isdst = -1;
      return Value(static_cast<double>(std::mktime(&copy)) + static_cast<double>(micro) / 1e6);
    });
  }
  if (name == "weekday" || name == "isoweekday") {
    const bool iso = name == "isoweekday";
    return make_function(std::string(name), [fields, iso](const CallArguments&) -> Result<Value> {
      const int monday_first = (fields.tm_wday + 6) % 7;
      return Value(iso ? monday_first + 1 : monday_first);
    });
  }
  if (name == "date") {
    return make_function("date", [fields](const CallArguments&) -> Result<Value> {
      return Value(format_time("%Y-%m-%d", fields));
    });
  }
  return Object::attribute(name);
}

Result<Value> DurationObject::attribute(std::string_view name) {
  std::int64_t days = microseconds_ / kDay;
  std::int64_t rest = microseconds_ % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  if (name == "days") return Value(days);
  if (name == "seconds") return Value(rest / kSecond);
  if (name == "microseconds") return Value(rest % kSecond);
  if (name == "total_seconds") {
    const double seconds = static_cast<double>(microseconds_) / 1e6;
    return make_function("total_seconds", [seconds](const CallArguments&) -> Result<Value> {
      return Value(seconds);
    });
  }
  return Object::attribute(name);
}

std::string DurationObject::to_text() const {
  std::int64_t days = microseconds_ / kDay;
  std::int64_t rest = microseconds_ % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  std::string out;
  if (days != 0) out = std::to_string(days) + (days == 1 || days == -1 ? " day, " : " days, ");
  const std::int64_t seconds = rest / kSecond;
  out += std::to_string(seconds / 3600) + ":" + padded("%02lld", seconds / 60 % 60) + ":" +
         padded("%02lld", seconds % 60);
  if (rest % kSecond != 0) out += "." + padded("%06lld", rest % kSecond);
  return out;
}

Value make_now(bool utc) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t microseconds =
      std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  const auto seconds = static_cast<std::time_t>(microseconds / kSecond);
  std::tm fields{};
  if (utc) {
    gmtime_r(&seconds, &fields);
  } else {
    localtime_r(&seconds, &fields);
  }
  return make_object<DateTimeObject>(fields, microseconds % kSecond);
}

Result<Value> object_binary(BinaryOp op, const Value& left, const Value& right) {
  const auto* left_date =
      left.is_object() ? dynamic_cast<const DateTimeObject*>(&left.as_object()) : nullptr;
  const auto* right_date =
      right.is_object() ? dynamic_cast<const DateTimeObject*>(&right.as_object()) : nullptr;
  const auto* left_span =
      left.is_object() ? dynamic_cast<const DurationObject*>(&left.as_object()) : nullptr;
  const auto* right_span =
      right.is_object() ? dynamic_cast<const DurationObject*>(&right.as_object()) : nullptr;
  if (op == BinaryOp::sub) {
    if (left_date != nullptr && right_date != nullptr)
      return make_object<DurationObject>(total(*left_date) - total(*right_date));
    if (left_date != nullptr && right_span != nullptr)
      return make_date(total(*left_date) - right_span->microseconds());
    if (left_span != nullptr && right_span != nullptr)
      return make_object<DurationObject>(left_span->microseconds() - right_span->microseconds());
  }
  if (op == BinaryOp::add) {
    if (left_date != nullptr && right_span != nullptr)
      return make_date(total(*left_date) + right_span->microseconds());
    if (left_span != nullptr && right_date != nullptr)
      return make_date(total(*right_date) + left_span->microseconds());
    if (left_span != nullptr && right_span != nullptr)
      return make_object<DurationObject>(left_span->microseconds() + right_span->microseconds());
  }
  constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "**"};
  return Error(ErrorCode::template_type,
               "cannot apply '" + std::string(kSymbols[static_cast<std::size_t>(op)]) + "' to " +
                   std::string(type_name(left)) + " and " + std::string(type_name(right)));
}

Result<int> object_order(const Value& left, const Value& right) {
  if (is_group(left) && is_group(right)) {
    GS_TRY(List a, left.as_object().iterate());
    GS_TRY(List b, right.as_object().iterate());
    return order(Value(std::move(a)), Value(std::move(b)));
  }
  const auto sign = [](std::int64_t a, std::int64_t b) { return a < b ? -1 : b < a ? 1 : 0; };
  if (const auto* a = dynamic_cast<const DateTimeObject*>(&left.as_object())) {
    if (const auto* b = dynamic_cast<const DateTimeObject*>(&right.as_object()))
      return sign(total(*a), total(*b));
  }
  if (const auto* a = dynamic_cast<const DurationObject*>(&left.as_object())) {
    if (const auto* b = dynamic_cast<const DurationObject*>(&right.as_object())) {
      return sign(a->microseconds(), b->microseconds());
    }
  }
  return Error(ErrorCode::template_type,
               "cannot compare " + std::string(type_name(left)) + " with " +
                   std::string(type_name(right)) + ": they have no order");
}

}  // namespace gpustack::jinja
