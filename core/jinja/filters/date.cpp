// strftime, to_datetime
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/number.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"

#include <ctime>

namespace gpustack::jinja {

namespace {

Result<Value> format_epoch(Invocation& call) {
  GS_TRY(const std::string format, call.input_text());
  std::time_t when = std::time(nullptr);
  if (call.has(0) && !call.arg(0).is_null()) {
    const Value& given = call.arg(0);
    std::optional<double> seconds;
    if (given.is_number()) {
      seconds = given.as_real();
    } else if (given.is_string()) {
      seconds = parse_real(given.as_string());
    }
    if (!seconds) return call.fail("expected seconds since 1970, found " + to_repr(given));
    when = static_cast<std::time_t>(*seconds);
  }
  std::tm fields{};
  if (call.flag(1)) {
    gmtime_r(&when, &fields);
  } else {
    localtime_r(&when, &fields);
  }
  return Value(format_time(format, fields));
}

Result<Value> to_datetime(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(std::string format, call.text(0, "%Y-%m-%d %H:%M:%S"));
  std::string plain = text;
  std::int64_t microseconds = 0;
  // strptime() has no %f: the digits are taken out of both texts first.
  if (const std::size_t at = format.find("%f"); at != std::string::npos) {
    std::tm before{};
    const std::string head = format.substr(0, at);
    const char* begin = strptime(text.c_str(), head.c_str(), &before);
    if (begin == nullptr)
      return call.fail("'" + text + "' does not match the format '" + format + "'");
    const std::size_t digits_at = static_cast<std::size_t>(begin - text.c_str());
    std::size_t end = digits_at;
    std::string digits;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9' && digits.size() < 6)
      digits += text[end++];
    if (digits.empty())
      return call.fail("'" + text + "' does not match the format '" + format + "'");
    digits.resize(6, '0');
    microseconds = parse_integer(digits).value_or(0);
    plain = text.substr(0, digits_at) + text.substr(end);
    format = head + format.substr(at + 2);
  }
  std::tm fields{};
  fields.tm_mday = 1;
  const char* end = strptime(plain.c_str(), format.c_str(), &fields);
  if (end == nullptr || *end != '\0')
    return call.fail("'" + text + "' does not match the format '" + format + "'");
  // Fills the week day and the day of the year.
  std::tm complete = fields;
  const std::time_t seconds = timegm(&complete);
  gmtime_r(&seconds, &complete);
  return make_object<DateTimeObject>(complete, microseconds);
}

constexpr FilterRow kRows[] = {
    {"strftime", format_epoch, "second utc"},
    {"to_datetime", to_datetime, "format"},
};

}  // namespace

FilterTable date_filters() { return kRows; }

}  // namespace gpustack::jinja
