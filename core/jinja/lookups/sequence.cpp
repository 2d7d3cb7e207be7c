// sequence: `start=0 end=10 stride=2 format=host%02d`, or the short `2-10/2:host%02d`
#include "core/jinja/format.hpp"
#include "core/jinja/key_value.hpp"
#include "core/jinja/lookups/tables.hpp"
#include "core/jinja/number.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/pattern.hpp"
#include "core/jinja/render.hpp"

namespace gpustack::jinja {

namespace {

struct Sequence {
  std::int64_t start = 1;
  std::optional<std::int64_t> count;
  std::optional<std::int64_t> end;
  std::int64_t stride = 1;
  std::string format = "%d";
};

Result<std::int64_t> whole(LookupCall& call, std::string_view key, const std::string& text) {
  if (const auto number = parse_integer(text, 0)) return *number;
  return call.fail("cannot read " + std::string(key) + "=" + text + " as a whole number");
}

Result<void> take(LookupCall& call,
                  Sequence& out,
                  const std::string& key,
                  const std::string& text) {
  if (key == "start") {
    GS_TRY(out.start, whole(call, key, text));
  } else if (key == "end") {
    GS_TRY(out.end, whole(call, key, text));
  } else if (key == "count") {
    GS_TRY(out.count, whole(call, key, text));
  } else if (key == "stride") {
    GS_TRY(out.stride, whole(call, key, text));
  } else if (key == "format") {
    out.format = text;
  } else {
    return call.fail("has no argument '" + key + "': expected start, end, count, stride or format");
  }
  return {};
}

Result<Sequence> parse(LookupCall& call, const std::string& term) {
  Sequence out;
  GS_TRY(
      const auto shortcut,
      cached_pattern(
          "(?:(\\d+|0x[0-9a-fA-F]+)-)?(\\d+|0x[0-9a-fA-F]+)(?:/(\\d+|0x[0-9a-fA-F]+))?(?::(.+))?"));
  GS_TRY(const auto match, shortcut.full_match(term));
  if (match) {
    constexpr std::string_view kKeys[] = {"start", "end", "stride", "format"};
    for (std::size_t i = 0; i < 4; ++i) {
      if (match->has(i + 1))
        GS_TRY_VOID(take(call, out, std::string(kKeys[i]), std::string(match->text(i + 1))));
    }
    return out;
  }
  const KeyValues parsed = parse_key_values(term);
  if (!parsed.rest.empty()) return call.fail("cannot read '" + term + "'");
  for (const auto& [key, text] : parsed.pairs) GS_TRY_VOID(take(call, out, key, text));
  return out;
}

Result<List> sequence(LookupCall& call) {
  List out;
  List terms = call.terms;
  if (terms.empty()) terms.emplace_back("");
  for (const Value& term : terms) {
    GS_TRY(const std::string text, text_of(term));
    GS_TRY(Sequence wanted, parse(call, text));
    for (const auto& [key, value] : call.options) {
      GS_TRY(const std::string option, text_of(value));
      GS_TRY_VOID(take(call, wanted, key.as_string(), option));
    }
    if (wanted.count.has_value() == wanted.end.has_value())
      return call.fail("needs either 'end' or 'count'");
    if (wanted.count && *wanted.count == 0) continue;
    if (wanted.stride == 0) continue;
    const std::int64_t end =
        wanted.end ? *wanted.end : wanted.start + *wanted.count * wanted.stride - 1;
    if (wanted.stride > 0 && end < wanted.start)
      return call.fail("counts backwards with a negative stride only");
    if (wanted.stride < 0 && end > wanted.start)
      return call.fail("counts forwards with a positive stride only");
    for (std::int64_t i = wanted.start; wanted.stride > 0 ? i <= end : i >= end;
         i += wanted.stride) {
      GS_TRY_VOID(call.render.step());
      GS_TRY(std::string item, percent_format(wanted.format, Value(i)));
      out.emplace_back(std::move(item));
    }
  }
  return out;
}

constexpr LookupRow kRows[] = {{"sequence", sequence}};

}  // namespace

LookupTable sequence_lookups() { return kRows; }

}  // namespace gpustack::jinja
